"""Handing items to a pipeline: register them in the ledger first, then publish them.

An item that is registered is never lost: whatever dies afterwards, `resume` publishes the pending ones again.
"""

import asyncio
import secrets
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from schemas.delivery import Header
from shared.broker.producer import Publisher
from shared.database import Database
from shared.database.ledger import Batch, Item, NewBatch, open_batch, register_items
from shared.runtime.declaration import Pipeline
from shared.runtime.envelope import OutRecord
from shared.settings import FeedSettings
from shared.telemetry.messaging import create_batch, send_batch
from shared.telemetry.trace_context import current_trace_id, current_traceparent, new_traceparent


@dataclass(frozen=True, slots=True)
class Submission:
    """One request: items as (id, JSON text). `idempotency_key` makes a repeated request mean the first one."""

    items: Sequence[tuple[str, str]]
    provider: str = ""
    idempotency_key: str | None = None
    batch_id: str | None = None


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a submission. `new` is False when the idempotency key was known: nothing was published."""

    batch: Batch
    new: bool


class Feeder:
    """Submits items to the ingest topic of a pipeline. `trace_ratio`: of the traces that begin here, those recorded."""

    def __init__(
        self,
        pipeline: Pipeline,
        database: Database,
        publisher: Publisher,
        settings: FeedSettings,
        trace_ratio: float = 0.0,
    ) -> None:
        self._pipeline = pipeline
        self._database = database
        self._publisher = publisher
        self._settings = settings
        self._trace_ratio = trace_ratio

    async def submit(self, submission: Submission) -> Receipt:
        """Register and publish. Raises TransientError; then the batch is registered whole or not at all."""
        with create_batch(self._pipeline.edge.name, len(submission.items)):
            return await self._submit(submission)

    async def _submit(self, submission: Submission) -> Receipt:
        batch_id = submission.batch_id or str(uuid.uuid4())
        new = NewBatch(
            batch_id=batch_id,
            pipeline=self._pipeline.name,
            total=len(submission.items),
            provider=submission.provider,
            trace_id=current_trace_id() or _trace_id(batch_id),
            idempotency_key=submission.idempotency_key,
        )
        async with self._database.transaction() as transaction:
            batch, fresh = await open_batch(transaction, new)
            if fresh:
                await register_items(
                    transaction,
                    self._pipeline.name,
                    batch_ids=[batch.batch_id] * len(submission.items),
                    item_ids=[item_id for item_id, _ in submission.items],
                    payloads=[payload for _, payload in submission.items],
                    positions=list(range(len(submission.items))),
                )
        if fresh:
            await self.publish(batch, submission.items)
        return Receipt(batch, fresh)

    async def resume(self, batch: Batch, items: Sequence[Item]) -> None:
        """Publish registered items again; those that are on their way already end in the same row.

        They stay as old as they are: a version that was submitted since is newer.
        """
        known = [(item.item_id, item.payload) for item in items if item.payload]
        await self.publish(batch, known, batch.started_at.timestamp())

    async def publish(self, batch: Batch, items: Sequence[tuple[str, str]], ingested_at: float | None = None) -> None:
        """Publish items of a registered batch; in chunks with a pause in between, if a pause is configured.

        `ingested_at`: when they were submitted, in seconds since the epoch; None: now.
        """
        pause = self._settings.chunk_delay_ms / 1000
        size = self._settings.chunk_size if pause else max(len(items), 1)
        with send_batch({self._pipeline.edge.name: len(items)}):
            for start in range(0, len(items), size):
                if start:
                    await asyncio.sleep(pause)
                headers = self._headers(batch, ingested_at)
                await self._publisher.publish([self._record(*item, headers) for item in items[start : start + size]])

    def _headers(self, batch: Batch, ingested_at: float | None) -> list[tuple[str, bytes]]:
        """What records that are published together have in common. They are in the batch's trace."""
        now = time.time()
        context = current_traceparent(batch.trace_id) or new_traceparent(self._trace_ratio, batch.trace_id)
        headers = [
            (Header.BATCH_ID, batch.batch_id.encode()),
            (Header.INGESTED_AT, b"%.3f" % (now if ingested_at is None else ingested_at)),
            (Header.PRODUCED_AT, b"%.3f" % now),
            (Header.TRACEPARENT, context),
        ]
        return [*headers, (Header.PROVIDER, batch.provider.encode())] if batch.provider else headers

    def _record(self, item_id: str, payload: str, headers: list[tuple[str, bytes]]) -> OutRecord:
        return OutRecord(self._pipeline.edge.name, item_id.encode(), payload.encode(), headers)


def _trace_id(batch_id: str) -> str:
    """The batch's own id where it is a UUID, so that either leads to the other."""
    try:
        return uuid.UUID(batch_id).hex
    except ValueError:
        return secrets.token_hex(16)
