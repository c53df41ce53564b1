"""How every fault is tried: a run is disturbed in the middle, and must come to the same as an undisturbed one."""

from bisect import bisect
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from services.classification.pipeline import CLASSIFICATION
from shared.broker.lag import stage_lags
from shared.errors import TransientError
from tests.contract.waiting import eventually
from tests.faults.field import Field
from tests.faults.report import FINDINGS, Finding
from tests.integration.undisturbed import Undisturbed, same_as_before
from tests.integration.whole_pipeline import Row, WholePipeline

END_SECONDS = 120.0


@dataclass
class Trouble:
    """A run that is being disturbed: how far it is, and when harm was done."""

    pipeline: WholePipeline
    portions: list[Sequence[Row]]
    """What is still to be submitted."""
    batch_ids: list[str] = field(default_factory=list)
    submitted: int = 0
    begun: list[tuple[datetime, int]] = field(default_factory=list)
    """Moments of harm, and how many items had been submitted by then."""
    over: datetime | None = None

    def began(self) -> None:
        """Harm is done from now on. Items have to be under way at this moment, or it proves nothing."""
        self.begun.append((datetime.now(UTC), self.submitted))

    def ended(self) -> None:
        """The last fault is over: from here recovery is measured."""
        self.over = datetime.now(UTC)

    async def submit(self) -> None:
        """Submit the next portion of the rows."""
        rows = self.portions.pop(0)
        self.batch_ids += await self.pipeline.submit(rows)
        self.submitted += len(rows)

    async def done(self) -> int:
        """How many items have ended; none are seen while the database is away."""
        query = "SELECT count(*) FROM batch_items WHERE batch_id = ANY ($1) AND status <> 'pending'"
        with suppress(TransientError):
            return int(await self.pipeline.database.fetchval(query, self.batch_ids))
        return 0

    async def until(self, share: float, timeout: float = END_SECONDS) -> None:
        """Wait until so great a share of what has been submitted has ended."""

        async def reached() -> bool:
            return await self.done() >= share * self.submitted

        await eventually(reached, f"{share:.0%} of {self.submitted} items have ended", timeout)


@asynccontextmanager
async def disturbed(
    ground: Field, undisturbed: Undisturbed, *, name: str, promised: str, dead_lettered: int = 0, portions: int = 1
) -> AsyncIterator[Trouble]:
    """Submit the rows, let the body do harm, and see whether the run has come to what every run must come to.

    Of several `portions` of the rows only the first is submitted here, the others by the body.
    """
    await ground.sound()
    trouble = Trouble(ground.pipeline, _dealt(undisturbed.rows, portions))
    try:
        await trouble.submit()
        yield trouble
        await ground.pipeline.finished(trouble.batch_ids, END_SECONDS)
        await same_as_before(ground.pipeline, undisturbed, trouble.batch_ids, dead_lettered)
        await _nothing_left(ground.pipeline)
        FINDINGS.append(await _finding(trouble, name, promised, dead_lettered))
    except BaseException as error:
        FINDINGS.append(Finding(name, promised, f"FAILED: {type(error).__name__}"))
        raise


def _dealt(rows: Sequence[Row], portions: int) -> list[Sequence[Row]]:
    size = -(-len(rows) // portions)
    return [rows[start : start + size] for start in range(0, len(rows), size)]


async def _nothing_left(pipeline: WholePipeline) -> None:
    """Wait until every stage has committed all there is to read, retries included."""
    seen: dict[str, int] = {}

    async def committed() -> bool:
        with suppress(TransientError):
            lags = await stage_lags(pipeline.kafka.settings, CLASSIFICATION.stages)
            seen.update({lag.stage: lag.lag for lag in lags})
            return not any(lag.lag for lag in lags)
        return False

    try:
        await eventually(committed, "every stage has committed everything", END_SECONDS)
    except AssertionError as error:
        error.add_note(f"lag: {seen}")
        raise


async def _finding(trouble: Trouble, name: str, promised: str, dead_lettered: int) -> Finding:
    query = "SELECT created_at, finished_at FROM batch_items WHERE batch_id = ANY ($1) ORDER BY finished_at"
    items = [tuple(row) for row in await trouble.pipeline.database.fetch(query, trouble.batch_ids)]
    times = [finished for _, finished in items]
    assert trouble.begun and trouble.over, "the scenario says when harm is done and when it is over"
    under_way = [(bisect(times, moment), submitted) for moment, submitted in trouble.begun]
    assert all(0 < done < submitted for done, submitted in under_way), f"harm was not done in mid-run: {under_way}"
    after = [(moment - trouble.over).total_seconds() for moment in times[bisect(times, trouble.over) :]]
    seen = f"{len(times) - dead_lettered:,} items once, rows the same, {dead_lettered} dead letters, no lag"
    pause = _longest_pause(items[under_way[0][0] - 1 :])
    return Finding(name, promised, seen, pause, after[0] if after else None, after[-1] if after else None)


def _longest_pause(items: Sequence[tuple[datetime, datetime]]) -> float:
    """Longest time in which something was to be done and nothing ended; items as (created, finished) by their end."""
    longest, oldest = timedelta(), items[-1][0]
    for (_, before), (created, finished) in reversed(list(pairwise(items))):
        oldest = min(oldest, created)
        longest = max(longest, finished - max(before, oldest))
    return longest.total_seconds()
