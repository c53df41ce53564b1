"""Classification's own tables: parts that wait for each other, and final rows. One statement a batch."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache

from schemas.delivery import Header
from services.classification.final_row import submitted_at
from shared.database import Executor, Queries, Record
from shared.runtime.outbox import StoredRecord

PARTS = ("item", "time", "scale", "currency", "cumulative")
FACETS_TOPIC = "classification.facets"

Key = tuple[str, str]
"""(batch_id, indicator_id)."""


@cache
def queries() -> Queries:
    """The statements of this package."""
    return Queries("services.classification")


@dataclass(slots=True)
class FacetRow:
    """Parts of one item as JSON by name, with the trail entries of the stages that made them."""

    batch_id: str
    indicator_id: str
    partition: int
    headers: str = "{}"
    """Headers that travel with the item, as a JSON object."""
    runs: list[str] = field(default_factory=list)
    parts: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class CompleteFacets:
    """An item whose parts are all there."""

    parts: dict[str, str]
    trail: bytes


@dataclass(slots=True)
class ExpiredFacets:
    """An item that waited too long. `first_seen_at` in seconds since the epoch."""

    batch_id: str
    indicator_id: str
    partition: int
    headers: str
    trail: str
    first_seen_at: float
    parts: dict[str, str]


async def merge_facets(executor: Executor, rows: Sequence[FacetRow]) -> dict[Key, CompleteFacets]:
    """Add parts, and return every item among `rows` that is complete now, also if it was before."""
    # In one order everywhere, so that two replicas that overlap after a rebalance cannot lock each other out.
    ordered = sorted(rows, key=lambda row: (row.batch_id, row.indicator_id))
    found = await executor.fetch(
        queries()["merge_facets"],
        [row.batch_id for row in ordered],
        [row.indicator_id for row in ordered],
        [row.partition for row in ordered],
        [row.headers for row in ordered],
        [",".join(row.runs) for row in ordered],
        *([row.parts.get(part) for row in ordered] for part in PARTS),
    )
    return {(row["batch_id"], row["indicator_id"]): CompleteFacets(_parts(row), _trail(row["trail"])) for row in found}


async def expired_facets(
    executor: Executor, timeout_seconds: float, limit: int, asked: Sequence[str] = (), asked_seconds: float = 0.0
) -> list[ExpiredFacets]:
    """Items that have been incomplete for `timeout_seconds`, locked until the transaction ends.

    Parts `asked` of somebody outside may take `asked_seconds`.
    """
    rows = await executor.fetch(queries()["expired_facets"], timeout_seconds, limit, list(asked), asked_seconds)
    return [
        ExpiredFacets(
            batch_id=row["batch_id"],
            indicator_id=row["indicator_id"],
            partition=row["partition"],
            headers=row["headers"],
            trail=row["trail"],
            first_seen_at=row["first_seen_at"],
            parts=_parts(row),
        )
        for row in rows
    ]


async def mark_expired(executor: Executor, keys: Sequence[Key]) -> None:
    """Their dead letters are published."""
    await executor.execute(queries()["mark_expired"], [key[0] for key in keys], [key[1] for key in keys])


async def forget_facets(executor: Executor, days: int, limit: int) -> int:
    """Delete what was joined or expired so many days ago, and return how many items that were, `limit` at most."""
    return len(await executor.fetch(queries()["forget_facets"], days, limit))


def stored_record(row: ExpiredFacets) -> StoredRecord:
    """What there is of an expired item, as a record of the facets topic: a JSON object with the parts that came."""
    body = ",".join(f'"{part}":{text}' for part, text in row.parts.items())
    headers = [(Header.BATCH_ID, row.batch_id.encode()), (Header.TRAIL, row.trail.encode())]
    headers += [(name, value.encode()) for name, value in json.loads(row.headers).items()]
    value = f"{{{body}}}".encode()
    return StoredRecord(FACETS_TOPIC, row.partition, row.indicator_id, value, headers, int(row.first_seen_at * 1000))


def _parts(row: Record) -> dict[str, str]:
    return {part: text for part in PARTS if (text := row[part]) is not None}


def _trail(text: str) -> bytes:
    """The first entry of each stage: a redelivery, or a stage that worked twice, has brought more."""
    entries: dict[str, str] = {}
    for entry in text.removeprefix("{").removesuffix("}").split("},{"):
        entries.setdefault(entry.partition(",")[0], entry)  # an entry begins with its stage
    return ",".join(f"{{{entry}}}" for entry in entries.values()).encode()


async def upsert_classifications(executor: Executor, rows: Sequence[tuple[object, ...]]) -> int:
    """Store final rows (services.classification.final_row), the newest of each indicator.

    Returns how many of these were left out, because a newer version or a human decision is there already.
    """
    newest = {row[0]: row for row in sorted(rows, key=submitted_at)}
    if not newest:
        return 0
    ordered = [newest[indicator_id] for indicator_id in sorted(map(str, newest))]
    tag = await executor.execute(queries()["upsert_classifications"], *zip(*ordered, strict=True))
    return len(ordered) - int(tag.rpartition(" ")[2])
