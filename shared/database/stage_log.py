"""The stage log: one row for what one stage did to one item. Behind the view `processing_log`."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from shared.database.ledger import queries
from shared.database.pool import Executor


class StageLogRow(NamedTuple):
    """A row of the log."""

    created_at: datetime
    """When the stage was done with the item."""
    processing_time_ms: float | None
    attempt: int
    tokens_in: int
    tokens_out: int
    cost_usd: float
    batch_id: str
    indicator_id: str
    stage: str
    status: str
    """`started`, `completed` or `failed`."""
    provider: str | None = None
    model: str | None = None
    error_message: str | None = None
    metadata: str | None = None
    """A JSON object."""


async def append_stage_log(executor: Executor, rows: Iterable[StageLogRow]) -> None:
    """Append rows, by the cheapest way there is. The caller sees to it that they are not there already."""
    await executor.copy("stage_log", StageLogRow._fields, rows)


async def append_trails(
    executor: Executor, *, batch_ids: Sequence[str], item_ids: Sequence[str], trails: Sequence[str]
) -> None:
    """Append a row for every stage in the trails of completed items; the caller passes only items that have moved.

    A trail is text as it travels, JSON objects with commas between them. The server takes it apart: that costs a third
    less than parsing it here and copying the rows.
    """
    await executor.execute(queries()["append_trails"], batch_ids, item_ids, trails)


async def keep_partitions(executor: Executor, *, ahead_days: int = 7, keep_days: int | None = None) -> None:
    """Create the partitions of the days ahead, and drop those older than `keep_days`. For a daily sweep."""
    await executor.fetchval(queries()["create_partitions"], ahead_days)
    if keep_days is not None:
        await executor.fetchval(queries()["drop_partitions"], keep_days)
