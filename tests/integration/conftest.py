"""A database with a small history, shared by the tests that only look at it."""

from collections.abc import AsyncIterator
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import pytest_asyncio
from pydantic import SecretStr

from shared.database import Database
from shared.settings import DatabaseSettings
from tests.integration.seeded import seed


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def seeded_url(server_url: str, template: str) -> AsyncIterator[str]:
    """Address of a database with a small history, for tests that only look."""
    name = f"seeded_{uuid4().hex[:8]}"
    async with Database(DatabaseSettings(url=SecretStr(server_url))) as server:
        await server.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        url = urlunsplit(urlsplit(server_url)._replace(path=f"/{name}"))
        async with Database(DatabaseSettings(url=SecretStr(url))) as database:
            await seed(database)
        yield url
        await server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
