"""`sluice correction-runs`: list runs, verify that nothing was lost, roll one back."""

import asyncio
from typing import TYPE_CHECKING, Any

import click

from shared.errors import UsageError
from shared.settings import Settings
from shared.terminal import options

if TYPE_CHECKING:
    from shared.database import Database

COLUMNS = (
    "run_id",
    "created_at",
    "decision",
    "lines",
    "rows",
    "completed",
    "dead_lettered",
    "cost_usd",
    "ended_at",
    "rolled_back_at",
    "path",
)


@click.group()
def correction_runs() -> None:
    """List runs of `sluice correct`, verify them, roll them back."""


@correction_runs.command(name="list")
@options.limit(20, "runs")
@options.as_json
def list_runs(limit: int, as_json: bool) -> None:
    """The newest runs."""
    from services.correction.store import runs
    from shared.terminal.connect import ask
    from shared.terminal.printing import print_json, show, table

    found = asyncio.run(ask(Settings.load(), lambda database: runs(database, limit)))
    if as_json:
        print_json(found)
    else:
        show(table("Correction runs", COLUMNS, ([run[name] for name in COLUMNS] for run in found)))


@correction_runs.command()
@click.argument("run_id")
@click.option("--warehouse", is_flag=True, help="Also count the rows in the warehouse, which is a query job.")
@options.as_json
def verify(run_id: str, warehouse: bool, as_json: bool) -> None:
    """Check that a run lost nothing: lines = records + skipped + invalid, rows = final rows, and each in the table.

    Exit code 1 if something is wrong; then too if rows were deleted since by rolling back the run that gave them.
    """
    from shared.terminal.connect import ask
    from shared.terminal.printing import facts, print_json, show

    settings = Settings.load()
    found = asyncio.run(ask(settings, lambda database: _verified(database, run_id, settings, warehouse)))
    if as_json:
        print_json(found)
    else:
        show(facts(f"Run {run_id}", found))
    raise SystemExit(0 if found["reconciled"] else 1)


async def _verified(database: "Database", run_id: str, settings: Settings, warehouse: bool) -> dict[str, Any]:
    from services.correction.sinks.quota import taken_today
    from services.correction.store import count_in_table, count_repaired

    run = await _run(database, run_id)
    run["repaired"] = await count_repaired(database, run_id)
    run["in_table"] = await count_in_table(database, run_id)
    lines = run["records"] + sum(run["skipped"].values()) + run["invalid"]
    sums = {
        "every_slice_extracted": run["slices"] == run["slices_extracted"],
        "lines_accounted_for": lines == run["lines"],
        "rows_final": run["completed"] == run["rows"] + run["repaired"],
        "rows_in_table": run["in_table"] == run["completed"],
        "unreadable_in_dead_letters": run["dead_lettered"] == run["invalid"] + run["unreadable"],
    }
    if warehouse:
        sums["rows_in_warehouse"] = await _in_warehouse(database, run_id, settings) == run["stored"]
        run["jobs_of_today"] = dict(await taken_today(database))
    names = ("lines", "records", "rows", "invalid", "repaired", "unreadable", "completed", "in_table", "stored")
    counts = {name: run[name] for name in names}
    more: dict[str, Any] = {name: run[name] for name in ("skipped", "rolled_back_at", "jobs_of_today") if name in run}
    return {**counts, **more, **sums, "reconciled": all(sums.values())}


async def _in_warehouse(database: "Database", run_id: str, settings: Settings) -> int:
    """Raises UsageError if there is none, or if the queries of the day are used up."""
    from services.correction.sinks.making import make_sink
    from services.correction.sinks.quota import take

    correction = settings.correction
    if not correction.bigquery_table:
        raise UsageError("there is no warehouse", remedy="set SLUICE_CORRECTION_BIGQUERY_TABLE")
    sink = make_sink(correction)
    if not await take(database, "query", correction.query_jobs_a_day):
        raise UsageError("the query jobs of today are used up", remedy="try again after midnight UTC")
    return await sink.count(run_id)


@correction_runs.command(name="roll-back")
@click.argument("run_id")
@click.option("--yes", is_flag=True, help="Do not ask.")
def roll_back(run_id: str, yes: bool) -> None:
    """Delete the rows that a run gave what they say. Rows that an earlier run had given the same stay."""
    raise SystemExit(asyncio.run(_roll_back(run_id, yes)))


async def _roll_back(run_id: str, yes: bool) -> int:
    from services.correction import store
    from shared.terminal.connect import open_database

    settings = Settings.load()
    async with open_database(settings) as database:
        await _run(database, run_id)
        count = await store.count_stored(database, run_id)
        if not yes and not click.confirm(f"delete {count:,} rows of run {run_id}?"):
            return 1
        click.echo(f"deleted {await store.roll_back(database, run_id):,} rows")
        if table := settings.correction.bigquery_table:
            click.echo(f"those that were loaded into {table} are still there: delete them by run_id", err=True)
    return 0


async def _run(database: "Database", run_id: str) -> dict[str, Any]:
    """Raises UsageError for a run that nobody knows."""
    from services.correction.store import runs

    found = await runs(database, 1, run_id)
    if not found:
        raise UsageError(f"there is no correction run {run_id}", remedy="`sluice correction-runs list` shows them")
    return found[0]
