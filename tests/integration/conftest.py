"""What tests of several modules share: a database with a small history to look at, a pipeline that asks a vendor."""

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import pytest
import pytest_asyncio
from pydantic import SecretStr

from shared.database import Database
from shared.settings import DatabaseSettings
from tests.integration.asked_pipeline import AskedPipeline, asked_pipeline
from tests.integration.seeded import seed

SMALL_CALLS = {"SLUICE_LLM_BATCH_ITEMS": "4", "LOG_LEVEL": "DEBUG"}
"""Many calls of few items, so that a fault in a hundred calls is met; and whatever is logged."""


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


@pytest.fixture(scope="session")
def asked_directory() -> Iterator[Path]:
    """State of servers that `asked` has for itself: topics and groups of a pipeline have fixed names."""
    directory = Path(tempfile.mkdtemp(prefix="sluice-asked-"))
    directory.chmod(0o755)
    yield directory
    shutil.rmtree(directory, ignore_errors=True)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def asked(new_broker: object, asked_directory: Path) -> AsyncIterator[AskedPipeline]:
    """The classification pipeline with a simulated vendor; each test has rows of its own, and leaves no faults."""
    async with asked_pipeline(asked_directory, SMALL_CALLS, time_scale=20) as running:
        yield running
