"""What the autoscaler is told: how far behind one replica may be, and how fast replicas come and go.

The times were recorded (`python -m tests.benchmarks --only stages --record`), the settings follow from a simulation of
a day (`python -m tests.benchmarks.autoscaler`).
"""

import json
from functools import cache
from pathlib import Path
from typing import NamedTuple

RECORDED = Path(__file__).parent / "service_times.json"
CLEAR_SECONDS = 20
"""Lag that one replica clears in this time is no reason for another."""
BUSY_SHARE = 0.75
"""Of the calls that a replica may have in flight: above it another one helps, if the vendor's limits let it."""


class Scaling(NamedTuple):
    """Settings of KEDA and of the autoscaler it makes; seconds."""

    polling: int = 15
    up_percent: int = 100
    down_window: int = 300
    down_period: int = 60


RECOMMENDED = Scaling()


def records_a_second(stage: str) -> float:
    """What one replica with a core of its own works on. One never measured counts as the slowest of its pipeline."""
    times = _service_times()
    alike = [time for name, time in times.items() if name.partition(".")[0] == stage.partition(".")[0]]
    return 1000 / times.get(stage, max(alike or times.values()))


def lag_threshold(stage: str) -> int:
    """Records that one replica clears in CLEAR_SECONDS, to two digits."""
    return int(float(f"{CLEAR_SECONDS * records_a_second(stage):.1e}"))


def calls_of_a_pod(concurrency: int) -> int:
    """Calls in flight to language models for each replica that is wanted."""
    return int(concurrency * BUSY_SHARE)


@cache
def _service_times() -> dict[str, float]:
    """Stage → CPU milliseconds that it takes for one record, on the machine of the benchmarks."""
    recorded: dict[str, dict[str, float]] = json.loads(RECORDED.read_text())
    return recorded["cpu_ms_a_record"]
