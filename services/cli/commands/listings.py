"""`sluice batches`, `results`, `errors` and `stats`: what was done, what came out, what went wrong."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

import click

from shared.terminal import options

if TYPE_CHECKING:
    from shared.database import Database

ERROR_VIEWS = ("summary", "indicators", "details", "incomplete", "all")
STATUSES = ("completed", "needs_human", "failed", "pending")
T = TypeVar("T")


@click.command(
    epilog="Examples:\n\n\b\n  sluice batches                the newest\n  sluice batches 1f0c6c2e-…     one, in full\n"
    "  sluice batches --json | jq '.[] | select(.status == \"running\").batch_id'"
)
@click.argument("batch_id", required=False, metavar="[BATCH_ID]")
@options.limit(10, "batches")
@options.as_json
def batches(batch_id: str | None, limit: int, as_json: bool) -> None:
    """List the newest batches, or show one of them in full."""
    from services.cli.listing import batches as listing
    from shared.terminal.printing import print_json, show

    if batch_id is None:
        rows = _ask(lambda database: listing.newest(database, limit))
        print_json(rows) if as_json else show(listing.as_table(rows))
        return
    row = _ask(lambda database: listing.one(database, batch_id))
    print_json(row) if as_json else show(listing.as_facts(row))


@click.command(
    epilog="Examples:\n\n\b\n  sluice results --family price-value --limit 100\n"
    "  sluice results --batch 1f0c6c2e-… --status needs_human\n"
    "  sluice results --json --limit 1000 | jq '.rows[] | [.indicator_id, .family]'"
)
@click.option("--batch", "batch_id", metavar="BATCH_ID", help="Only items of this batch, in the order of submission.")
@options.limit(25, "rows")
@click.option("--family", help="Only this family, such as physical-fundamental.")
@click.option("--type", "indicator_type", help="Only this type, such as flow.")
@click.option("--status", type=click.Choice(STATUSES), help="Only items of this status.")
@options.as_json
def results(limit: int, as_json: bool, **chosen: str | None) -> None:
    """Show results: how many there are, by status, family, type and review, and then the rows.

    Without --batch these are the newest classifications of all indicators.
    """
    from services.cli.listing import results as listing
    from shared.terminal.printing import print_json, show

    found = _ask(lambda database: listing.find(database, limit, **chosen))
    print_json(found.as_json()) if as_json else show(*found.as_tables())


@click.command(
    epilog="Examples:\n\n\b\n  sluice errors                       how often each stage failed, and why\n"
    "  sluice errors indicators            which indicators failed, and whether they still do\n"
    "  sluice errors details --id GDP:AW   every failure of one indicator\n"
    "  sluice errors incomplete            items with neither a result nor a failure\n"
    "  sluice dead-letters show 42         one failure with its payload"
)
@click.argument("view", type=click.Choice(ERROR_VIEWS), default="summary", metavar="[VIEW]")
@click.option("--batch", "batch_id", metavar="BATCH_ID", help="Only this batch.")
@click.option("--id", "indicator_id", metavar="ID", help="Only this indicator.")
@options.limit(50, "rows of each list")
@options.as_json
def errors(view: str, batch_id: str | None, indicator_id: str | None, limit: int, as_json: bool) -> None:
    """Show failures. VIEW is summary (the default), indicators, details, incomplete or all of these.

    An indicator that failed and has got a result since, by a replay or in a later batch, says so.
    """
    from services.cli.listing import errors as listing
    from shared.terminal.printing import print_json, show

    views = listing.VIEWS if view == "all" else (view,)
    found = _ask(lambda database: listing.find(database, views, limit, batch_id, indicator_id))
    print_json(listing.as_json(found)) if as_json else show(*listing.as_tables(found))


@click.command(
    epilog="Examples:\n\n\b\n  sluice stats\n  sluice stats --limit 50 --below 0.9\n  sluice stats --json | jq .overall"
)
@options.limit(10, "batches, and rows of the list of low confidence")
@click.option(
    "--below", type=click.FloatRange(0, 1), default=0.7, show_default=True, help="Confidence that counts as low."
)
@click.option(
    "--minutes", type=click.IntRange(min=1), default=10, show_default=True, help="Span of the stage activity."
)
@options.as_json
def stats(limit: int, below: float, minutes: int, as_json: bool) -> None:
    """Show statistics: totals, recent batches, models, throughput, stages, counts by result, low confidence."""
    from services.cli.listing import statistics as listing
    from shared.terminal.printing import print_json, show

    found = _ask(lambda database: listing.gather(database, limit, below, minutes))
    print_json(found.as_json()) if as_json else show(*found.as_tables())


def _ask(question: "Callable[[Database], Coroutine[Any, Any, T]]") -> T:
    from shared.settings import Settings
    from shared.terminal.connect import ask

    return asyncio.run(ask(Settings.load(), question))
