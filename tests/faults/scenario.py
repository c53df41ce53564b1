"""How every fault is tried: a run is disturbed in the middle, and must come to the same as an undisturbed one."""

from bisect import bisect
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise

from services.classification.pipeline import CLASSIFICATION
from shared.broker.lag import stage_lags
from shared.errors import TransientError
from tests.contract.waiting import eventually
from tests.faults.field import Field
from tests.faults.report import FINDINGS, Finding
from tests.integration.undisturbed import Undisturbed, same_as_before
from tests.integration.whole_pipeline import WholePipeline

END_SECONDS = 120.0


@dataclass
class Trouble:
    """A run that is being disturbed: how far it is, and when harm was done."""

    pipeline: WholePipeline
    batch_ids: Sequence[str]
    total: int
    begun: list[datetime] = field(default_factory=list)
    over: datetime | None = None

    def began(self) -> None:
        """Harm is done from now on. Items have to be under way at this moment, or it proves nothing."""
        self.begun.append(datetime.now(UTC))

    def ended(self) -> None:
        """The last fault is over: from here recovery is measured."""
        self.over = datetime.now(UTC)

    async def done(self) -> int:
        """How many items have ended; none are seen while the database is away."""
        query = "SELECT count(*) FROM batch_items WHERE batch_id = ANY ($1) AND status <> 'pending'"
        with suppress(TransientError):
            return int(await self.pipeline.database.fetchval(query, self.batch_ids))
        return 0

    async def until(self, share: float, timeout: float = END_SECONDS) -> None:
        """Wait until so great a share of the items has ended."""

        async def reached() -> bool:
            return await self.done() >= share * self.total

        await eventually(reached, f"{share:.0%} of {self.total} items have ended", timeout)


@asynccontextmanager
async def disturbed(
    ground: Field, undisturbed: Undisturbed, *, name: str, promised: str, dead_lettered: int = 0
) -> AsyncIterator[Trouble]:
    """Submit the rows, let the body do harm, and see whether the run has come to what every run must come to."""
    await ground.sound()
    pipeline = ground.pipeline
    trouble = Trouble(pipeline, await pipeline.submit(undisturbed.rows), len(undisturbed.rows))
    try:
        yield trouble
        await pipeline.finished(trouble.batch_ids, END_SECONDS)
        await same_as_before(pipeline, undisturbed, trouble.batch_ids, dead_lettered)
        await _nothing_left(pipeline)
        FINDINGS.append(await _finding(trouble, name, promised, dead_lettered))
    except BaseException as error:
        FINDINGS.append(Finding(name, promised, f"FAILED: {type(error).__name__}"))
        raise


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
    query = "SELECT finished_at FROM batch_items WHERE batch_id = ANY ($1) ORDER BY finished_at"
    times = [row["finished_at"] for row in await trouble.pipeline.database.fetch(query, trouble.batch_ids)]
    assert trouble.begun and trouble.over, "the scenario says when harm is done and when it is over"
    under_way = [(bisect(times, moment), len(times)) for moment in trouble.begun]
    assert all(0 < done < total for done, total in under_way), f"harm was not done in mid-run: {under_way}"
    pause = max((later - earlier).total_seconds() for earlier, later in pairwise(times) if later > trouble.begun[0])
    after = [(moment - trouble.over).total_seconds() for moment in times[bisect(times, trouble.over) :]]
    seen = f"{len(times) - dead_lettered:,} items once, rows the same, {dead_lettered} dead letters, no lag"
    return Finding(name, promised, seen, pause, after[0] if after else None, after[-1] if after else None)
