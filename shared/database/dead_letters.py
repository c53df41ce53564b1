"""Dead letters as they are kept: once each, and with what became of them."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from shared.database.ledger import queries
from shared.database.pool import Executor, Record


class DeadLetter(NamedTuple):
    """A record that could not be worked on: where it stood, why it failed, and the record itself."""

    pipeline: str
    stage: str
    topic: str
    partition: int
    offset: int
    record_timestamp: int
    """Topic, partition, offset and time (ms since the epoch) of the original record, not of its copy on the dead-letter
    topic."""
    attempts: int
    batch_id: str | None
    item_id: str | None
    error_class: str
    error_code: str
    error_message: str
    failed_at: datetime
    payload: bytes | None
    headers: str = "{}"
    """A JSON object."""


def place_name(topic: str, partition: int, offset: int, record_timestamp: int) -> str:
    """What stands for the item's id if the record has none."""
    return f"{topic}:{partition}:{offset}@{record_timestamp}"


async def record_dead_letters(executor: Executor, letters: Sequence[DeadLetter]) -> list[int]:
    """Keep dead letters and return the ids of the new ones; one delivered again is not kept twice."""
    if not letters:
        return []
    columns = zip(*letters, strict=True)
    return [row["id"] for row in await executor.fetch(queries()["record_dead_letters"], *columns)]


async def dead_letters_by_id(executor: Executor, ids: Sequence[int]) -> list[Record]:
    """Dead letters with payload and headers."""
    return await executor.fetch(queries()["dead_letters_by_id"], ids)


async def resolve_dead_letters(executor: Executor, ids: Sequence[int], resolution: str) -> list[int]:
    """Note what became of them ("replayed", "discarded"); returns those that nobody had resolved before."""
    return [row["id"] for row in await executor.fetch(queries()["resolve_dead_letters"], ids, resolution)]


async def resolve_batch(executor: Executor, batch_id: str, resolution: str) -> None:
    """Note what became of all dead letters of a batch that nobody had resolved before."""
    await executor.execute(queries()["resolve_batch"], batch_id, resolution)


async def note_edits(executor: Executor, ids: Sequence[int], payloads: Sequence[bytes | None]) -> None:
    """Note, before it is done, with which payloads dead letters are replayed; None: with their own."""
    await executor.execute(queries()["note_edits"], ids, payloads)


async def purge_dead_letters(executor: Executor, ids: Sequence[int]) -> list[int]:
    """Remove dead letters for good; their items and batches stay as they are. Returns those that were there."""
    return [row["id"] for row in await executor.fetch(queries()["purge_dead_letters"], ids)]
