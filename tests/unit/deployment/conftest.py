"""A simulated day for several modules."""

import pytest

from deployment.scaling import CLEAR_SECONDS
from tests.benchmarks.autoscaler.__main__ import SEED, by_lag
from tests.benchmarks.autoscaler.simulation import Course, simulate
from tests.benchmarks.autoscaler.traffic import day


@pytest.fixture(scope="session")
def recommended() -> Course:
    """The day with the settings that the manifests have."""
    return simulate(day(SEED), by_lag(CLEAR_SECONDS), SEED)
