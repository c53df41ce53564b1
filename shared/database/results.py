"""Results as users read them: one row an item, with its final values or the reason why there are none."""

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

from schemas.enums import ItemStatus
from shared.database.ledger import queries
from shared.database.pool import Executor


class ResultStatus(StrEnum):
    """What became of an item, in the words of the output."""

    PENDING = "pending"
    COMPLETED = "completed"
    NEEDS_HUMAN = "needs_human"
    FAILED = "failed"
    """It is among the dead letters."""

    @property
    def in_ledger(self) -> ItemStatus:
        """The same status as the ledger has it."""
        return ItemStatus.DEAD_LETTERED if self is ResultStatus.FAILED else ItemStatus(self.value)


class ResultRecord(NamedTuple):
    """One item of a batch. None: not known, or not decided. The fields are those of every output, in their order."""

    indicator_id: str
    name: str | None
    units: str | None
    family: str | None
    indicator_type: str | None
    temporal_aggregation: str | None
    time_basis: str | None
    reporting_frequency: str | None
    scale: str | None
    is_currency_denominated: bool | None
    detected_currency: str | None
    is_cumulative: bool | None
    heat_map_orientation: str | None
    overall_confidence: float | None
    review_status: str | None
    provider: str | None
    model: str | None
    cost_usd: float | None
    batch_id: str | None
    status: str
    """A ResultStatus."""
    error: str | None


async def batch_results(executor: Executor, batch_ids: Sequence[str]) -> list[ResultRecord]:
    """Every item of these batches, batch after batch, in the order of submission."""
    return await _select(executor, "batch_results", batch_ids, 0, None, None, None, None)


async def results_of(executor: Executor, indicator_ids: Sequence[str]) -> list[ResultRecord]:
    """The newest classification of each of these indicators that has one."""
    return await _select(executor, "results_of", indicator_ids)


async def results(
    executor: Executor,
    batch_id: str | None = None,
    *,
    offset: int = 0,
    limit: int | None = 100,
    family: str | None = None,
    indicator_type: str | None = None,
    status: ResultStatus | None = None,
) -> list[ResultRecord]:
    """A page of the items of a batch in the order of submission; without a batch, of all indicators, the newest first.

    Without a batch and without a status these are the classified indicators; ask for the pending or failed by status.
    """
    state = status.in_ledger if status else None
    filters = (offset, limit, state, family, indicator_type)
    if batch_id is not None:
        return await _select(executor, "batch_results", [batch_id], *filters)
    if state in {ItemStatus.PENDING, ItemStatus.DEAD_LETTERED}:
        rows = await executor.fetch(queries()["batches_with_unclassified"], state)
        return await _select(executor, "batch_results", [row["batch_id"] for row in rows], *filters)
    return await _select(executor, "latest_results", *filters)


async def _select(executor: Executor, query: str, *arguments: object) -> list[ResultRecord]:
    return [ResultRecord(*row) for row in await executor.fetch(queries()[query], *arguments)]
