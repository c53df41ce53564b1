"""The ledger: what was submitted, how each item ended, when a batch is done. Exact however often a message comes.

Every function is one round trip (three for a batch that nobody has opened) and works alike on a Database and inside a
Transaction, so that a pipeline can put its own writes into the same transaction. `finish_items` holds the rows of its
batches until the commit, so take it once and let only what depends on it follow: it says which items have moved, and
only these are written.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import NamedTuple, Self

from schemas.delivery import BatchCompleted
from schemas.enums import ItemStatus
from shared.database.pool import Executor, Record
from shared.database.queries import Queries
from shared.errors import TransientError

_RACES = 3


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch and how far it is."""

    batch_id: str
    pipeline: str
    provider: str
    """The one asked for; empty: each stage asks its own."""
    model: str
    """The one that answered for the newest item with any."""
    declared: bool
    """The total was known when the batch was opened; else it is rolling: its total grows until it is closed."""
    total: int
    completed: int
    needs_human: int
    dead_lettered: int
    started_at: datetime
    ended_at: datetime | None
    """When the last item got its final status; None until then."""
    closed_at: datetime | None
    duration_ms: float | None
    avg_time_ms: float | None
    avg_confidence: float | None
    tokens_in: int
    tokens_out: int
    cost_usd: float
    trace_id: str
    idempotency_key: str | None

    @property
    def pending(self) -> int:
        """Items without a final status."""
        return max(0, self.total - self.completed - self.needs_human - self.dead_lettered)

    @classmethod
    def of(cls, row: Record) -> Self:
        """Read a row of `batches`."""
        return cls(
            batch_id=row["batch_id"],
            pipeline=row["pipeline"],
            provider=row["provider"],
            model=row["model"],
            declared=row["declared"],
            total=row["total_indicators"],
            completed=row["successful_indicators"],
            needs_human=row["needs_human_indicators"],
            dead_lettered=row["failed_indicators"],
            started_at=row["batch_start_time"],
            ended_at=row["batch_end_time"],
            closed_at=row["closed_at"],
            duration_ms=row["total_duration_ms"],
            avg_time_ms=row["avg_time_per_indicator_ms"],
            avg_confidence=row["avg_confidence"],
            tokens_in=row["tokens_in"],
            tokens_out=row["tokens_out"],
            cost_usd=row["cost_usd"],
            trace_id=row["trace_id"],
            idempotency_key=row["idempotency_key"],
        )


class NewBatch(NamedTuple):
    """A batch to open."""

    batch_id: str
    pipeline: str
    total: int | None
    """How many items it will have; None: rolling."""
    provider: str = ""
    model: str = ""
    trace_id: str = ""
    idempotency_key: str | None = None
    """If a batch has this key already, that batch is meant, whatever `batch_id` says."""


@dataclass(frozen=True, slots=True)
class Item:
    """An item of a batch as the ledger knows it."""

    item_id: str
    batch_id: str
    position: int | None
    status: ItemStatus
    error: str | None
    confidence: float | None
    duration_ms: float | None
    cost_usd: float | None
    tokens_in: int | None
    tokens_out: int | None
    created_at: datetime
    finished_at: datetime | None
    payload: str | None
    """The JSON as submitted; None if the item was finished without ever having been registered."""

    @classmethod
    def of(cls, row: Record) -> Self:
        """Read a row of the item queries, whose columns are our fields."""
        return cls(**{**dict(row), "status": ItemStatus(row["status"])})


class ItemOutcome(NamedTuple):
    """The final status of an item, and what it took to get there."""

    batch_id: str
    item_id: str
    status: ItemStatus
    error: str | None = None
    confidence: float | None = None
    duration_ms: float | None = None
    cost_usd: float = 0.0
    tokens_in: int = 0
    tokens_out: int = 0
    provider: str = ""
    model: str = ""
    """Who answered for it; the newest item with an answer stands for its batch."""


class Registered(NamedTuple):
    """What `register_items` found."""

    fresh: int
    """How many items are new."""
    others: frozenset[int]
    """Indexes of the items that the batch does not stand for: it has their id with another payload, or it was declared
    without them."""


@dataclass(frozen=True, slots=True)
class Finish:
    """What `finish_items` changed."""

    moved: frozenset[int]
    """Indexes of the outcomes that counted; the others repeat what was known."""
    batches: tuple[BatchCompleted, ...]
    """The batches that are done by this call, and by no other."""


async def open_batch(executor: Executor, new: NewBatch) -> tuple[Batch, bool]:
    """Open a batch and say whether it is new. A batch that exists is returned as it is."""
    for _ in range(_RACES):
        row = await executor.fetchrow(queries()["open_batch"], *new)
        if row is not None:
            return Batch.of(row), row["opened"]
    raise TransientError(f"batch {new.batch_id} is being opened by somebody else")


