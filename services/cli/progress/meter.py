"""Counts what is done, and tells rate and time left. The clock is injected; it counts seconds from anywhere."""

from collections import deque
from collections.abc import Callable, Mapping
from typing import NamedTuple

Clock = Callable[[], float]

WINDOW_SECONDS = 30.0
"""The rate is that of the last half minute: a slow start must not spoil the estimate for the rest of the run."""

POLLS_UNTIL_STUCK = 10


class Reading(NamedTuple):
    """The state of a run at one moment."""

    done: int
    total: int | None
    elapsed: float
    rate: float | None
    """Items a second of late; None before anything is done."""
    counts: dict[str, int]

    @property
    def percent(self) -> int | None:
        """Whole percents, rounded down so that 100 means all."""
        if self.total is None:
            return None
        return 100 * self.done // self.total if self.total else 100

    @property
    def remaining(self) -> float | None:
        """Seconds left at the present rate."""
        if self.total is None:
            return None
        left = max(self.total - self.done, 0)
        return left / self.rate if left and self.rate else None if left else 0.0


class Meter:
    """Turns counts by status, reported now and then, into readings."""

    def __init__(self, clock: Clock, total: int | None = None) -> None:
        """Time runs from here on."""
        self._clock = clock
        self._total = total
        self._start = clock()
        self._marks = deque([(self._start, 0)])
        self._counts: dict[str, int] = {}

    def update(self, counts: Mapping[str, int]) -> Reading:
        """Takes the counts reached so far, by status."""
        self._counts = dict(counts)
        now = self._clock()
        self._marks.append((now, sum(counts.values())))
        while len(self._marks) > 2 and self._marks[1][0] <= now - WINDOW_SECONDS:
            self._marks.popleft()
        return self.reading()

    def reading(self) -> Reading:
        """The state now."""
        now, done = self._clock(), sum(self._counts.values())
        since, before = self._marks[0]
        lately = (done - before) / (now - since) if now > since and done > before else None
        return Reading(done, self._total, now - self._start, lately, self._counts)

    def average(self) -> float | None:
        """Items a second over the whole run."""
        elapsed, done = self._clock() - self._start, sum(self._counts.values())
        return done / elapsed if elapsed > 0 and done else None


class StallWatch:
    """Says when so many polls in a row have brought nothing, and again after as many more."""

    def __init__(self, polls: int = POLLS_UNTIL_STUCK) -> None:
        """Has seen no poll yet."""
        self._polls = polls
        self._idle = 0
        self._done = 0

    def stuck(self, done: int) -> bool:
        """To be called once a poll with the number done so far."""
        self._idle = 0 if done != self._done else self._idle + 1
        self._done = done
        if self._idle < self._polls:
            return False
        self._idle = 0
        return True
