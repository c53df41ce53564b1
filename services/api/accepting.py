"""Takes a submission in: once for each idempotency key, whole or not at all, and only if the pipeline keeps up."""

import asyncio
import secrets
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pydantic_core import from_json

from services.api.connections import Connections
from services.api.indicators import Indicators
from services.api.problems import Problem, retry_after
from services.api.recent import Recent
from shared.database import Transaction
from shared.database.backlog import Backlog, backlog, batch_by_key, limit_idle
from shared.database.ledger import Batch, NewBatch, items, open_batch, register_items
from shared.errors import TransientError
from shared.feeding import Feeder, Receipt
from shared.runtime.declaration import Pipeline
from shared.settings import Settings
from shared.telemetry.metrics import API_ACCEPTED, API_BACKLOG
from shared.telemetry.trace_context import current_trace_id

BACKLOG_SECONDS = 1.0
PUBLISH_SECONDS = 5.0
AWAY_SECONDS = 2.0
IDLE_SECONDS = 2 * PUBLISH_SECONDS
LONGEST_RETRY_SECONDS = 60.0
USUAL_RATE = 200.0
"""Items a second, assumed while nothing has been measured."""
LEAST_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Asked:
    """A valid request to classify."""

    indicators: Indicators
    idempotency_key: str | None = None


