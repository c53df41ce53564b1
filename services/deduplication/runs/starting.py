"""Starting runs, and going on with runs that were stopped."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import pyarrow as pa

from services.deduplication.decisions import Override, blacklist, overrides
from services.deduplication.increments.lineage import NOTHING, lineage
from services.deduplication.inputs.given import BLACKLIST, OVERRIDES
from services.deduplication.runs.flow import GIVEN, INPUT
from services.deduplication.runs.preparing import Source, Wanted, new_run_id, prepare
from services.deduplication.runs.shards import DamagedError, Output
from services.deduplication.runs.storage import Storage
from services.deduplication.runs.store import Run, Shard, Status, begin, find, go_on, outputs_by_shard
from shared.database import Database
from shared.errors import UsageError


class Decided(NamedTuple):
    """Decisions for one run alone, beside those in the database."""

    overrides: Sequence[Override] = ()
    terms: Sequence[str] = ()


class Again(NamedTuple):
    """A run to go on with. `source` and `wanted` None: with what it has."""

    run_id: str
    source: Source | None
    wanted: Wanted | None
    stage: str | None
    """Do this one again, and what follows from it."""
    force: bool


async def start(
    database: Database, storage: Storage, source: Source, wanted: Wanted, decided: Decided, run_id: str | None = None
) -> str:
    """Begin a run, or begin the one of this id anew; returns its id. Its first messages are in the outbox."""
    now = datetime.now(UTC)
    run_id = run_id or new_run_id(source.sha256, wanted.rules.digest(), now)
    before = await lineage(database, storage, await find(database, wanted.follows)) if wanted.follows else NOTHING
    tables = await _decisions(database, decided, now) | before._asdict()
    prepared = await asyncio.to_thread(prepare, storage, source, wanted, tables, run_id)
    async with database.transaction() as transaction:
        await begin(transaction, *prepared)
    return run_id


async def resume(database: Database, storage: Storage, again: Again, decided: Decided) -> str:
    """Go on with a run: what is done and undamaged is not done again, unless it is forced to begin anew.

    Raises UsageError if its input or its rules have changed.
    """
    run = await find(database, again.run_id)
    if again.force and again.source and again.wanted:
        return await start(database, storage, again.source, again.wanted, decided, run.run_id)
    if changes := _changes(run, again):
        raise UsageError(
            f"{' and '.join(changes)} since run {run.run_id} began",
            remedy="start a run of its own, or do all of this one anew with --force",
        )
    await _repeat(database, storage, run, again)
    return run.run_id


def _changes(run: Run, again: Again) -> list[str]:
    changed = []
    if again.source and again.source.sha256 != run.input_sha256:
        changed.append("the input has changed")
    if again.wanted and again.wanted.rules.digest() != run.config_digest:
        changed.append("the rules have changed")
    return changed


async def _repeat(database: Database, storage: Storage, run: Run, again: Again) -> None:
    done = await outputs_by_shard(database, run.run_id)
    damaged = await asyncio.to_thread(damaged_shards, storage, done)
    if any(stage in {INPUT, GIVEN} for stage, _ in damaged):
        raise UsageError(
            f"what run {run.run_id} began with is damaged in {storage.address}",
            remedy="do all of it anew: name its FILE, with --force",
        )
    chosen = [shard for shard in done if shard[0] == again.stage]
    if run.status is Status.COMPLETE and not damaged and not chosen:
        return
    async with database.transaction() as transaction:
        await go_on(transaction, run.run_id, [*damaged, *chosen])


def damaged_shards(storage: Storage, done: Mapping[Shard, Sequence[Output]]) -> list[Shard]:
    """Shards of which a file is not there as it was written."""
    return [shard for shard, outputs in done.items() if any(_is_damaged(storage, output) for output in outputs)]


def _is_damaged(storage: Storage, output: Output) -> bool:
    try:
        storage.content(output.file)
    except DamagedError:
        return True
    return False


async def _decisions(database: Database, decided: Decided, now: datetime) -> dict[str, pa.Table]:
    """What people have decided, as tables; what is given for this run alone comes last and holds."""
    known = {one.account_id: one for one in [*await overrides(database), *decided.overrides]}
    rows = [
        (one.account_id, one.disposition, one.reason, (one.decided_at or now).isoformat()) for one in known.values()
    ]
    terms = sorted({*(one.term for one in await blacklist(database)), *decided.terms})
    columns = zip(*rows, strict=True) if rows else ([] for _ in OVERRIDES)
    return {
        "overrides": pa.table([pa.array(column, pa.string()) for column in columns], schema=OVERRIDES),
        "blacklist": pa.table([pa.array(terms, pa.string())], schema=BLACKLIST),
    }
