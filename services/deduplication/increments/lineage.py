"""What a run takes from the one it follows: the ids of its groups, and all that ever happened to groups before."""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

import pyarrow as pa

from services.deduplication.increments.additions import Addition, additions
from services.deduplication.increments.identity import Change
from services.deduplication.inputs.given import PREVIOUS
from services.deduplication.runs.results import Made
from services.deduplication.runs.storage import Storage
from services.deduplication.runs.store import Run, Status, find, latest, outputs_by_shard
from shared.database import Database, Executor
from shared.errors import UsageError

NEWEST = "latest"


class Entry(NamedTuple):
    """One thing that happened to a group: in a run, or between it and the next by a record that was added."""

    at: str
    run_id: str
    change: str
    group_id: str
    other: str | None = None
    account_id: str | None = None
    reason: str | None = None


HISTORY = pa.schema([(name, pa.string()) for name in Entry._fields])


class Lineage(NamedTuple):
    """What a run is given."""

    previous: pa.Table
    history: pa.Table


NOTHING = Lineage(PREVIOUS.empty_table(), HISTORY.empty_table())


async def run_named(executor: Executor, name: str) -> Run:
    """A complete run by its id, or the newest one. Raises UsageError."""
    run = await latest(executor) if name == NEWEST else await find(executor, name)
    if run.status is not Status.COMPLETE:
        raise UsageError(f"run {name} is {run.status}", remedy="name a complete one")
    return run


async def lineage(database: Database, storage: Storage, run: Run) -> Lineage:
    """What the run behind this one is given."""
    made, added = await _made(database, storage, run)
    survivors = await asyncio.to_thread(made.table, "survivors")
    columns = [[getattr(one, name) for one in added] for name in PREVIOUS.names]
    joined = pa.table([pa.array(column, pa.string()) for column in columns], schema=PREVIOUS)
    history = await asyncio.to_thread(_history, run, made, added)
    return Lineage(pa.concat_tables([survivors.select(PREVIOUS.names), joined]).combine_chunks(), history)


async def history(database: Database, storage: Storage, run: Run) -> list[Entry]:
    """All that happened to groups up to now, the earliest first."""
    made, added = await _made(database, storage, run)
    found = await asyncio.to_thread(_history, run, made, added)
    return [Entry(**row) for row in found.to_pylist()]


async def _made(database: Database, storage: Storage, run: Run) -> tuple[Made, list[Addition]]:
    made = Made(storage, await outputs_by_shard(database, run.run_id))
    return made, await additions(database, run.run_id)


def _history(run: Run, made: Made, added: Sequence[Addition]) -> pa.Table:
    changes = made.table("changes").to_pylist()
    entries = [Entry(_moment(run.ended_at or run.started_at), run.run_id, **change) for change in changes]
    return pa.concat_tables([made.table("history"), _as_table([*entries, *(_added(run, one) for one in added)])])


def _added(run: Run, one: Addition) -> Entry:
    change = Change.NEW if one.is_new else Change.JOINED
    return Entry(_moment(one.added_at), run.run_id, change, one.group_id, None, one.account_id, one.reason)


def _moment(time: datetime) -> str:
    return time.isoformat(timespec="milliseconds")


def _as_table(entries: Iterable[Entry]) -> pa.Table:
    rows = list(entries)
    columns = [[one[place] for one in rows] for place in range(len(Entry._fields))]
    return pa.table([pa.array(column, pa.string()) for column in columns], schema=HISTORY)


def of_group(entries: Sequence[Entry], group_id: str) -> tuple[list[Entry], str | None]:
    """What happened to a group, and the group that has its records now, if it is another one. None: it is gone."""
    now: str | None = group_id
    for one in entries:
        if one.group_id == now and one.change in (Change.MERGED, Change.GONE):
            now = one.other
        elif one.group_id == group_id and one.change in (Change.SPLIT, Change.NEW):
            now = group_id
    return [one for one in entries if group_id in (one.group_id, one.other)], now
