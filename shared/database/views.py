"""What people look at: counts, statistics, failures, the history of an item. Reads only, a statement each."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, Self

from shared.database.ledger import queries
from shared.database.pool import Executor, Record


class ResultCounts(NamedTuple):
    """Results by what was decided, the most frequent first."""

    total: int
    by_status: dict[str, int]
    by_family: dict[str, int]
    by_type: dict[str, int]
    """By family/type."""
    by_review_status: dict[str, int]

    @classmethod
    def of(cls, rows: Sequence[Record]) -> Self:
        """Sort the rows of `result_counts` by their dimension."""
        found: dict[str, dict[str, int]] = {"status": {}, "family": {}, "type": {}, "review_status": {}, "total": {}}
        for row in rows:
            if row["label"] is not None or row["dimension"] == "total":
                found[row["dimension"]][row["label"] or ""] = row["items"]
        return cls(
            sum(found["total"].values()), found["status"], found["family"], found["type"], found["review_status"]
        )


class Overall(NamedTuple):
    """Everything ever submitted. An indicator submitted twice counts twice, except in the first two fields."""

    classified: int
    """Indicators that have a classification."""
    indicators: int
    batches: int
    open_batches: int
    submitted: int
    completed: int
    needs_human: int
    failed: int
    avg_confidence: float | None
    tokens_in: int
    tokens_out: int
    cost_usd: float

    @property
    def success_percent(self) -> float | None:
        """Share of the finished that completed; None while nothing is finished."""
        finished = self.completed + self.needs_human + self.failed
        return 100 * self.completed / finished if finished else None

    @property
    def classified_percent(self) -> float | None:
        """Share of all indicators that have a classification."""
        return 100 * self.classified / self.indicators if self.indicators else None


class ModelUse(NamedTuple):
    """What one model did."""

    provider: str | None
    model: str | None
    indicators: int
    avg_confidence: float | None
    avg_time_ms: float | None
    tokens_in: int
    tokens_out: int
    cost_usd: float


class Throughput(NamedTuple):
    """Items that got their final status within a span of time."""

    finished: int
    completed: int
    needs_human: int
    failed: int
    busiest_minute: int


class StageActivity(NamedTuple):
    """What a stage did, with one status as outcome."""

    stage: str
    status: str
    items: int
    avg_time_ms: float | None


class Uncertain(NamedTuple):
    """A classification of low confidence."""

    indicator_id: str
    name: str
    family: str | None
    indicator_type: str | None
    overall_confidence: float
    review_status: str | None
    batch_id: str | None


class StageFailures(NamedTuple):
    """How often a stage failed for one reason. `still_failed`: items that have no result since."""

    stage: str
    error_code: str
    failures: int
    indicators: int
    still_failed: int
    last_failed_at: datetime


class FailedIndicator(NamedTuple):
    """An indicator that has failed, how it failed last, and its status by now."""

    indicator_id: str
    name: str | None
    batch_id: str | None
    failures: int
    stage: str
    error_code: str
    error_message: str
    failed_at: datetime
    status: str | None


class Incomplete(NamedTuple):
    """An item with neither a result nor a failure."""

    indicator_id: str
    name: str | None
    batch_id: str
    submitted_at: datetime


class FoundIndicator(NamedTuple):
    """A classified indicator that somebody looks for."""

    indicator_id: str
    name: str
    units: str
    family: str | None
    indicator_type: str | None
    overall_confidence: float | None
    review_status: str | None


class Submitted(NamedTuple):
    """A batch that an item was part of, and how it ended there."""

    batch_id: str
    status: str
    error: str | None
    confidence: float | None
    submitted_at: datetime
    finished_at: datetime | None


class StageEntry(NamedTuple):
    """What a stage did to an item."""

    time: datetime
    batch_id: str
    stage: str
    status: str
    duration_ms: float | None
    attempt: int
    provider: str | None
    model: str | None
    error: str | None


class LetterRow(NamedTuple):
    """A dead letter without its payload. `topic`, `partition` and `offset` are those of the record that failed."""

    id: int
    pipeline: str
    stage: str
    topic: str
    partition: int
    offset: int
    attempts: int
    batch_id: str | None
    indicator_id: str | None
    error_class: str
    error_code: str
    error_message: str
    failed_at: datetime
    replayed_at: datetime | None
    resolution: str | None
    edited: bool
    """It was replayed with another payload than its own."""


class LetterFilter(NamedTuple):
    """Which dead letters; None: any. `stage` is a short or full name; `since` and `until` are about the failure."""

    stage: str | None = None
    batch_id: str | None = None
    code: str | None = None
    item_id: str | None = None
    unresolved: bool = False
    resolved: bool = False
    since: datetime | None = None
    until: datetime | None = None
    ids: Sequence[int] | None = None


async def result_counts(
    executor: Executor,
    batch_id: str | None = None,
    *,
    status: str | None = None,
    family: str | None = None,
    indicator_type: str | None = None,
) -> ResultCounts:
    """Counts over the same items that `results` pages through. `status` is a ResultStatus."""
    arguments = (batch_id, status, family, indicator_type)
    return ResultCounts.of(await executor.fetch(queries()["result_counts"], *arguments))


async def overall(executor: Executor) -> Overall:
    """Everything ever submitted, summed up."""
    (row,) = await executor.fetch(queries()["overall"])
    return Overall(*row)


async def models(executor: Executor) -> list[ModelUse]:
    """What each model did, the busiest first."""
    return [ModelUse(*row) for row in await executor.fetch(queries()["models"])]


async def throughput(executor: Executor, seconds: float) -> Throughput:
    """What was finished in the last so many seconds."""
    (row,) = await executor.fetch(queries()["throughput"], seconds)
    return Throughput(*row)


async def stage_activity(executor: Executor, seconds: float) -> list[StageActivity]:
    """What the stages did in the last so many seconds."""
    return [StageActivity(*row) for row in await executor.fetch(queries()["stage_activity"], seconds)]


async def low_confidence(executor: Executor, below: float, limit: int) -> list[Uncertain]:
    """The least certain classifications."""
    return [Uncertain(*row) for row in await executor.fetch(queries()["low_confidence"], below, limit)]


async def failures_by_stage(
    executor: Executor, batch_id: str | None = None, item_id: str | None = None
) -> list[StageFailures]:
    """Failures by stage and reason, the most frequent first."""
    rows = await executor.fetch(queries()["failures_by_stage"], batch_id, item_id)
    return [StageFailures(*row) for row in rows]


async def failed_indicators(
    executor: Executor, limit: int, batch_id: str | None = None, item_id: str | None = None
) -> list[FailedIndicator]:
    """Indicators that have failed, those without a result first."""
    rows = await executor.fetch(queries()["failed_indicators"], batch_id, item_id, limit)
    return [FailedIndicator(*row) for row in rows]


async def incomplete(
    executor: Executor, limit: int, batch_id: str | None = None, item_id: str | None = None
) -> list[Incomplete]:
    """Items with neither result nor failure, the oldest first."""
    return [Incomplete(*row) for row in await executor.fetch(queries()["incomplete"], batch_id, item_id, limit)]


async def find_indicators(executor: Executor, text: str, limit: int) -> list[FoundIndicator]:
    """Classified indicators whose id or name contains a text, in any case."""
    return [FoundIndicator(*row) for row in await executor.fetch(queries()["find_indicators"], text, limit)]


async def submissions(executor: Executor, item_id: str) -> list[Submitted]:
    """Every batch an item was part of, the newest first."""
    return [Submitted(*row) for row in await executor.fetch(queries()["submissions"], item_id)]


async def stage_history(executor: Executor, item_id: str, limit: int) -> list[StageEntry]:
    """The newest entries of the stage log about an item, in the order of time."""
    return [StageEntry(*row) for row in await executor.fetch(queries()["stage_history"], item_id, limit)]


async def find_dead_letters(executor: Executor, limit: int | None, which: LetterFilter) -> list[LetterRow]:
    """Dead letters without their payload, the newest first."""
    return [LetterRow(*row) for row in await executor.fetch(queries()["find_dead_letters"], limit, *which)]


async def unresolved_dead_letters(executor: Executor) -> int:
    """How many dead letters nobody has replayed."""
    return int(await executor.fetchval(queries()["unresolved_dead_letters"]))
