"""Rate limits as vendors keep them: token buckets that refill all the time, and never say no to a call for its size."""

import math
from collections.abc import Callable, Mapping

Clock = Callable[[], float]
"""Seconds that only grow."""


_DUST = 1e-6
"""Less than this is lacking only because floating point numbers are rounded."""


class Bucket:
    """Fills at `per_minute`, holds what flows in during `burst_seconds`. May be overdrawn; then all wait for it."""

    def __init__(self, per_minute: float, burst_seconds: float, clock: Clock) -> None:
        self.per_minute = per_minute
        self._clock = clock
        self._capacity = max(1.0, per_minute / 60 * burst_seconds)
        self._level = self._capacity
        self._at = clock()

    @property
    def remaining(self) -> int:
        """What can be taken now."""
        return max(0, math.floor(self._filled()))

    @property
    def seconds_to_full(self) -> float:
        """Until nothing of the past counts any more."""
        return (self._capacity - self._filled()) / self.per_minute * 60

    def lacking(self, amount: float) -> float:
        """Seconds until `amount` may be taken; 0 if it may now. More than it can ever hold passes when it is full."""
        missing = min(amount, self._capacity) - self._filled()
        return missing / self.per_minute * 60 if missing > _DUST else 0.0

    def take(self, amount: float) -> None:
        """Take it, whether it is there or not."""
        self._level = self._filled() - amount

    def _filled(self) -> float:
        now = self._clock()
        self._level = min(self._capacity, self._level + (now - self._at) * self.per_minute / 60)
        self._at = now
        return self._level


class RateLimits:
    """The buckets of one vendor by what they count (requests, tokens, …); what has no bucket has no limit."""

    def __init__(self, per_minute: Mapping[str, float], burst_seconds: float, clock: Clock) -> None:
        self.buckets = {name: Bucket(rate, burst_seconds, clock) for name, rate in per_minute.items() if rate > 0}

    def admit(self, amounts: Mapping[str, float]) -> tuple[str, float] | None:
        """Take all of it, or nothing: then the tightest bucket's name and the seconds to wait for it."""
        waits = {name: bucket.lacking(amounts.get(name, 0.0)) for name, bucket in self.buckets.items()}
        tightest = max(waits, key=waits.__getitem__, default="")
        if tightest and waits[tightest] > 0:
            return tightest, waits[tightest]
        self.charge(amounts)
        return None

    def charge(self, amounts: Mapping[str, float]) -> None:
        """Take what a call turned out to need beyond what it was admitted for."""
        for name, amount in amounts.items():
            if name in self.buckets:
                self.buckets[name].take(amount)
