"""Real servers for every test that asks for one. They are started once a session and leave nothing behind.

The broker is of the kind that SLUICE_TEST_BACKEND names (`tests/kafka/backend.py`).

broker            address of a Kafka-compatible broker (use topic and group names of your own)
postgres_url      address of a migrated database, shared by the session
empty_database_url  address of a database without tables, for this test alone
database          an open `Database` on a migrated database, for this test alone
"""

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import asyncpg
import pytest
import pytest_asyncio
import structlog
from execnet.xspec import XSpec
from pydantic import SecretStr

from shared.database import Database, apply_migrations
from shared.embedded.stack import Stack, embedded_stack
from shared.settings import DatabaseSettings, Settings
from tests.database_users import make_users
from tests.kafka import backend
from tests.kafka.apache import UnavailableError
from tests.open_directory import open_directory

TEMPLATE = "migrated_template"


def pytest_configure() -> None:
    """End the run at once if the servers it is to run on cannot be had."""
    # As the product's: one that shows the locals of every frame takes a second for each.
    before, renderer = structlog.get_config()["processors"][:-1], structlog.dev.plain_traceback
    structlog.configure([*before, structlog.dev.ConsoleRenderer(exception_formatter=renderer)])
    try:
        backend.require()
    except UnavailableError as error:
        raise pytest.UsageError(str(error)) from error


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes(specs: Sequence[XSpec]) -> None:
    """Tell other processes of this run what they run on."""
    for spec in specs:
        spec.env[backend.BACKEND_VARIABLE] = backend.CHOSEN


def pytest_report_header() -> str:
    """Say what the tests run on."""
    return f"servers: {backend.require()}"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test that needs a broker, so that `-m kafka` selects them."""
    for item in items:
        if "new_broker" in getattr(item, "fixturenames", ()):
            item.add_marker("kafka")


@pytest.fixture(scope="session")
def state_directory() -> Iterator[Path]:
    """A state directory that the database's own user can reach: pytest's temporary folders are closed to it."""
    with open_directory("test") as path:
        yield path


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def stack(state_directory: Path) -> AsyncIterator[Stack]:
    """Broker and database of the session."""
    async with backend.own_servers(state_directory) as variables:
        settings = Settings.load({"SLUICE_STATE_DIR": str(state_directory), **variables})
        async with embedded_stack(settings) as stack:
            yield stack


@pytest.fixture(scope="session")
def new_broker() -> Callable[[Path], backend.BrokerServer]:
    """Makes brokers of the chosen kind. Whoever needs any broker asks for this."""
    return backend.new_broker


@pytest.fixture(scope="session")
def broker(stack: Stack, new_broker: object) -> str:
    """Address of the broker."""
    assert stack.settings.kafka.bootstrap_servers
    return stack.settings.kafka.bootstrap_servers


@pytest.fixture(scope="session")
def server_url(stack: Stack) -> str:
    """Address of the database server; its own database stays empty."""
    assert stack.settings.database.url
    return stack.settings.database.url.get_secret_value()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def template(server_url: str) -> str:
    """Name of a migrated database from which others are copied."""
    url = await _create(server_url, TEMPLATE)
    async with Database(DatabaseSettings(url=SecretStr(url))) as database:
        await apply_migrations(database)
        await make_users(database)
    return TEMPLATE


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def postgres_url(server_url: str, template: str) -> str:
    """Address of a migrated database that all tests of the session share."""
    return await _create(server_url, "session", template)


@pytest_asyncio.fixture(loop_scope="session")
async def empty_database_url(server_url: str) -> AsyncIterator[str]:
    """Address of a database without tables."""
    name = f"empty_{uuid4().hex[:8]}"
    yield await _create(server_url, name)
    await _drop(server_url, name)


@pytest_asyncio.fixture(loop_scope="session")
async def database_url(server_url: str, template: str) -> AsyncIterator[str]:
    """Address of a migrated database for one test."""
    name = f"test_{uuid4().hex[:8]}"
    yield await _create(server_url, name, template)
    await _drop(server_url, name)


@pytest_asyncio.fixture(loop_scope="session")
async def database(database_url: str) -> AsyncIterator[Database]:
    """An open pool on a migrated database for one test."""
    async with Database(DatabaseSettings(url=SecretStr(database_url), pool_max=8)) as database:
        yield database


async def _create(server_url: str, name: str, template: str = "template1") -> str:
    await _execute(server_url, f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    return urlunsplit(urlsplit(server_url)._replace(path=f"/{name}"))


async def _drop(server_url: str, name: str) -> None:
    await _execute(server_url, f'DROP DATABASE "{name}" WITH (FORCE)')


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
