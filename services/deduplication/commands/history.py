"""`sluice dedupe history`: what happened to groups, over runs and between them."""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from shared.errors import UsageError
from shared.settings import Settings
from shared.terminal import options

if TYPE_CHECKING:
    from services.deduplication.increments.lineage import Entry


@click.command(
    epilog="Examples:\n\n\b\n"
    "  sluice dedupe history 8f0c2a3b9d3e11aa    one group, and where its records are now\n"
    "  sluice dedupe history --json | jq '.[] | select(.change == \"merged\")'"
)
@click.argument("group_id", metavar="[GROUP]", required=False)
@click.option("--run", "run_id", metavar="RUN", default="latest", show_default=True, help="Up to this one.")
@options.as_json
def history(group_id: str | None, run_id: str, as_json: bool) -> None:
    """Show what happened to a group, or to all: new ones, records that joined, merges, splits.

    A run knows the groups before it if it was told to follow another one (`--after`).
    """
    from services.deduplication.increments.lineage import Entry, of_group
    from shared.terminal.printing import print_json, show, table

    found = asyncio.run(_history(Settings.load(), run_id))
    if group_id:
        found, now = of_group(found, group_id)
        if not found:
            raise UsageError(f"nothing ever happened to group {group_id!r}", remedy="without a group all are shown")
    if as_json:
        print_json([one._asdict() for one in found])
        return
    show(table("History", Entry._fields, found))
    if group_id and now != group_id:
        show(f"Its records are in {now} now" if now else "It is gone")


async def _history(settings: Settings, name: str) -> "Sequence[Entry]":
    from services.deduplication.increments.lineage import history, run_named
    from services.deduplication.runs.shards import place_of
    from services.deduplication.runs.storage import Storage
    from shared.terminal.connect import open_database

    async with open_database(settings) as database:
        run = await run_named(database, name)
        return await history(database, Storage(place_of(settings)), run)
