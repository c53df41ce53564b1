"""Tables of runs, opened when somebody looks, and kept for those who look next."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property, partial
from typing import NamedTuple, ParamSpec, TypeVar

import pyarrow as pa

from services.deduplication.console.groups import MEMBERS, groups_of, in_order
from services.deduplication.runs.results import Made
from services.deduplication.runs.shards import DamagedError, Place
from services.deduplication.runs.storage import Storage
from services.deduplication.runs.store import Run, Status, find, outputs_by_shard
from shared.database import Database
from shared.errors import UsageError

MOST_OPENED = 16
MOST_BYTES = 128 * 1024 * 1024
"""Of all that is kept; a run that is larger is kept as long as nobody opens another."""
THREADS = 2

P = ParamSpec("P")
T = TypeVar("T")
Key = tuple[str, str]


class Opened(NamedTuple):
    """What the pages about groups need of a run."""

    run: Run
    members: pa.Table
    """Records in order of their groups, the primary first."""
    groups: pa.Table
    names: pa.Table
    tokens: pa.Table

    @property
    def bytes(self) -> int:
        """In memory."""
        return sum(table.nbytes for table in self[1:])


class Tables:
    """Opens complete runs, each once; what nobody has used for longest is given up. Reads in threads of its own."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._threads = ThreadPoolExecutor(THREADS, "duplicates")
        self._kept: OrderedDict[Key, asyncio.Task[Opened]] = OrderedDict()

    @cached_property
    def storage(self) -> Storage:
        """Where runs lie. Raises UsageError if the settings name no place that can be used."""
        return Storage(self._place)

    async def of(self, database: Database, run_id: str) -> Opened:
        """A run, opened. Raises UsageError if it is not there, or not complete."""
        run = await find(database, run_id)
        if run.status is not Status.COMPLETE:
            raise UsageError(f"run {run_id} is {run.status}", remedy="Its groups are there when it is complete.")
        key = run_id, str(run.ended_at)  # another end: it was gone on with, and is not what it was
        if key not in self._kept:
            self._kept[key] = task = asyncio.create_task(self._open(database, run))
            task.add_done_callback(partial(self._settle, key))
        self._kept.move_to_end(key)
        return await asyncio.shield(self._kept[key])  # who stops waiting does not take it from the others

    async def in_thread(self, work: Callable[P, T], *given: P.args, **named: P.kwargs) -> T:
        """Do something that takes long, beside everything else."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, partial(work, *given, **named))

    async def made(self, database: Database, run: Run) -> Made:
        """What there is of a run."""
        return Made(self.storage, await outputs_by_shard(database, run.run_id))

    @property
    def count(self) -> int:
        """How many runs are open."""
        return len(self._kept)

    def clear(self) -> int:
        """Give up all that is kept; how many runs that was."""
        count = self.count
        self._kept.clear()
        return count

    async def _open(self, database: Database, run: Run) -> Opened:
        made = await self.made(database, run)
        try:
            return await self.in_thread(_opened, run, made)
        except DamagedError as error:
            remedy = f"`sluice dedupe FILE --output DIR --resume {run.run_id}` makes it again."
            raise UsageError(str(error), remedy=remedy) from None

    def _settle(self, key: Key, task: "asyncio.Task[Opened]") -> None:
        if task.cancelled() or task.exception():
            self._kept.pop(key, None)
        while len(self._kept) > 1 and (len(self._kept) > MOST_OPENED or self._bytes() > MOST_BYTES):
            self._kept.popitem(last=False)

    def _bytes(self) -> int:
        done = (task for task in self._kept.values() if task.done() and not task.cancelled())
        return sum(task.result().bytes for task in done if not task.exception())


def _opened(run: Run, made: Made) -> Opened:
    members = in_order(made.table("decisions", MEMBERS))
    groups = groups_of(made.table("group_stats"), members)
    return Opened(run, members, groups, made.table("names"), made.table("tokens"))
