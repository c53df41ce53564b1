"""How a property is fuzzed: how many cases, and a count of those that ran.

A few cases run with every test run; SLUICE_FUZZ_CASES=10000 (`make fuzz`) searches in earnest.
"""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis.strategies import SearchStrategy

CASES = int(os.environ.get("SLUICE_FUZZ_CASES", "40"))

Property = Callable[..., None]


@dataclass
class Tally:
    """What ran for one parser."""

    cases: int = 0
    seconds: float = 0.0
    slowest: float = 0.0


TALLIES: dict[str, Tally] = {}


def fuzz(parser: str, **strategies: SearchStrategy[Any]) -> Callable[[Property], Property]:
    """Test a property of `parser` with cases drawn from `strategies`."""

    def decorate(test: Property) -> Property:
        tally = TALLIES.setdefault(parser, Tally())

        @wraps(test)
        def counted(*args: Any, **kwargs: Any) -> None:
            began = time.perf_counter()
            try:
                test(*args, **kwargs)
            finally:
                took = time.perf_counter() - began
                tally.cases += 1
                tally.seconds += took
                tally.slowest = max(tally.slowest, took)

        fuzzed: Property = _QUIET(_SETTINGS(given(**strategies)(counted)))
        return fuzzed

    return decorate


_QUIET = pytest.mark.filterwarnings("ignore:Generating overly large repr")
_SETTINGS = settings(
    max_examples=CASES,
    deadline=None,  # how long a case takes says as much of the machine as of the parser; a hang ends at pytest's limit
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)
