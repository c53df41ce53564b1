"""`sluice dedupe clusters`: another view of a run, by how alike names are alone."""

import asyncio
import csv
import sys
from typing import TYPE_CHECKING, Literal

import click

from shared.settings import Settings

if TYPE_CHECKING:
    from services.deduplication.similar import Similar


@click.command(epilog="Example: sluice dedupe clusters --threshold 95 --policy single > clusters.csv")
@click.option("--run", "run_id", metavar="RUN", default="latest", show_default=True, help="Of this one.")
@click.option("--threshold", type=click.IntRange(1, 100), default=92, show_default=True, help="Score of a match.")
@click.option(
    "--policy",
    type=click.Choice(["complete", "single"]),
    default="complete",
    show_default=True,
    help="Every two match, or a chain of matches leads from each to each.",
)
def clusters(run_id: str, threshold: int, policy: Literal["complete", "single"]) -> None:
    """Print the clusters of a run's records at a threshold as CSV, beside the groups that they are in.

    Legal forms and sizes keep nothing apart here. Records in no cluster come last, without a number. A run keeps the
    scores from its threshold `medium` on; below that none is known.
    """
    from services.deduplication.similar import Similar
    from shared.terminal.shown import spreadsheet_text

    found = asyncio.run(_clusters(Settings.load(), run_id, threshold, policy))
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(Similar._fields)
    writer.writerows([spreadsheet_text(str("" if value is None else value)) for value in one] for one in found)


async def _clusters(
    settings: Settings, name: str, threshold: int, policy: Literal["complete", "single"]
) -> "list[Similar]":
    from services.deduplication.increments.lineage import run_named
    from services.deduplication.rules import Rules
    from services.deduplication.runs.results import Made
    from services.deduplication.runs.shards import place_of
    from services.deduplication.runs.storage import Storage
    from services.deduplication.runs.store import outputs_by_shard
    from services.deduplication.similar import READ, similar
    from shared.errors import UsageError
    from shared.terminal.connect import open_database

    async with open_database(settings) as database:
        run = await run_named(database, name)
        least = Rules.model_validate_json(run.rules).medium
        if threshold < least:
            raise UsageError(f"run {run.run_id} keeps no scores below {least}", remedy=f"--threshold {least} or more")
        made = Made(Storage(place_of(settings)), await outputs_by_shard(database, run.run_id))
        return similar({artifact: made.table(artifact) for artifact in READ}, threshold, policy)
