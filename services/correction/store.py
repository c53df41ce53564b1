"""Correction's own tables: runs, their slices, and the newest row of every message. One statement a batch."""

import json
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NamedTuple

from pydantic_core import to_json

from schemas.correction import FileSlice, TranscriptSource
from shared.database import Database, Executor, Queries, Record
from shared.database.ledger import NewBatch, batch, open_batch

PIPELINE = "correction"
PAGE = 1_000
LAST_INDEX = ":99999999"
REPAIRED_ROWS = 90_000_000
"""Index of rows out of repaired lines: it was not known how many there would be."""
_JSON_COLUMNS = ("body", "edits", "thread", "extra")
ROLLING = "rolling-"
"""Batches that hold whatever came within an hour: nobody knows how much that will be."""


@cache
def queries() -> Queries:
    """The statements of this package."""
    return Queries("services.correction")


@dataclass(slots=True)
class SliceCounts:
    """What a slice holds: lines = records + skipped + invalid."""

    lines: int = 0
    records: int = 0
    rows: int = 0
    invalid: int = 0
    unreadable: int = 0
    skipped: Counter[str] = field(default_factory=Counter)

    def skip(self, reason: str) -> None:
        """A line without rows."""
        self.skipped[reason] += 1


class RunProgress(NamedTuple):
    """How far a run is. `expected` is None until its source has been looked through."""

    done: int
    expected: int | None
    decision: str | None
    ended: bool
    refused: str | None
    """Why its source was not taken in."""


async def open_run(
    database: Database,
    run_id: str,
    source: TranscriptSource,
    manifest: Mapping[str, Any],
    slices: Sequence[FileSlice],
) -> None:
    """Note a source and its slices. One without slices has nothing to wait for."""
    async with database.transaction() as transaction:
        await transaction.execute(
            queries()["open_run"],
            run_id,
            source.source_id,
            source.path,
            manifest["go_no_go"],
            json.dumps(manifest),
            [one.slice_id for one in slices],
            manifest["discovery"]["rows_expected"] + manifest["discovery"]["lines_invalid"] if slices else 0,
        )
        if not slices:
            await _declare(transaction, run_id, 0)


async def close_slices(database: Database, places: Sequence[tuple[str, str]], counts: Sequence[SliceCounts]) -> None:
    """Note what slices, (run, slice), hold. With the last slice of a run the number of its items is known."""
    columns = ([getattr(one, name) for one in counts] for name in ("lines", "records", "rows", "invalid", "unreadable"))
    run_ids = sorted({run_id for run_id, _ in places})
    async with database.transaction() as transaction:
        await transaction.execute(queries()["lock_runs"], run_ids)
        await transaction.execute(
            queries()["close_slices"],
            [run_id for run_id, _ in places],
            [slice_id for _, slice_id in places],
            *columns,
            [json.dumps(one.skipped) for one in counts],
        )
        for row in await transaction.fetch(queries()["run_totals"], run_ids):
            await _declare(transaction, row["run_id"], row["items"])


async def _declare(executor: Executor, run_id: str, items: int) -> None:
    """From now on the run ends with its last item. A rolling batch may still get other sources."""
    if run_id.startswith(ROLLING):
        return
    known = await batch(executor, run_id)
    provider, trace_id = (known.provider, known.trace_id) if known else ("", "")
    await open_batch(executor, NewBatch(run_id, PIPELINE, items, provider=provider, trace_id=trace_id))


async def store_rows(executor: Executor, rows: Sequence[Mapping[str, Any]]) -> None:
    """Store rows, whose keys are the columns, and settle which are duplicates. Part of a transaction."""
    if not rows:
        return
    await executor.execute(queries()["lock_marks"])
    before = await executor.fetch(queries()["fingerprints_of"], [row["extraction_id"] for row in rows])
    await executor.execute(queries()["upsert_corrections"], to_json(rows).decode())
    touched = {row["fingerprint"] for row in before} | {row["fingerprint"] for row in rows}
    await executor.execute(queries()["mark_duplicates"], sorted(touched))


async def roll_back(database: Database, run_id: str) -> int:
    """Delete the rows that a run gave what they say; returns how many. Duplicates of them become messages."""
    async with database.transaction() as transaction:
        await transaction.execute(queries()["lock_marks"])
        gone = await transaction.fetch(queries()["roll_back"], run_id)
        await transaction.execute(queries()["mark_duplicates"], sorted({row["fingerprint"] for row in gone}))
        await transaction.execute(queries()["mark_rolled_back"], run_id)
    return len(gone)


async def count_stored(executor: Executor, run_id: str) -> int:
    """How many rows a rollback would delete."""
    found: int = await executor.fetchval(queries()["count_stored"], run_id)
    return found


async def count_in_table(executor: Executor, run_id: str) -> int:
    """How many of a run's rows are there; fewer than are final if a rollback deleted some, be it of an earlier run."""
    found: int = await executor.fetchval(queries()["count_in_table"], run_id)
    return found


async def count_repaired(executor: Executor, run_id: str) -> int:
    """How many rows came of lines that were repaired and sent in again; a run's slices do not count them."""
    found: int = await executor.fetchval(queries()["count_repaired"], run_id, str(REPAIRED_ROWS))
    return found


async def runs(executor: Executor, limit: int, run_id: str | None = None) -> list[dict[str, Any]]:
    """The newest runs, with what reconciles them."""
    rows = await executor.fetch(queries()["runs"], limit, run_id)
    return [dict(row) | {"skipped": json.loads(row["skipped"])} for row in rows]


async def manifest_of(executor: Executor, run_id: str) -> dict[str, Any]:
    """The manifest of a run; empty if there is none."""
    text = await executor.fetchval(queries()["manifest"], run_id)
    found: dict[str, Any] = json.loads(text) if text else {}
    return found


async def progress_of(executor: Executor, run_id: str, source_id: str) -> RunProgress:
    """How far a run of one source is."""
    (row,) = await executor.fetch(queries()["progress_of_run"], run_id, source_id)
    return RunProgress(row["done"], row["expected"], row["decision"], bool(row["ended"]), row["refused"])


async def statuses_of(executor: Executor, run_id: str) -> list[Record]:
    """status, reason, typed, rows."""
    return await executor.fetch(queries()["statuses_of_run"], run_id)


async def rows_of(executor: Executor, run_id: str) -> AsyncIterator[dict[str, Any]]:
    """The rows of a run in the order of files, sessions and messages, a page at a time."""
    for row in await executor.fetch(queries()["conversations_of_run"], run_id):
        after, end = row["conversation"], row["conversation"] + LAST_INDEX
        while page := await executor.fetch(queries()["rows_of_run"], run_id, after, end, PAGE):
            for found in page:
                yield as_row(found)
            after = page[-1]["extraction_id"]


def as_row(record: Record) -> dict[str, Any]:
    """A stored row, its JSON read."""
    found = dict(record)
    return found | {name: json.loads(found[name]) for name in _JSON_COLUMNS if found.get(name) is not None}
