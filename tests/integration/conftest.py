"""What tests of several modules share: a database with a small history to look at, a pipeline that asks a vendor."""

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import pytest
import pytest_asyncio
from pydantic import SecretStr

from services.classification.pipeline import CLASSIFICATION
from services.deduplication.runs.shards import Place
from shared.broker.topics import TopicAdmin
from shared.database import Database
from shared.settings import DatabaseSettings
from tests.integration.api_server import PARTITIONS
from tests.integration.asked_pipeline import AskedPipeline, asked_pipeline
from tests.integration.console_history import seed_console
from tests.integration.dedupe_here import Here, companies, complete_run
from tests.integration.own_broker import own_broker
from tests.integration.seeded import seed

SMALL_CALLS = {"SLUICE_LLM_BATCH_ITEMS": "4", "LOG_LEVEL": "DEBUG"}
"""Many calls of few items, so that a fault in a hundred calls is met; and whatever is logged."""


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def seeded_url(server_url: str, template: str) -> AsyncIterator[str]:
    """Address of a database with a small history, for tests that only look."""
    async with _own_database(server_url, template, "seeded") as url:
        async with Database(DatabaseSettings(url=SecretStr(url))) as database:
            await seed(database)
        yield url


@asynccontextmanager
async def _own_database(server_url: str, template: str, kind: str) -> AsyncIterator[str]:
    name = f"{kind}_{uuid4().hex[:8]}"
    async with Database(DatabaseSettings(url=SecretStr(server_url))) as server:
        await server.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        yield urlunsplit(urlsplit(server_url)._replace(path=f"/{name}"))
        await server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def console_url(server_url: str, template: str) -> AsyncIterator[str]:
    """Address of a database with a history for the console; each test acts on rows of its own."""
    async with _own_database(server_url, template, "console") as url:
        async with Database(DatabaseSettings(url=SecretStr(url))) as database:
            await seed_console(database)
        yield url


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def console_run(console_url: str, tmp_path_factory: pytest.TempPathFactory) -> Here:
    """A complete run of deduplication in that database."""
    place = Place(str(tmp_path_factory.mktemp("dedupe")))
    async with Database(DatabaseSettings(url=SecretStr(console_url))) as database:
        return await complete_run(database, place, companies())


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def console_broker(new_broker: object) -> AsyncIterator[str]:
    """A broker with the topics of the pipeline, which no stage reads."""
    async with own_broker() as (kafka, _):
        async with TopicAdmin(kafka) as admin:
            await admin.ensure(CLASSIFICATION.topic_names(), PARTITIONS)
        yield str(kafka.bootstrap_servers)


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
