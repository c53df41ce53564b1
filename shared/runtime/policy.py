"""When to try again, when to give up, when to stop: the numbers of delivery, in one place."""

import random
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from shared.errors import HaltStage


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Two ladders: in place while the batch is held, then through the retry topic. All times in seconds."""

    in_place_budget: float = 30.0
    base_delay: float = 0.2
    max_delay: float = 5.0
    topic_delays: tuple[float, ...] = (10.0, 60.0, 300.0, 900.0)
    """Waits before attempts 2, 3, …; an item that fails after the last one is a dead letter."""

    def in_place_delay(self, failures: int, retry_after: float | None, jitter: random.Random) -> float:
        """Full-jitter exponential backoff; never earlier than the other side asked for."""
        delay = jitter.uniform(0, min(self.max_delay, self.base_delay * 2 ** min(failures, 16)))
        return max(delay, retry_after or 0.0)

    @property
    def longest_topic_delay(self) -> float:
        """No item waits longer on the retry topic."""
        return max(self.topic_delays, default=0.0)

    def topic_delay(self, attempt: int) -> float | None:
        """Wait before the attempt that follows `attempt`, None when that was the last."""
        return self.topic_delays[attempt - 1] if attempt <= len(self.topic_delays) else None


@dataclass(slots=True)
class DeadLetterGuard:
    """Stops a stage that rejects too much: after a bad deploy the topic must not drain into the dead letters."""

    window: int = 1000
    max_ratio: float = 0.05
    max_in_a_row: int = 50
    _seen: int = 0
    _bad: int = 0
    _in_a_row: int = 0
    _batches: deque[tuple[int, int]] = field(default_factory=deque)

    def check(self, stage: str, rejected: Sequence[bool]) -> None:
        """Raises HaltStage if this batch passes either limit. Nothing is noted: the batch may come again."""
        in_a_row = self._in_a_row
        for bad in rejected:
            in_a_row = in_a_row + 1 if bad else 0
            if in_a_row >= self.max_in_a_row:
                raise HaltStage(f"{stage} rejected {in_a_row} items in a row; nothing of this batch was committed")
        bad_now = self._bad + sum(rejected)
        if bad_now > self.max_ratio * self.window:
            seen = self._seen + len(rejected)
            raise HaltStage(f"{stage} rejected {bad_now} of the last {seen} items; nothing of this batch was committed")

    def note(self, rejected: Sequence[bool]) -> None:
        """Take note of a batch that is done."""
        for bad in rejected:
            self._in_a_row = self._in_a_row + 1 if bad else 0
        self._batches.append((len(rejected), sum(rejected)))
        self._seen += len(rejected)
        self._bad += sum(rejected)
        while self._seen - self._batches[0][0] >= self.window:
            count, bad_then = self._batches.popleft()
            self._seen -= count
            self._bad -= bad_then