class Acceptance:
    """Registers and publishes submissions, in one transaction that is committed when the broker has them.

    So what is registered is published, however this process ends. What is published without being registered, because
    the commit failed after all, is classified as a rolling batch that nobody was told of.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        connections: Connections,
        settings: Settings,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._pipeline = pipeline
        self._connections = connections
        self._feed = settings.feed.model_copy(update={"chunk_delay_ms": 0})  # no pause in a transaction
        self._trace_ratio = settings.tracing.ratio
        self._max_lag = settings.api.max_lag
        self._clock = clock
        self._backlog: Recent[str, Backlog] = Recent(self._read_backlog, BACKLOG_SECONDS)
        self._accepted_since = 0
        self._away_until = 0.0
        # One connection of the pool is left to those who read.
        self._doors = asyncio.Semaphore(max(1, settings.database.pool_max - 1))

    async def accept(self, asked: Asked) -> Receipt:
        """Accept, or return what was accepted before under the same key. Raises Problem and TransientError."""
        if hindrance := self._hindrance(await self._backlog.get(self._pipeline.name)):
            if known := await self._known(asked):
                return known
            raise hindrance
        async with self._doors:
            receipt = await self._submit(asked)
        if receipt.new:
            self._accepted_since += len(asked.indicators.items)
            API_ACCEPTED.inc(len(asked.indicators.items))
        return receipt

    async def estimated_completion(self, receipt: Receipt) -> datetime:
        """When the batch is likely to be done, from what is waiting and how fast it went lately."""
        if receipt.batch.ended_at:
            return receipt.batch.ended_at
        behind = await self._backlog.get(self._pipeline.name)
        waiting = behind.pending + self._accepted_since
        seconds = max(LEAST_SECONDS, waiting / (behind.rate or USUAL_RATE))
        return datetime.now(UTC) + timedelta(seconds=round(seconds))

    async def _read_backlog(self, pipeline: str) -> Backlog:
        found = await backlog(self._connections.database, pipeline)
        self._accepted_since = 0
        API_BACKLOG.set(found.pending)
        return found

    async def _known(self, asked: Asked) -> Receipt | None:
        """What was accepted under this key before; telling so costs the pipeline nothing and needs no broker."""
        if asked.idempotency_key is None:
            return None
        batch = await batch_by_key(self._connections.database, asked.idempotency_key)
        if batch is None:
            return None
        async with self._connections.database.transaction() as transaction:
            await _expect_same(transaction, batch, asked.indicators)
        return Receipt(batch, new=False)

    def _hindrance(self, behind: Backlog) -> Problem | TransientError | None:
        """Why nothing new can be accepted now, if so."""
        over = behind.pending + self._accepted_since - self._max_lag
        if over > 0:
            return self._too_much(behind, over)
        if self._clock() < self._away_until:
            return TransientError("the broker was away a moment ago", retry_after=AWAY_SECONDS)
        if not self._connections.has_publisher:
            return TransientError("the broker has not been reached yet", retry_after=AWAY_SECONDS)
        return None

    def _too_much(self, behind: Backlog, over: int) -> Problem:
        seconds = min(LONGEST_RETRY_SECONDS, over / (behind.rate or USUAL_RATE))
        return Problem(
            429,
            f"{behind.pending:,} indicators are waiting, more than the {self._max_lag:,} that may",
            "Send the same request again after the time in Retry-After.",
            headers=retry_after(seconds),
        )

    async def _submit(self, asked: Asked) -> Receipt:
        given = asked.indicators
        servers = (self._connections.database, self._connections.publisher)
        feeder = Feeder(self._pipeline, *servers, self._feed, self._trace_ratio)
        async with self._connections.database.transaction() as transaction:
            await limit_idle(transaction, IDLE_SECONDS)
            batch, new = await open_batch(transaction, self._new_batch(asked))
            if not new:
                await _expect_same(transaction, batch, given)
                return Receipt(batch, new=False)
            # Side by side. Both have ended, whatever came of them, before the transaction does.
            both = (self._register(transaction, batch, given.items), self._publish(feeder, batch, given.items))
            for failure in filter(None, await asyncio.gather(*both, return_exceptions=True)):
                raise failure
        return Receipt(batch, new=True)

    def _new_batch(self, asked: Asked) -> NewBatch:
        return NewBatch(
            batch_id=str(uuid.uuid4()),
            pipeline=self._pipeline.name,
            total=len(asked.indicators.items),
            provider=asked.indicators.provider or "",  # none: each stage asks the provider of its settings
            trace_id=current_trace_id() or secrets.token_hex(16),
            idempotency_key=asked.idempotency_key,
        )

    async def _register(self, transaction: Transaction, batch: Batch, given: Sequence[tuple[str, str]]) -> None:
        await register_items(
            transaction,
            self._pipeline.name,
            batch_ids=[batch.batch_id] * len(given),
            item_ids=[item_id for item_id, _ in given],
            payloads=[payload for _, payload in given],
            positions=list(range(len(given))),
        )

    async def _publish(self, feeder: Feeder, batch: Batch, given: Sequence[tuple[str, str]]) -> None:
        """Publish within the time a client will wait. After a failure nobody tries for a moment, or all would hang."""
        try:
            async with asyncio.timeout(PUBLISH_SECONDS):
                await feeder.publish(batch, given)
        except (TimeoutError, TransientError) as error:
            self._away_until = self._clock() + AWAY_SECONDS
            reason = str(error) or f"no acknowledgement within {PUBLISH_SECONDS:g} s"
            raise TransientError(f"the broker is away: {reason}", retry_after=AWAY_SECONDS) from error


async def _expect_same(transaction: Transaction, batch: Batch, given: Indicators) -> None:
    """Raise Problem if the batch that has the key holds something else than what is asked for now."""
    stored = [(item.item_id, item.payload) for item in await items(transaction, batch.batch_id)]
    same = batch.provider == (given.provider or "") and len(stored) == len(given.items)
    if not same or not all(map(_same, stored, given.items)):
        raise Problem(
            422,
            f"this Idempotency-Key belongs to batch {batch.batch_id}, which was asked for with another body",
            "Use a new key for a new request; repeat a request with the body it had.",
        )


def _same(stored: tuple[str, str | None], given: tuple[str, str]) -> bool:
    """Whether two items are equal as JSON, whatever their spelling."""
    if stored == given:
        return True
    return stored[0] == given[0] and stored[1] is not None and bool(from_json(stored[1]) == from_json(given[1]))
