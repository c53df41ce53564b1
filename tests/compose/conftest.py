"""One engine and one stack for all of them: what is asked of it leaves it as it was."""

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import pytest_asyncio

from tests.compose.docker import Docker, engine
from tests.compose.stack import Stack, running_stack
from tests.kafka.apache import UnavailableError

RAN = pytest.StashKey[dict[str, int]]()
HERE = Path(__file__).resolve().parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark them, so that no other run takes them along."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker("compose")


@pytest.fixture(scope="session")
def folder() -> Iterator[Path]:
    """For images of some gigabytes; not in memory, as /tmp may be."""
    path = Path(tempfile.mkdtemp(prefix="sluice-compose-", dir="/var/tmp"))
    yield path
    shutil.rmtree(path)


@contextmanager
def or_end() -> Iterator[None]:
    """Ends the run if something cannot be had."""
    try:
        yield
    except UnavailableError as error:
        pytest.exit(str(error), pytest.ExitCode.USAGE_ERROR)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def docker(folder: Path) -> AsyncIterator[Docker]:
    with or_end():
        async with engine(folder) as docker:
            yield docker


@pytest.fixture(scope="session")
def stack(docker: Docker, folder: Path, pytestconfig: pytest.Config) -> Iterator[Stack]:
    with or_end(), running_stack(docker, folder) as stack:
        pytestconfig.stash[RAN] = stack.images()
        yield stack


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say what ran: the images named in docker-compose.yml, or stand-ins."""
    for name, size in config.stash.get(RAN, {}).items():
        terminalreporter.write_line(f"ran {name}, {size / 1e6:,.0f} MB")
