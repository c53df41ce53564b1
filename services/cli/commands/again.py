"""`sluice resume` and `sluice retry-failed`: finish what was begun, and give failures another chance."""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click
from rich.console import Console

from shared.errors import UsageError
from shared.settings import Settings

if TYPE_CHECKING:
    from services.cli.session import Session
    from shared.database.ledger import Item

NOT_ALL_COMPLETED = 1


@click.command(epilog="Example: after Ctrl-C in `sluice classify big.jsonl`, run `sluice resume`.")
@click.argument("batches", nargs=-1, metavar="[BATCH_ID]...")
@click.option("--quiet", is_flag=True, help="No progress.")
def resume(batches: tuple[str, ...], quiet: bool) -> None:
    """Publish again what has no result yet, in the given or all unfinished batches, and wait for it.

    Harmless while the first attempt is still under way: an item counts once, however often it arrives.
    """
    raise SystemExit(asyncio.run(_resume(batches, quiet)))


async def _resume(wanted: Sequence[str], quiet: bool) -> int:
    from services.cli.session import classification, session
    from shared.database.ledger import open_batches, pending

    console = Console(stderr=True)
    async with session(Settings.load(), console, quiet=quiet) as opened:
        every = [batch for batch in await open_batches(opened.database) if batch.pending]
        unfinished = [batch for batch in every if batch.pipeline == classification().name]
        if unknown := set(wanted) - {batch.batch_id for batch in unfinished}:
            listed = ", ".join(sorted(unknown))
            raise UsageError(f"not an unfinished batch: {listed}", remedy="`sluice batches` lists them")
        chosen = [batch for batch in unfinished if not wanted or batch.batch_id in wanted]
        if not chosen:
            console.print("nothing to resume: every batch is finished")
            return 0
        with opened.progress() as progress:
            run = opened.new_run(progress)
            for batch in chosen:
                await opened.feeder.resume(batch, await pending(opened.database, batch.batch_id))
            finished = await run.follow(chosen)
        return NOT_ALL_COMPLETED if finished.open or finished.counts()["failed"] else 0


@click.command(name="retry-failed", epilog="Example: sluice retry-failed --batch 1f0c…, once the cause is repaired.")
@click.option("--batch", "batch_id", metavar="BATCH_ID", help="Only failures of this batch.")
@click.option("--limit", type=click.IntRange(min=1), default=10_000, show_default=True, help="At most so many.")
@click.option("--quiet", is_flag=True, help="No progress.")
def retry_failed(batch_id: str | None, limit: int, quiet: bool) -> None:
    """Submit dead-lettered indicators again, as new batches; those that have been classified since are left out.

    Each is submitted with the provider that was asked for before.
    """
    raise SystemExit(asyncio.run(_retry_failed(batch_id, limit, quiet)))


async def _retry_failed(batch_id: str | None, limit: int, quiet: bool) -> int:
    from services.cli.session import session
    from shared.database.failures import failures_to_retry

    console = Console(stderr=True)
    async with session(Settings.load(), console, quiet=quiet) as opened:
        failures = await failures_to_retry(opened.database, batch_id, limit)
        every = [item for items in failures.values() for item in items]
        if unreadable := [item for item in every if not item.payload]:
            console.print(f"{len(unreadable)} were never readable; see `sluice dead-letters list`", highlight=False)
        if len(unreadable) == len(every):
            console.print("nothing to retry")
            return 0
        runs = [await _submit_again(opened, provider, items) for provider, items in failures.items()]
        return max(runs)


async def _submit_again(opened: "Session", provider: str, failed: "Sequence[Item]") -> int:
    """Submit items with the provider that they were submitted with, wait, and return the exit code."""
    rows = [(item.item_id, item.payload) for item in failed if item.payload]
    if not rows:
        return 0
    with opened.progress() as progress:
        finished = await opened.new_run(progress, provider=provider).submit_and_wait(rows)
    return NOT_ALL_COMPLETED if finished.open or finished.failed or finished.counts()["failed"] else 0
