"""The ground that the faults share, and the report of what was seen."""

import random
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.faults.asking import Asking, asking_ground
from tests.faults.field import Field, field
from tests.faults.fragile import Fragile, fragile
from tests.faults.report import FINDINGS, REPORT, markdown, write
from tests.integration.undisturbed import Undisturbed, undisturbed_run
from tests.kafka import backend

HERE = Path(__file__).resolve().parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the suite, so that no other run takes it along."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker("faults")


@pytest.fixture(scope="session", autouse=True)
def on_apache_kafka() -> None:
    """No other broker comes in threes."""
    if backend.CHOSEN != backend.APACHE:
        raise pytest.UsageError("the fault suite runs on Apache Kafka only: make test-faults")


@pytest.fixture
def rng(request: pytest.FixtureRequest) -> random.Random:
    """Chance of this test alone: the same for the same SEED, whatever runs beside it."""
    return random.Random(f"{request.config.getoption('randomly_seed')} {request.node.name}")


@pytest.fixture(scope="session")
def fields_directory() -> Iterator[Path]:
    directory = Path(tempfile.mkdtemp(prefix="sluice-faults-"))
    directory.chmod(0o755)
    yield directory
    shutil.rmtree(directory, ignore_errors=True)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def fields(fields_directory: Path) -> AsyncIterator[Field]:
    """The ground of all scenarios that leave servers and settings as they were."""
    async with field(fields_directory) as ground:
        yield ground


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def undisturbed(fields: Field) -> Undisturbed:
    """What every disturbed run has to come to."""
    return await undisturbed_run(fields.pipeline, timeout=120)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def ground(fields_directory: Path) -> AsyncIterator[Fragile]:
    """The ground of the scenarios that hurt database, broker and network."""
    async with fragile(fields_directory / "fragile") as ground:
        yield ground


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def before(ground: Fragile) -> Undisturbed:
    """What a run on that ground has to come to."""
    return await undisturbed_run(ground.field.pipeline, timeout=120)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def asked(fields_directory: Path) -> AsyncIterator[Asking]:
    """The ground of the scenarios with a vendor of language models."""
    async with asking_ground(fields_directory / "asking") as asked:
        yield asked


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what was promised and seen, and write it where SLUICE_FAULT_REPORT says."""
    if not FINDINGS:
        return
    terminalreporter.section("faults")
    for line in markdown(FINDINGS):
        terminalreporter.write_line(line)
    if REPORT:
        write(FINDINGS, Path(REPORT))