async def register_items(
    executor: Executor,
    pipeline: str,
    *,
    batch_ids: Sequence[str],
    item_ids: Sequence[str],
    payloads: Sequence[str],
    positions: Sequence[int | None] | None = None,
    opener: bool = True,
) -> Registered:
    """Note items as submitted. An item that is known keeps its first payload.

    `opener`: who calls has opened the batch, or may add to it as if; another cannot add to a declared batch.
    """
    places = positions if positions is not None else [None] * len(item_ids)
    columns = (batch_ids, item_ids, payloads, places)
    row = await _on_batches(executor, pipeline, "register_items", *columns, opener)
    fresh, absent = row["fresh"], []
    if row["unseen"]:  # by somebody else at this moment, whose items the next statement sees; or not in the batch
        row = await _on_batches(executor, pipeline, "register_items", *columns, opener)
        fresh, absent = fresh + row["fresh"], row["unseen"]
    return Registered(fresh, frozenset(place - 1 for place in (*row["differing"], *absent)))


async def finish_items(executor: Executor, pipeline: str, outcomes: Sequence[ItemOutcome]) -> Finish:
    """Give items their final status and credit their batches, exactly once however often and from wherever called.

    An item that is final stays as it is, except that a dead-lettered one may still be completed. If one call names an
    item twice, the status that is not dead_lettered counts.
    """
    chosen = _one_per_item(outcomes)
    if not chosen:
        return Finish(frozenset(), ())
    columns = zip(*(outcomes[index] for index in chosen), strict=True)
    row = await _on_batches(executor, pipeline, "finish_items", *columns)
    moved = frozenset(chosen[place - 1] for place in row["moved"])
    return Finish(moved, tuple(BatchCompleted.model_validate(batch) for batch in json.loads(row["finished"] or "[]")))


async def settle_items(executor: Executor, item_ids: Sequence[str]) -> list[tuple[str, str]]:
    """Complete items in every batch in which they wait for a person, each once; returns their (batch id, item id)."""
    rows = await executor.fetch(queries()["settle_items"], item_ids)
    return [(row["batch_id"], row["item_id"]) for row in rows]


async def _on_batches(executor: Executor, pipeline: str, query: str, *arguments: object) -> Record:
    """Run a statement that wants its batches to exist; the rare ones that nobody has opened become rolling ones."""
    for _ in range(_RACES):
        (row,) = await executor.fetch(queries()[query], *arguments)
        if not row["missing"]:
            return row
        await executor.execute(queries()["open_rolling"], pipeline, row["missing"])
    raise TransientError("a batch vanished while it was worked on")


def _one_per_item(outcomes: Sequence[ItemOutcome]) -> list[int]:
    chosen: dict[tuple[str, str], int] = {}
    for index, outcome in enumerate(outcomes):
        key = (outcome.batch_id, outcome.item_id)
        if key not in chosen or outcomes[chosen[key]].status == ItemStatus.DEAD_LETTERED:
            chosen[key] = index
    return list(chosen.values())


async def close_rolling(executor: Executor, quiet_seconds: float) -> list[BatchCompleted]:
    """Close rolling batches in which nothing has happened for so long; returns those that are done by this."""
    rows = await executor.fetch(queries()["close_rolling"], quiet_seconds)
    return [BatchCompleted.model_validate(dict(row)) for row in rows]


async def batch(executor: Executor, batch_id: str) -> Batch | None:
    """One batch, None if there is none of that id."""
    row = await executor.fetchrow(queries()["batch"], batch_id)
    return Batch.of(row) if row else None


async def batches_by_id(executor: Executor, batch_ids: Sequence[str]) -> list[Batch]:
    """Those of the batches that exist."""
    return [Batch.of(row) for row in await executor.fetch(queries()["batches_by_id"], batch_ids)]


async def batches(executor: Executor, limit: int = 10, *, pipeline: str | None = None) -> list[Batch]:
    """The newest batches, the newest first."""
    return [Batch.of(row) for row in await executor.fetch(queries()["batches"], limit, pipeline)]


async def open_batches(executor: Executor) -> list[Batch]:
    """The batches that are not finished, the oldest first."""
    return [Batch.of(row) for row in await executor.fetch(queries()["open_batches"])]


async def items(executor: Executor, batch_id: str, *, offset: int = 0, limit: int | None = None) -> list[Item]:
    """Items of a batch in the order of submission."""
    return [Item.of(row) for row in await executor.fetch(queries()["items"], batch_id, offset, limit)]


async def pending(executor: Executor, batch_id: str) -> list[Item]:
    """Items of a batch that have no final status yet, in the order of submission."""
    return [Item.of(row) for row in await executor.fetch(queries()["pending_items"], batch_id)]


@cache
def queries() -> Queries:
    """The statements of this package."""
    return Queries("shared.database")
