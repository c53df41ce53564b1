"""`sluice dedupe explain`: why two accounts are in one group, or why they are not."""

import asyncio
from typing import TYPE_CHECKING

import click

from shared.settings import Settings
from shared.terminal import options

if TYPE_CHECKING:
    from services.deduplication.explain import Explanation

READ = ("survivors", "audit", "names", "tokens", "neighbours")


@click.command(epilog="Example: sluice dedupe explain 001Hs00000000G8 001Hs00000000Gj --json | jq .edge")
@click.argument("id_a", metavar="ID_A")
@click.argument("id_b", metavar="ID_B")
@click.option("--run", "run_id", metavar="RUN", help="As this run had it. [default: the newest complete one]")
@options.as_json
def explain(id_a: str, id_b: str, run_id: str | None, as_json: bool) -> None:
    """Explain why two accounts are in one group, or why they are not: how their names were read and compared."""
    from shared.terminal.printing import facts, print_json, show

    found = asyncio.run(_explain(Settings.load(), id_a, id_b, run_id))
    if as_json:
        print_json(found.as_dict())
        return
    show(found.verdict, *(facts(str(record["account_id"]), record) for record in found.records))
    if found.edge:
        show(facts("Compared", found.edge))
    if found.shared_keys:
        show(f"Shared keys: {', '.join(found.shared_keys)}")


async def _explain(settings: Settings, id_a: str, id_b: str, run_id: str | None) -> "Explanation":
    from services.deduplication.explain import explain as explained
    from services.deduplication.rules import Rules
    from services.deduplication.runs.results import Made
    from services.deduplication.runs.shards import place_of
    from services.deduplication.runs.storage import Storage
    from services.deduplication.runs.store import find, latest, outputs_by_shard
    from shared.terminal.connect import open_database

    async with open_database(settings) as database:
        run = await find(database, run_id) if run_id else await latest(database)
        made = Made(Storage(place_of(settings)), await outputs_by_shard(database, run.run_id))
        rules = Rules.model_validate_json(run.rules)
        found = explained({artifact: made.table(artifact) for artifact in READ}, id_a, id_b, rules)
        return found.with_probability(made.table("calibration"))
