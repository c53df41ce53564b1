"""`sluice demo`: ten thousand indicators through every stage, with nothing set up."""

import asyncio
import time
from importlib.resources import files

import click
from rich.console import Console

from shared.settings import EMBEDDED_PROVIDER, Settings

DATA = files("services.cli.demo").joinpath("load_10k.jsonl.gz")
KEY = "demo-1"
"""Idempotency key of the demo's requests: running it again finds what it did before."""


@click.command(epilog="Run it again: what is classified already is not done twice.")
@click.option("--limit", type=click.IntRange(min=1), default=10_000, show_default=True, help="Classify so many.")
@click.option("--again", is_flag=True, help="Do the work anew, overwriting the results of an earlier demo.")
def demo(limit: int, again: bool) -> None:
    """See Sluice work: 10,000 indicators through every stage, over a real broker, into a real PostgreSQL.

    Starts a broker, a database and stage processes of its own, shows progress, prints a summary, stops all. Configured
    servers are left alone.
    """
    raise SystemExit(asyncio.run(_demo(limit, again)))


def _own_servers(settings: Settings) -> Settings:
    """The settings without configured servers: a demo writes into no database but its own."""
    return settings.model_copy(
        update={
            "kafka": settings.kafka.model_copy(update={"bootstrap_servers": None}),
            "database": settings.database.model_copy(update={"url": None}),
        }
    )


async def _demo(limit: int, again: bool) -> int:
    from services.cli.classification_run import fetch_results
    from services.cli.inputs import Accepted, read_indicators
    from services.cli.results import in_input_order
    from services.cli.session import session
    from services.cli.summary import Usage, as_tables, summarise

    started, console = time.monotonic(), Console()
    rows = [row for row in read_indicators([str(DATA)]) if isinstance(row, Accepted)][:limit]
    console.print(f"{len(rows):,} indicators, {len({row.indicator.name for row in rows})} names", highlight=False)
    async with session(_own_servers(Settings.load()), console) as opened:
        ready = time.monotonic()
        with opened.progress() as progress:
            run = opened.new_run(progress, provider=EMBEDDED_PROVIDER, key=None if again else f"{KEY}:{limit}")
            finished = await run.submit_and_wait([(row.indicator.indicator_id, row.raw.decode()) for row in rows])
        elapsed = time.monotonic() - ready
        results = await fetch_results(opened.database, finished)
        place = opened.place()
    summary = summarise(in_input_order(rows, results), Usage(elapsed_seconds=elapsed), {"table": place})
    console.print(as_tables(summary))
    if finished.repeated:
        console.print(
            f"{finished.repeated} of {len(finished.requests)} requests were known from an earlier demo and not done "
            "twice; `sluice demo --again` does them anew",
            highlight=False,
        )
    console.print(
        f"ready after {ready - started:.1f} s; look around with `sluice results`, `sluice batches`, `sluice stats`"
    )
    return 0 if summary.by_status.keys() <= {"completed", "needs_human"} else 1
