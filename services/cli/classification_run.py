"""One run of the pipeline over given rows: submit in requests, follow them to their end, fetch the results."""

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from services.cli.batching import Request, requests
from services.cli.progress import Pending, Progress, StallWatch, Totals
from services.cli.results import ResultRow, RowStatus
from shared.database import Database
from shared.database.ledger import Batch, Item, batches_by_id, pending
from shared.database.results import batch_results, results_of
from shared.errors import TransientError
from shared.feeding import Feeder, Submission
from shared.settings import FeedSettings

POLL_SECONDS = 0.1
STALL_SECONDS = 20.0
GIVE_UP_SECONDS = 600.0
LISTED_WHEN_STUCK = 50
QUIET_SECONDS = 2.0
"""After this without progress we ask the stages whether one of them waits for something."""

Submitted = tuple[str, str]
"""An indicator to submit: its id, and itself as JSON."""

Hindrances = Callable[[], Awaitable[Mapping[str, str]]]
"""Stages that do not work at the moment, and why."""

LastSeen = Callable[[Sequence[Item]], Awaitable[Mapping[str, str]]]
"""For pending items, where each was last seen: item id → words."""


@dataclass(slots=True)
class Run:
    """What is under way and what has ended, by batch id."""

    requests: dict[str, Request[Submitted]] = field(default_factory=dict)
    open: dict[str, Batch] = field(default_factory=dict)
    done: dict[str, Batch] = field(default_factory=dict)
    repeated: int = 0
    """Requests that an earlier run had submitted under the same key."""
    failed: dict[str, str] = field(default_factory=dict)
    """Indicators that could not be handed over, by id, with the reason."""
    given_up: bool = False
    """Nothing has moved for so long that no more is submitted."""

    def counts(self) -> Counter[str]:
        """Items by final status so far."""
        total: Counter[str] = Counter()
        for batch in (*self.open.values(), *self.done.values()):
            total.update(completed=batch.completed, needs_human=batch.needs_human, failed=batch.dead_lettered)
        return +total


