"""One stage's replicas: how many KEDA and the autoscaler ask for, and what they do until they are there."""

import math
from collections import deque
from dataclasses import dataclass

from deployment.scaling import RECOMMENDED, Scaling

PARTITIONS = 12
SYNC_SECONDS = 15
"""The autoscaler looks at its metrics this often."""
TOLERANCE = 0.1
"""It does nothing while the metric is this near to its target."""
START_SECONDS = 25
"""From the wish for a pod until it is in its group, its image being on the machine already."""
PAUSE_SECONDS = 5
"""A group deals its partitions anew: up to a heartbeat until all know, then they join."""


@dataclass(frozen=True)
class Rules:
    """What a ScaledObject says."""

    threshold: float
    """Lag for each replica."""
    scaling: Scaling = RECOMMENDED
    least: int = 1
    most: int = PARTITIONS
    even: bool = True
    """Only as many replicas as get the same number of partitions."""


class Scaler:
    """The wanted number of replicas over time."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self.wanted = rules.least
        self._history = deque([(-math.inf, rules.least)])
        self._advice: deque[tuple[float, int]] = deque()

    def look(self, now: float, lag: float) -> int:
        """How many replicas there shall be, at this lag."""
        advice = self._advised(lag)
        self._advice.append((now, advice))
        while self._advice[0][0] < now - self._rules.scaling.down_window:
            self._advice.popleft()
        if advice > self.wanted:
            self._go(now, min(advice, self._most_now(now)))
        else:
            calmest = max(each for _, each in self._advice)
            if calmest < self.wanted:
                self._go(now, max(calmest, self._least_now(now)))
        return self.wanted

    def _advised(self, lag: float) -> int:
        """What the lag asks for by itself."""
        share = lag / self._rules.threshold
        if abs(share / self.wanted - 1) <= TOLERANCE:
            return self.wanted
        asked = min(max(math.ceil(share), self._rules.least), self._rules.most)
        if self._rules.even:
            asked = next(count for count in range(asked, PARTITIONS + 1) if PARTITIONS % count == 0)
        return min(asked, self._rules.most)

    def _most_now(self, now: float) -> int:
        grown = self._rules.scaling.up_percent / 100 + 1
        return max(self.wanted, math.ceil(self._at(now - 60) * grown))

    def _least_now(self, now: float) -> int:
        return min(self.wanted, self._at(now - self._rules.scaling.down_period) - 1)

    def _at(self, then: float) -> int:
        """How many were wanted then."""
        return next(count for time, count in reversed(self._history) if time <= then)

    def _go(self, now: float, count: int) -> None:
        if count != self.wanted:
            self.wanted = count
            self._history.append((now, count))
            if len(self._history) > 64:
                self._history.popleft()


class Replicas:
    """The members of a consumer group. Whenever one comes or goes, all of them stop for a moment."""

    def __init__(self, count: int) -> None:
        self.ready = count
        self.pauses = 0
        self._starting: list[float] = []
        self._paused_until = 0.0

    @property
    def running(self) -> int:
        """Pods that are paid for."""
        return self.ready + len(self._starting)

    def scale_to(self, wanted: int, now: float) -> None:
        """Start or stop pods."""
        if wanted > self.running:
            self._starting += [now + START_SECONDS] * (wanted - self.running)
            return
        surplus = self.running - wanted
        given_up = min(surplus, len(self._starting))
        del self._starting[len(self._starting) - given_up :]
        if surplus > given_up:
            self._change(now, given_up - surplus)

    def capacity(self, now: float, seconds: float) -> float:
        """Replica seconds of work in the next `seconds`; the replica with most partitions decides."""
        come = sum(ready <= now for ready in self._starting)
        if come:
            self._starting = [ready for ready in self._starting if ready > now]
            self._change(now, come)
        worked = max(0.0, seconds - max(0.0, self._paused_until - now))
        return worked * PARTITIONS / math.ceil(PARTITIONS / self.ready)

    def _change(self, now: float, by: int) -> None:
        self.ready += by
        self.pauses += 1
        self._paused_until = now + PAUSE_SECONDS
