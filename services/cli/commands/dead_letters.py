"""`sluice dead-letters`: look at what a stage could not work on, and give it another chance."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

import click

from shared.errors import SluiceError, UsageError
from shared.terminal import options

if TYPE_CHECKING:
    from shared.database import Database
    from shared.database.views import LetterFilter
    from shared.replaying import Replay

T = TypeVar("T")
FILTERS = ("stage", "batch_id", "code", "item_id")


def _filters(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that choose dead letters."""
    for option in (
        click.option("--id", "item_id", metavar="ID", help="Only of this indicator."),
        click.option("--code", help="Only with this reason, such as wrong-schema."),
        click.option("--batch", "batch_id", metavar="BATCH_ID", help="Only of this batch."),
        click.option("--stage", help="Only of this stage, such as classification.family or family."),
    ):
        command = option(command)
    return command


@click.group(name="dead-letters")
def dead_letters() -> None:
    """Records that a stage could not work on: list them, look into one, replay them once the cause is repaired.

    `sluice errors` sums them up. `sluice retry-failed` submits failed indicators anew, from the start of the pipeline.
    """


@dead_letters.command(
    name="list",
    epilog="Examples:\n\n\b\n  sluice dead-letters list --unresolved\n"
    "  sluice dead-letters list --stage family --code handler-error --json",
)
@_filters
@click.option("--unresolved", is_flag=True, help="Only those that nobody has replayed yet.")
@options.limit(50, "dead letters")
@options.as_json
def list_(unresolved: bool, limit: int, as_json: bool, **chosen: str | None) -> None:
    """List dead letters, the newest first."""
    from services.cli.listing import letters
    from shared.database.views import find_dead_letters
    from shared.terminal.printing import print_json, show

    which = _which(chosen, unresolved)
    rows = _ask(lambda database: find_dead_letters(database, limit, which))
    print_json([row._asdict() for row in rows]) if as_json else show(letters.as_table(rows))


@dead_letters.command(epilog="Example: sluice dead-letters show 42 --json | jq -r .payload")
@click.argument("letter_id", type=int, metavar="ID")
@options.as_json
def show(letter_id: int, as_json: bool) -> None:
    """Show one dead letter: what failed and why, headers, payload, and its history.

    A payload that is not UTF-8 is shown in hexadecimal; in JSON `payload_encoding` says which.
    """
    from services.cli.listing import letters
    from shared.terminal import printing

    found = _ask(lambda database: letters.find(database, letter_id))
    printing.print_json(found.as_json()) if as_json else printing.show(*found.as_tables())


@dead_letters.command(
    epilog="Examples:\n\n\b\n  sluice dead-letters replay 42 43\n"
    "  sluice dead-letters replay --stage family --code handler-error --dry-run\n"
    "  sluice dead-letters replay --batch 1f0c6c2e-… --rate 20"
)
@click.argument("ids", nargs=-1, type=int, metavar="[ID]...")
@_filters
@click.option("--limit", type=click.IntRange(min=1), help="At most so many, the oldest first. [default: all]")
@click.option(
    "--rate", type=click.FloatRange(min=0, min_open=True), default=100.0, show_default=True, help="Records a second."
)
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@options.as_json
def replay(ids: tuple[int, ...], limit: int | None, rate: float, dry_run: bool, as_json: bool, **chosen: Any) -> None:
    """Publish dead letters again, as they were, to the input of the stage that failed. Repair the cause first.

    Choose them by ID or by filters, which take those not replayed yet. One that fails again is a new dead letter with
    the same history; after three rounds it is refused. A stage that rejects too many in a row stops, so start with a
    few. Exit code 1: some could not be replayed.
    """
    from shared.terminal.printing import cell, print_json

    which = _which(chosen, unresolved=True)
    if bool(ids) == any(chosen.values()):
        raise UsageError("say which dead letters", remedy="give ids, or one of --stage, --batch, --code, --id")
    done = asyncio.run(_replay(ids, which, limit, rate, dry_run))
    if as_json:
        refused = [{"id": letter, "reason": reason} for letter, reason in done.refused.items()]
        print_json({"replayed": done.replayed, "refused": refused, "dry_run": dry_run})
    else:
        click.echo(f"{'would replay' if dry_run else 'replayed'} {len(done.replayed):,} dead letter(s)")
    for letter, reason in done.refused.items():
        click.echo(f"{letter}: {cell(reason)}", err=True)
    if done.refused:
        raise SluiceError(f"{len(done.refused):,} dead letter(s) not replayed")


async def _replay(
    ids: tuple[int, ...], which: "LetterFilter", limit: int | None, rate: float, dry_run: bool
) -> "Replay":
    from services.cli.listing import letters
    from shared.broker.producer import Publisher
    from shared.replaying import Replayer
    from shared.settings import Settings
    from shared.terminal.connect import open_broker, open_database

    settings = Settings.load()
    async with open_database(settings) as database:
        chosen = await letters.known(database, ids) if ids else await letters.matching(database, which, limit)
        if dry_run or not chosen:
            return await letters.rehearse(database, chosen)
        async with open_broker(settings) as kafka, Publisher(kafka, kafka.partitions) as publisher:
            return await Replayer(database, publisher, per_second=rate).replay(chosen)


def _which(chosen: dict[str, str | None], unresolved: bool) -> "LetterFilter":
    from shared.database.views import LetterFilter

    return LetterFilter(**{name: chosen[name] for name in FILTERS}, unresolved=unresolved)


def _ask(question: "Callable[[Database], Coroutine[Any, Any, T]]") -> T:
    from shared.settings import Settings
    from shared.terminal.connect import ask

    return asyncio.run(ask(Settings.load(), question))