class ClassificationRun:
    """Submits requests, at most `concurrency` of them in the pipeline at a time, and waits for what they become."""

    def __init__(  # noqa: PLR0913 -- what a run is made of; everything is injected
        self,
        feeder: Feeder,
        database: Database,
        settings: FeedSettings,
        progress: Progress,
        last_seen: LastSeen,
        hindrances: Hindrances,
        *,
        provider: str = "",
        key: str | None = None,
    ) -> None:
        self._feeder = feeder
        self._database = database
        self._settings = settings
        self._progress = progress
        self._last_seen = last_seen
        self._hindrances = hindrances
        self._told: set[tuple[str, str]] = set()
        self._provider = provider
        self._key = key
        self.run = Run()
        self._groups = _Groups(settings.concurrency, progress)

    async def submit_and_wait(self, rows: Sequence[Submitted], *, wait: bool = True) -> Run:
        """Submit all rows; with `wait`, return when every item is final or nothing has moved for ten minutes."""
        plan, window = list(requests(rows, self._settings.request_size)), self._settings.concurrency
        self._progress.begin(Totals(len(rows), len(plan), -(-len(plan) // window)))
        for request in plan:
            self._groups.before(request.number, len(plan))
            if wait:
                await self._until(lambda: len(self.run.open) < window)
            if self.run.given_up:
                self._fail(request, "not submitted: nothing has moved in the pipeline for ten minutes")
                continue
            await self._submit(request)
            self._groups.after(request.number, len(request.items))
        if wait:
            await self._until(lambda: not self.run.open)
        self._progress.advanced(self.run.counts())
        self._progress.finished(sum(self.run.counts().values()), [*self.run.done, *self.run.open])
        return self.run

    async def _submit(self, request: Request[Submitted]) -> None:
        self._progress.batch_started(request.number, request.first, request.last)
        key = f"{self._key}:{request.number}" if self._key else None
        try:
            receipt = await self._feeder.submit(Submission(request.items, self._provider, key))
        except TransientError as error:
            # One request that cannot be handed over must not stop the others.
            self._fail(request, f"not submitted: {error}")
            return
        batch = receipt.batch
        self.run.repeated += not receipt.new
        self.run.requests[batch.batch_id] = request
        if batch.ended_at is not None:
            self.run.done[batch.batch_id] = batch
            self._groups.ended(request.number)
        else:
            self.run.open[batch.batch_id] = batch
            if not receipt.new:
                await self._feeder.resume(batch, await pending(self._database, batch.batch_id))
        self._progress.batch_accepted(request.number, batch.batch_id)

    def _fail(self, request: Request[Submitted], reason: str) -> None:
        self.run.failed.update((indicator_id, reason) for indicator_id, _ in request.items)
        self._groups.ended(request.number)
        self._progress.batch_failed(request.number, reason)

    async def follow(self, batches: Iterable[Batch]) -> Run:
        """Wait for batches that are in the pipeline already."""
        self.run.open.update({batch.batch_id: batch for batch in batches})
        total = sum(batch.total for batch in self.run.open.values())
        self._progress.begin(Totals(total, len(self.run.open), 1))
        await self._until(lambda: not self.run.open)
        self._progress.finished(sum(self.run.counts().values()), [*self.run.done, *self.run.open])
        return self.run

    async def _until(self, condition: Callable[[], bool]) -> None:
        """Refresh until `condition` holds. Says what is stuck after 20 s without progress, gives up after 10 min."""
        stall = StallWatch(polls=int(STALL_SECONDS / POLL_SECONDS))
        last, idle = -1, 0.0
        while not condition():
            await self._refresh()
            done = sum(self.run.counts().values())
            idle = 0.0 if done != last else idle + POLL_SECONDS
            last = done
            if idle and idle % QUIET_SECONDS < POLL_SECONDS:
                await self._say_who_waits()
            if stall.stuck(done):
                await self._explain()
            if idle >= GIVE_UP_SECONDS:
                self.run.given_up = True
            if self.run.given_up:
                return
            if not condition():
                await asyncio.sleep(POLL_SECONDS)

    async def _refresh(self) -> None:
        for batch in await batches_by_id(self._database, list(self.run.open)):
            self.run.open[batch.batch_id] = batch
            # A rolling batch ends only when its hour is over; what is of interest here is whether its items are final.
            if batch.ended_at is not None or (not batch.declared and not batch.pending):
                self.run.done[batch.batch_id] = self.run.open.pop(batch.batch_id)
                if request := self.run.requests.get(batch.batch_id):
                    self._groups.ended(request.number)
        self._progress.advanced(self.run.counts())

    async def _say_who_waits(self) -> None:
        for hindrance in (await self._hindrances()).items():
            if hindrance not in self._told:
                self._told.add(hindrance)
                self._progress.waits(*hindrance)

    async def _explain(self) -> None:
        waiting: list[Item] = []
        for batch_id in self.run.open:
            waiting += await pending(self._database, batch_id)
            if len(waiting) >= LISTED_WHEN_STUCK:
                break
        shown = waiting[:LISTED_WHEN_STUCK]
        seen = await self._last_seen(shown)
        self._progress.stuck([_pending(item, seen.get(item.item_id)) for item in shown])


def _pending(item: Item, stage: str | None) -> Pending:
    name = json.loads(item.payload).get("name", "") if item.payload else ""
    return Pending(indicator_id=item.item_id, name=str(name), stage=stage, status=item.status, error=item.error)


class _Groups:
    """Requests in groups of the concurrency, for the display alone: nothing waits for a group."""

    def __init__(self, size: int, progress: Progress) -> None:
        self._size = size
        self._progress = progress
        self._left: Counter[int] = Counter()
        self._queued: Counter[int] = Counter()

    def before(self, number: int, total: int) -> None:
        """Request `number` of `total` is next."""
        if (number - 1) % self._size == 0:
            group = self._of(number)
            self._left[group] = min(self._size, total - number + 1)
            self._progress.group_started(group, self._left[group])

    def after(self, number: int, items: int) -> None:
        """It has been handed over."""
        group = self._of(number)
        self._queued[group] += items
        if number % self._size == 0:
            self._progress.queued(self._queued[group])

    def ended(self, number: int) -> None:
        """Every item of it is final, or it could not be handed over."""
        group = self._of(number)
        self._left[group] -= 1
        if self._left[group] == 0:
            self._progress.group_completed(group)

    def _of(self, number: int) -> int:
        return (number - 1) // self._size + 1


async def fetch_results(database: Database, run: Run) -> dict[str, ResultRow]:
    """The results of a run by indicator id."""
    records = await batch_results(database, [*run.done, *run.open])
    results = {record.indicator_id: ResultRow(*record) for record in records}
    for indicator_id, reason in run.failed.items():
        results[indicator_id] = ResultRow(indicator_id, None, status=RowStatus.FAILED, error=reason)
    return results


async def fetch_known(database: Database, indicator_ids: Sequence[str]) -> dict[str, ResultRow]:
    """Results that earlier runs left for these indicators, by id."""
    return {record.indicator_id: ResultRow(*record) for record in await results_of(database, indicator_ids)}
