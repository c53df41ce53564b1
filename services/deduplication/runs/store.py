"""Runs: begun, gone on with, ended, found, pruned."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from services.deduplication.runs.barrier import outputs_of, proceed, stage_of
from services.deduplication.runs.flow import StagePlan
from services.deduplication.runs.shards import Output
from services.deduplication.statements import queries
from shared.database import Executor, Transaction
from shared.database.dead_letters import resolve_batch
from shared.errors import UsageError

RESUMED = "resumed"
"""What became of the dead letters of a run that is gone on with."""


class Status(StrEnum):
    """How far a run is."""

    RUNNING = "running"
    COMPLETE = "complete"
    FAILED = "failed"
    INTERRUPTED = "interrupted"


class NewRun(NamedTuple):
    """A run to begin."""

    run_id: str
    run_type: str
    input_name: str
    input_sha256: str
    config_digest: str
    rules: str
    mapping: str
    rows: int
    shards: int
    trace_id: str
    follows: str | None
    """The run whose groups it takes the ids of."""


class Run(NamedTuple):
    """A run that was begun."""

    run_id: str
    run_type: str
    status: Status
    input_name: str
    input_sha256: str
    config_digest: str
    rules: str
    mapping: str
    rows: int
    shards: int
    pinned: bool
    error: str | None
    started_at: datetime
    ended_at: datetime | None
    trace_id: str
    follows: str | None


class StageState(NamedTuple):
    """A stage of a run, and what its shards have taken."""

    plan: StagePlan
    done: int
    rows: int
    """Of all that it has made."""
    bytes: int
    wall_seconds: float
    cpu_seconds: float
    peak_bytes: int
    started_at: datetime | None
    ended_at: datetime | None


Shard = tuple[str, int]
"""Its stage and its number."""


async def begin(
    transaction: Transaction, run: NewRun, stages: Sequence[StagePlan], given: Mapping[Shard, Sequence[Output]]
) -> None:
    """Begin a run, or begin it anew, whose shards `given` are done, and announce the first stage."""
    await transaction.execute(queries()["new_run"], *run)
    await transaction.execute(queries()["forget_stages"], run.run_id)
    await transaction.execute(queries()["forget_additions"], run.run_id)
    await transaction.execute(
        queries()["new_stages"],
        run.run_id,
        [stage.stage for stage in stages],
        [stage.shards for stage in stages],
        [json.dumps(stage.reads) for stage in stages],
        [json.dumps(stage.needs) for stage in stages],
    )
    await transaction.execute(
        queries()["give_shards"],
        run.run_id,
        [stage for stage, _ in given],
        [shard for _, shard in given],
        [json.dumps(outputs) for outputs in given.values()],
    )
    await _move_on(transaction, run.run_id)


async def go_on(transaction: Transaction, run_id: str, again: Sequence[Shard]) -> None:
    """Have a run worked on that was stopped: these shards, all that follows from them, and whatever is not done."""
    await transaction.fetchrow(queries()["lock_run"], run_id)
    stages = [state.plan for state in await stages_of(transaction, run_id)]
    done = await outputs_by_shard(transaction, run_id)
    todo = following(stages, set(done) - set(again))
    await transaction.execute(
        queries()["reset_shards"], run_id, [stage for stage, _ in todo], [shard for _, shard in todo]
    )
    await transaction.execute(queries()["go_on_with_run"], run_id)
    await _move_on(transaction, run_id)


async def _move_on(transaction: Transaction, run_id: str) -> None:
    """Count anew what is done, and announce what is not."""
    await transaction.execute(queries()["recount_stages"], run_id)
    await transaction.execute(queries()["recount_waits"], run_id)
    await resolve_batch(transaction, run_id, RESUMED)
    run = await transaction.fetchrow(queries()["lock_run"], run_id)
    if run:
        await proceed(transaction, run)


def following(stages: Sequence[StagePlan], done: set[Shard]) -> list[Shard]:
    """Shards to do if only `done` are: a stage that needs one of them is done again as a whole."""
    todo, unfinished = list[Shard](), set[str]()
    for stage in stages:
        shards = [(stage.stage, number) for number in range(stage.shards)]
        missing = shards if unfinished.intersection(stage.needs) else [one for one in shards if one not in done]
        if missing:
            unfinished.add(stage.stage)
        todo += missing
    return todo


async def end(executor: Executor, run_id: str, status: Status, error: str | None = None) -> bool:
    """End a run that is running; whether it was."""
    return bool(await executor.fetchval(queries()["end_run"], run_id, status.value, error))


async def find(executor: Executor, run_id: str) -> Run:
    """A run. Raises UsageError if there is none of that id."""
    found = await listed(executor, run_id=run_id)
    if not found:
        raise UsageError(f"there is no run {run_id!r}", remedy="`sluice dedupe-runs list` lists them")
    return found[0]


async def latest(executor: Executor) -> Run:
    """The newest complete run. Raises UsageError if there is none."""
    row = await executor.fetchval(queries()["latest_run"])
    if row is None:
        raise UsageError("there is no complete run", remedy="`sluice dedupe FILE --output DIR` makes one")
    return await find(executor, row)


async def listed(
    executor: Executor, *, run_id: str | None = None, run_type: str | None = None, limit: int = 1
) -> list[Run]:
    """Runs, the newest first."""
    rows = await executor.fetch(queries()["find_runs"], run_id, run_type, limit)
    return [Run(**{**dict(row), "status": Status(row["status"])}) for row in rows]


async def stages_of(executor: Executor, run_id: str) -> list[StageState]:
    """The stages of a run in order."""
    rows = await executor.fetch(queries()["run_stages"], run_id)
    return [StageState(stage_of(row), *(row[name] for name in StageState._fields[1:])) for row in rows]


async def outputs_by_shard(executor: Executor, run_id: str) -> dict[Shard, list[Output]]:
    """What there is of a run: outputs of every shard that is done."""
    rows = await executor.fetch(queries()["done_shards"], run_id)
    return {(row["stage"], row["shard"]): outputs_of(row) for row in rows}


async def prunable(
    executor: Executor, keep: int, run_type: str | None = None, only: Sequence[str] | None = None
) -> list[str]:
    """Runs that may go: never one that runs or is pinned, nor the newest that is complete."""
    return [row["run_id"] for row in await executor.fetch(queries()["runs_to_prune"], run_type, keep, only)]


async def forget(executor: Executor, run_id: str) -> bool:
    """Forget a run, unless it runs or is pinned; whether it was there."""
    return bool(await executor.fetchval(queries()["remove_run"], run_id))


async def pin(executor: Executor, run_id: str, pinned: bool) -> bool:
    """Keep a run from being pruned, or not any longer; whether there is one."""
    return bool(await executor.fetchval(queries()["pin_run"], run_id, pinned))
