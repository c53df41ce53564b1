"""What all scenarios share, and the report of what was seen.

Each folder has a ground of its own, which ends with its last scenario: stages at rest take time from the others.
"""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.report import FINDINGS, REPORT, markdown, write
from tests.kafka import backend
from tests.open_directory import open_directory

HERE = Path(__file__).resolve().parent


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Iterator[None]:
    """Mark the suite, so that no other run takes it along; what was shuffled stays so within a folder."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker("faults")
    yield
    items.sort(key=lambda item: item.path.parent.name if item.path.is_relative_to(HERE) else "")


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
    with open_directory("faults") as directory:
        yield directory


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what was promised and seen, and write it where SLUICE_FAULT_REPORT says."""
    if not FINDINGS:
        return
    terminalreporter.section("faults")
    for line in markdown(FINDINGS):
        terminalreporter.write_line(line)
    if REPORT:
        write(FINDINGS, Path(REPORT))
