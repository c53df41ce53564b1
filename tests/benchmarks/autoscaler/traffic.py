"""A day of traffic: a tide, batches that come all at once, a load every night, and a rush in the afternoon."""

import numpy as np
from numpy.typing import NDArray

STEP_SECONDS = 5
DAY_SECONDS = 86_400
STEPS = DAY_SECONDS // STEP_SECONDS
TIDE_RATE = 1_000.0
"""Items a second on average; at noon almost twice as many, at midnight almost none."""
BATCHES = 30
BATCH_MEDIAN, BATCH_SPREAD, BATCH_RATE = 1_500_000, 0.8, 15_000.0
NIGHT_LOAD, NIGHT_RATE, NIGHT_HOUR = 30_000_000, 30_000.0, 2.0
RUSH_RATE, RUSH_SECONDS, RUSH_HOUR = 20_000.0, 600, 14.5

Series = NDArray[np.float64]


def day(seed: int) -> Series:
    """Items that arrive in each step."""
    random = np.random.default_rng(seed)
    hours = np.arange(STEPS) * STEP_SECONDS / 3600
    arriving = TIDE_RATE * STEP_SECONDS * (1 - 0.9 * np.cos(hours / 24 * 2 * np.pi))
    arriving = random.poisson(arriving).astype(np.float64)
    for start, size in zip(
        random.uniform(0, 23, BATCHES), random.lognormal(np.log(BATCH_MEDIAN), BATCH_SPREAD, BATCHES), strict=True
    ):
        _add(arriving, start, size, BATCH_RATE)
    _add(arriving, NIGHT_HOUR, NIGHT_LOAD, NIGHT_RATE)
    _add(arriving, RUSH_HOUR, RUSH_RATE * RUSH_SECONDS, RUSH_RATE)
    return arriving


def _add(arriving: Series, hour: float, size: float, rate: float) -> None:
    """Let `size` items arrive from `hour` on, so many a second."""
    begin = int(hour * 3600 / STEP_SECONDS)
    steps = max(1, round(size / (rate * STEP_SECONDS)))
    arriving[begin : begin + steps] += size / steps
