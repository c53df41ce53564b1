"""`sluice dedupe-runs`: what runs there are, what they took, and which of them may go."""

import asyncio
from typing import TYPE_CHECKING, Any

import click

from services.deduplication.commands.asking import ask
from services.deduplication.commands.dedupe import RUN_TYPES
from shared.errors import UsageError
from shared.settings import Settings
from shared.terminal import options

if TYPE_CHECKING:
    from services.deduplication.runs.store import Run
    from shared.database import Database

CANDIDATES = 2
"""Exit code of a dry run that has found something, so that a script can ask."""


@click.group(name="dedupe-runs")
def dedupe_runs() -> None:
    """List, show, pin and prune the runs of `sluice dedupe`."""


@dedupe_runs.command(name="list")
@click.option("--run-type", type=click.Choice(RUN_TYPES), help="Only of this type.")
@options.limit(20, "runs")
@options.as_json
def list_(run_type: str | None, limit: int, as_json: bool) -> None:
    """List runs, the newest first."""
    from services.deduplication.runs.store import listed
    from shared.terminal.printing import print_json, show, table

    found = ask(lambda database: listed(database, run_type=run_type, limit=limit))
    if as_json:
        print_json([_shown(run) for run in found])
        return
    columns = list(_shown(found[0])) if found else []
    show(table("Runs", columns, [list(_shown(run).values()) for run in found]))


@dedupe_runs.command(name="show")
@click.argument("run_id", metavar="RUN")
@options.as_json
def show_(run_id: str, as_json: bool) -> None:
    """Show one run: how it went, and what its stages took."""
    from services.deduplication.commands.showing import as_tables
    from services.deduplication.runs.store import find, stages_of
    from services.deduplication.runs.summary import as_json as as_values
    from shared.terminal.printing import print_json, show

    async def look(database: "Database") -> Any:
        return await find(database, run_id), await stages_of(database, run_id)

    run, stages = ask(look)
    print_json(as_values(run, stages)) if as_json else show(*as_tables(run, stages))


@dedupe_runs.command()
@click.argument("run_id", metavar="RUN")
@click.option("--off", is_flag=True, help="It may be pruned again.")
def pin(run_id: str, off: bool) -> None:
    """Keep a run from being pruned."""
    from services.deduplication.runs import store as runs

    if not ask(lambda database: runs.pin(database, run_id, not off)):
        raise UsageError(f"there is no run {run_id!r}", remedy="`sluice dedupe-runs list` lists them")
    click.echo(f"{run_id} {'may be pruned' if off else 'is kept'}")


@dedupe_runs.command(
    epilog="Examples:\n\n\b\n  sluice dedupe-runs prune            say what would go; exit code 2 if anything would\n"
    "  sluice dedupe-runs prune --yes --keep 3 --run-type test"
)
@click.argument("run_ids", nargs=-1, metavar="[RUN]...")
@click.option(
    "--keep", type=click.IntRange(min=0), metavar="N", help="Leave so many. [default: SLUICE_DEDUPE_KEEP_RUNS]"
)
@click.option("--run-type", type=click.Choice(RUN_TYPES), help="Only of this type.")
@click.option("--yes", is_flag=True, help="Remove them, with their files; without this they are only listed.")
def prune(run_ids: tuple[str, ...], keep: int | None, run_type: str | None, yes: bool) -> None:
    """Remove old runs, or those that are named: never one that is running or pinned, nor the latest complete one."""
    settings = Settings.load()
    kept = settings.dedupe.keep_runs if keep is None else keep
    found = asyncio.run(_prune(settings, kept, run_type, list(run_ids) or None, remove=yes))
    for run_id in found:
        click.echo(run_id)
    click.echo(f"{len(found):,} run(s) {'removed' if yes else 'would go; --yes removes them'}", err=True)
    raise SystemExit(CANDIDATES if found and not yes else 0)


async def _prune(
    settings: Settings, keep: int, run_type: str | None, only: list[str] | None, *, remove: bool
) -> list[str]:
    from services.deduplication.runs.pruning import remove_runs
    from services.deduplication.runs.shards import place_of
    from services.deduplication.runs.storage import Storage
    from services.deduplication.runs.store import prunable
    from shared.terminal.connect import open_database

    async with open_database(settings) as database:
        found = await prunable(database, keep, run_type, only)
        return await remove_runs(database, Storage(place_of(settings)), found) if remove else found


def _shown(run: "Run") -> dict[str, Any]:
    return {
        "run": run.run_id,
        "type": run.run_type,
        "status": run.status.value,
        "input": run.input_name,
        "rows": run.rows,
        "started": run.started_at,
        "ended": run.ended_at,
        "pinned": run.pinned,
        "because": run.error,
    }
