"""A stage's metrics, with their labels bound once; recorded per batch, never per record."""

import contextlib
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from schemas.delivery import Header, RejectCode
from shared.runtime.declaration import Stage
from shared.runtime.envelope import MEANINGFUL, Record
from shared.runtime.outcome import Emit, Reject
from shared.telemetry import metrics

if TYPE_CHECKING:
    from shared.runtime.codec import Decoded

STATES = ("starting", "running", "paused", "draining", "halted")
OUTCOMES = ("emitted", "absorbed", "rejected", "invalid", "postponed")


class StageMetrics:
    """What one stage reports."""

    def __init__(self, stage: Stage) -> None:
        self._labels = (stage.pipeline, stage.name)
        self.retries = metrics.RETRIES.labels(*self._labels)
        self.commit_failures = metrics.COMMIT_FAILURES.labels(*self._labels)
        self.rebalances = metrics.REBALANCES.labels(*self._labels)
        self.partitions = metrics.PARTITIONS.labels(*self._labels)
        self.lag = metrics.LAG.labels(*self._labels)
        self.retry_waiting = metrics.RETRY_WAITING.labels(*self._labels)
        self._size = metrics.BATCH_SIZE.labels(*self._labels)
        self._duration = metrics.BATCH_DURATION.labels(*self._labels)
        self._throughput = metrics.BATCH_THROUGHPUT.labels(*self._labels)
        self._cpu = metrics.BATCH_CPU.labels(*self._labels)
        self._in_flight = metrics.IN_FLIGHT.labels(*self._labels)
        self._age = metrics.RECORD_AGE.labels(*self._labels)
        self._progress = metrics.LAST_PROGRESS.labels(*self._labels)
        # All there from the start, at 0: a series that begins with its first event hides that event from rates.
        self._records = {outcome: metrics.RECORDS.labels(*self._labels, outcome) for outcome in OUTCOMES}
        self._dead_letters = {code: metrics.DEAD_LETTERS.labels(*self._labels, code.value) for code in RejectCode}

    @contextlib.contextmanager
    def batch(self, records: Sequence[Record]) -> Iterator[None]:
        """Time one batch of `records`; a batch that fails counts nothing but its CPU."""
        size, example = len(records), _exemplar(records[0])
        self._in_flight.set(size)
        began, cpu = time.perf_counter(), time.process_time()
        try:
            yield
            seconds = time.perf_counter() - began
            self._size.observe(size)
            self._duration.observe(seconds, example)
            self._throughput.observe(size / max(seconds, 1e-9), example)
        finally:
            self._in_flight.set(0)
            self._cpu.inc(time.process_time() - cpu)

    def count(self, batch: "Decoded", outcomes: Sequence[Any], now: float) -> dict[str, int]:
        """Count a finished batch by outcome, and return the counts. `now` in seconds since the epoch."""
        rejects = [outcome for outcome in outcomes if isinstance(outcome, Reject)]
        emits = [outcome for outcome in outcomes if isinstance(outcome, Emit)]
        absorbed = sum(not outcome.messages for outcome in emits)
        counts = {
            "emitted": len(emits) - absorbed,
            "absorbed": absorbed,
            "rejected": len(rejects),
            "invalid": len(batch.refused),
            "postponed": len(outcomes) - len(emits) - len(rejects),
        }
        for outcome, count in counts.items():
            self._records[outcome].inc(count)
        for reject in [*rejects, *(item.reason for item in batch.refused)]:
            self._dead_letters[reject.code].inc()
        if batch.envelopes:
            self._age.observe(max(0.0, now - batch.envelopes[0].ingested_at))
        self._progress.set(now)
        return counts

    def state(self, current: str) -> None:
        """Show `current` as the stage's state."""
        for state in STATES:
            metrics.STATE.labels(*self._labels, state).set(1 if state == current else 0)


def _exemplar(record: Record) -> dict[str, str] | None:
    """The trace of a record, for whoever wants to see what a batch like this was made of."""
    given = dict(record.headers).get(Header.TRACEPARENT) or b""
    return {"trace_id": given.split(b"-")[1].decode()} if MEANINGFUL[Header.TRACEPARENT].fullmatch(given) else None
