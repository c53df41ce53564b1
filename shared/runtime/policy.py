"""When to try again, when to give up, when to stop: the numbers of delivery, in one place."""

import random
from collections import deque
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

    def observe(self, stage: str, rejected: list[bool]) -> None:
        """Take note of a batch. Raises HaltStage when either limit is passed."""
        self._slide(len(rejected), sum(rejected))
        for bad in rejected:
            self._in_a_row = self._in_a_row + 1 if bad else 0
            if self._in_a_row >= self.max_in_a_row:
                raise HaltStage(
                    f"{stage} rejected {self._in_a_row} items in a row; nothing of this batch was committed"
                )
        if self._bad > self.max_ratio * self.window:
            raise HaltStage(
                f"{stage} rejected {self._bad} of the last {self._seen} items; nothing of this batch was committed"
            )

    def _slide(self, count: int, bad: int) -> None:
        self._batches.append((count, bad))
        self._seen += count
        self._bad += bad
        while self._seen - self._batches[0][0] >= self.window:
            old_count, old_bad = self._batches.popleft()
            self._seen -= old_count
            self._bad -= old_bad
