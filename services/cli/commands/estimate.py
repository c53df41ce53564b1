"""`sluice estimate`: what classifying with a language model would take, before anything is spent."""

import asyncio
from typing import TYPE_CHECKING, Any

import click

from services.cli.choosing import Wanted, choosing_options, chosen_rows
from services.cli.inputs import Accepted
from services.cli.providers import wished_provider
from services.cli.taking_over import stand_ins
from shared.settings import Settings
from shared.terminal import options

if TYPE_CHECKING:
    from schemas.indicator import Indicator
    from shared.llm.estimate import Estimate

PIPELINE = "classification"


@click.command(
    epilog="Examples:\n\n\b\n  sluice estimate indicators.csv --provider openai\n"
    "  sluice estimate big.jsonl --provider anthropic --cascade --sample random --limit 1000 --json"
)
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
@click.option("--provider", metavar="P", help="Model that decides. [default: LLM_PROVIDER]")
@click.option("--cascade", is_flag=True, help="Embedded model first; the provider only where that is not sure.")
@click.option("--dedupe", is_flag=True, help="As `classify --dedupe`: ask about one of nearly identical indicators.")
@choosing_options
@options.as_json
def estimate(
    inputs: tuple[str, ...], provider: str | None, cascade: bool, dedupe: bool, as_json: bool, **wanted: Any
) -> None:
    """Say what it would take to classify INPUT: calls, tokens, dollars and time, by question. Spends nothing.

    Rules are worked out here, the embedded model stands in for the answers of the other. Answers that are kept from
    earlier runs count as free if a database is configured, or Sluice's own is running. What earlier calls really took
    corrects the figures. The time is what the limits and the model's latency ask for at least.
    """
    from services.cli import spending
    from shared.terminal.printing import cell, print_json, show

    settings = Settings.load()
    wish = wished_provider(settings.llm, provider, cascade=cascade)
    rows = chosen_rows(inputs, Wanted(**wanted))
    accepted = [row.indicator for row in rows if isinstance(row, Accepted)]
    asked = [accepted[place] for place in dict.fromkeys(stand_ins(accepted))] if dedupe else accepted
    found = asyncio.run(_estimate(asked, settings, wish))
    if as_json:
        print_json({**spending.as_json(found), "rejected": len(rows) - len(accepted)})
        return
    show(spending.as_table(found), cell(spending.in_a_line(found)))
    if rejected := len(rows) - len(accepted):
        click.echo(f"{rejected:,} row(s) cannot be classified and are left out", err=True)


async def _estimate(indicators: "list[Indicator]", settings: Settings, wish: str) -> "Estimate":
    from shared.errors import UsageError
    from shared.llm.estimate import estimator
    from shared.terminal.connect import open_database

    work_out = estimator(PIPELINE)
    try:
        async with open_database(settings, start=False) as database:
            return await work_out(indicators, settings.llm, wish, database)
    except UsageError:
        if settings.database.url:
            raise
        # Nothing of ours runs on this machine: only what is kept there is not known.
    return await work_out(indicators, settings.llm, wish, None)
