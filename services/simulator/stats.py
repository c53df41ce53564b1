"""What a simulator has served."""

import hashlib
from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from services.simulator.calls import Used

WINDOWS = (0.05, 1.0, 3.0, 60.0)
"""Seconds; 0.05 and 3 are a second and a minute where time runs twenty times faster."""


class Stats:
    """Counts of calls and of what was in them. Times are seconds since the epoch."""

    def __init__(self, now: float) -> None:
        self._started = now
        self._outcomes: Counter[str] = Counter()
        self._vendors: Counter[str] = Counter()
        self._questions: Counter[str] = Counter()
        self._items_by_question: Counter[str] = Counter()
        self._faults: Counter[str] = Counter()
        self._tokens: Counter[str] = Counter()
        self._keys: set[str] = set()
        self._distinct: set[tuple[str, int]] = set()
        self._arrived = array("d")
        self._admitted = array("d")
        self._limited = array("d")
        self._in_flight = 0
        self._most_in_flight = 0

    def arrived(self, vendor: str, key: str, now: float) -> None:
        """A call came in."""
        self._arrived.append(now)
        self._vendors[vendor] += 1
        if key:
            self._keys.add(hashlib.sha256(key.encode()).hexdigest()[:16])

    def admitted(self, now: float) -> None:
        """The limiter let a call pass."""
        self._admitted.append(now)
        self._in_flight += 1
        self._most_in_flight = max(self._most_in_flight, self._in_flight)

    def left(self) -> None:
        """A call that was admitted is over."""
        self._in_flight -= 1

    def limited(self, now: float) -> None:
        """A call was turned away with 429."""
        self._limited.append(now)

    def struck(self, faults: Iterable[str]) -> None:
        """The faults that a call met."""
        self._faults.update(faults)

    def ended(self, outcome: str) -> None:
        """How a call ended: a status, `hang` or `cut`."""
        self._outcomes[outcome] += 1

    def answered(self, question: str, items: Sequence[tuple[str, dict[str, Any]]], used: Used) -> None:
        """A call was answered."""
        self._questions[question] += 1
        self._items_by_question[question] += len(items)
        self._distinct.update((question, hash(str(facts))) for _, facts in items)
        self._tokens.update(
            {"input": used.prompt, "cached": used.cached, "cache_written": used.cache_written, "output": used.output}
        )

    def as_dict(self) -> dict[str, Any]:
        """Everything, for JSON."""
        return {
            "started_at": self._started,
            "calls": len(self._arrived),
            "admitted": len(self._admitted),
            "rate_limited": len(self._limited),
            "in_flight": self._in_flight,
            "most_in_flight": self._most_in_flight,
            "by_status": dict(self._outcomes),
            "by_vendor": dict(self._vendors),
            "by_question": dict(self._questions),
            "items_by_question": dict(self._items_by_question),
            "items": self._items_by_question.total(),
            "distinct_items": len(self._distinct),
            "faults": dict(self._faults),
            "tokens": {"input": 0, "cached": 0, "cache_written": 0, "output": 0} | dict(self._tokens),
            "keys": sorted(self._keys),
            "peaks": {f"{window:g}": most_within(self._admitted, window) for window in WINDOWS},
            "seconds": self._series(),
        }

    def _series(self) -> list[dict[str, float]]:
        """Calls by second, seconds without any left out."""
        arrived, admitted, limited = (Counter(map(int, times)) for times in self._all_times())
        return [
            {"at": at, "calls": arrived[at], "admitted": admitted[at], "rate_limited": limited[at]}
            for at in sorted(arrived)
        ]

    def _all_times(self) -> tuple[Sequence[float], ...]:
        return self._arrived, self._admitted, self._limited


def most_within(times: Sequence[float], window: float) -> int:
    """The most of the times, which are in order, that lie in any half-open window of that many seconds."""
    most = first = 0
    for last, time in enumerate(times):
        while times[first] <= time - window:
            first += 1
        most = max(most, last - first + 1)
    return most
