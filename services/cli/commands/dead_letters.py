"""`sluice dead-letters`: look at what a stage could not work on, and give it another chance."""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from shared.errors import SluiceError, UsageError
from shared.terminal import options
from shared.terminal.values import Moment, Rate

if TYPE_CHECKING:
    from services.cli.listing.letter_replay import Asked
    from shared.database import Database
    from shared.database.views import LetterFilter
    from shared.replaying import Replay

T = TypeVar("T")
FILTERS = ("stage", "batch_id", "code", "item_id", "since", "until")
FILTER_NAMES = "--stage, --batch, --code, --id, --since, --until"
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
STOPPED = 130
"""What a shell expects of a command that Ctrl-C has ended."""


def _filters(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that choose dead letters."""
    for option in (
        click.option(
            "--until", "--older-than", "until", type=Moment(), help="Failed before this time, or longer ago than this."
        ),
        click.option(
            "--since", type=Moment(), help="Failed since this time (2026-03-01T12:30), or within this age (90m, 7d)."
        ),
        click.option("--id", "item_id", metavar="ID", help="Only of this indicator."),
        click.option("--code", help="Only with this reason, such as wrong-schema."),
        click.option("--batch", "batch_id", metavar="BATCH_ID", help="Only of this batch."),
        click.option("--stage", help="Only of this stage, such as classification.family or family."),
    ):
        command = option(command)
    return command


@click.group(name="dead-letters")
def dead_letters() -> None:
    """Records that a stage could not work on: list them, look into one, replay or purge them.

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
def list_(unresolved: bool, limit: int, as_json: bool, **chosen: Any) -> None:
    """List dead letters, the newest first."""
    from services.cli.listing import letters
    from shared.database.views import find_dead_letters
    from shared.terminal.printing import print_json, show

    which = _which(chosen, unresolved=unresolved)
    rows = _ask(lambda database: find_dead_letters(database, limit, which))
    print_json([row._asdict() for row in rows]) if as_json else show(letters.as_table(rows))


@dead_letters.command(epilog="Example: sluice dead-letters show 42 --json | jq -r .payload")
@click.argument("letter_id", type=int, metavar="ID")
@options.as_json
def show(letter_id: int, as_json: bool) -> None:
    """Show one dead letter: what failed and why, headers, payload, its history, and what the stages did to the item.

    A payload that is not UTF-8 is shown in hexadecimal; in JSON `payload_encoding` says which.
    """
    from services.cli.listing import letters
    from shared.replaying.letters import find_letter
    from shared.terminal import printing

    found = _ask(lambda database: find_letter(database, letter_id))
    printing.print_json(found.as_json()) if as_json else printing.show(*letters.as_tables(found))


@dead_letters.command(
    epilog="Examples:\n\n\b\n  sluice dead-letters replay 42 43\n"
    "  sluice dead-letters replay --stage family --code handler-error --dry-run\n"
    "  sluice dead-letters replay --batch 1f0c6c2e-… --rate 20/s\n"
    "  sluice dead-letters replay 42 --set units='USD Million'"
)
@click.argument("ids", nargs=-1, type=int, metavar="[ID]...")
@_filters
@click.option("--limit", type=click.IntRange(min=1), help="At most so many, the oldest first. [default: all]")
@click.option("--rate", type=Rate(), default=100.0, show_default="100/s", help="Records a second.")
@click.option("--set", "assignments", multiple=True, metavar="FIELD=VALUE", help="Change a field of the payload first.")
@click.option("--payload", type=FILE, help="Replay with the content of this file as its payload.")
@click.option("--edit", "in_editor", is_flag=True, help="Edit the payload in $EDITOR first.")
@click.option("--force", is_flag=True, help="However often these IDs have been replayed.")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@options.as_json
def replay(ids: tuple[int, ...], dry_run: bool, as_json: bool, **chosen: Any) -> None:
    """Publish dead letters again, as they were, to the input of the stage that failed. Repair the cause first.

    Choose them by ID or by filters, which take those not replayed yet. One that fails again is a new dead letter with
    the same history; after SLUICE_DEAD_LETTER_REPLAYS rounds it is refused. A stage that rejects too many in a row
    stops, so start with a few.

    An edited payload is checked as the stage will check it, and kept beside the one that failed. Ctrl-C stops between
    two records; the same command goes on. Exit code 1: some could not be replayed; 130: stopped.
    """
    from shared.terminal.printing import cell, print_json

    done = asyncio.run(_replay(_asked(ids, dry_run, chosen)))
    if as_json:
        refused = [{"id": letter, "reason": reason} for letter, reason in done.refused.items()]
        print_json({"replayed": done.replayed, "refused": refused, "dry_run": dry_run, "stopped": done.stopped})
    else:
        click.echo(f"{'would replay' if dry_run else 'replayed'} {len(done.replayed):,} dead letter(s)")
    for letter, reason in done.refused.items():
        click.echo(f"{letter}: {cell(reason)}", err=True)
    if done.stopped:
        click.echo("stopped; the others are as they were, and the same command goes on with them", err=True)
        raise SystemExit(STOPPED)
    if done.refused:
        raise SluiceError(f"{len(done.refused):,} dead letter(s) not replayed")


@dead_letters.command(
    epilog="Examples:\n\n\b\n  sluice dead-letters purge --resolved --older-than 30d\n"
    "  sluice dead-letters purge --batch 1f0c6c2e-… --dry-run"
)
@click.argument("ids", nargs=-1, type=int, metavar="[ID]...")
@_filters
@click.option("--resolved", is_flag=True, help="Only those that have been replayed.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@options.as_json
def purge(ids: tuple[int, ...], resolved: bool, yes: bool, dry_run: bool, as_json: bool, **chosen: Any) -> None:
    """Remove dead letters for good, with their payloads.

    Their items stay failed and the counts of their batches as they are; `sluice retry-failed` still submits them.
    """
    from shared.terminal.printing import print_json

    which = _which(chosen, resolved=resolved)
    if bool(ids) == (any(chosen.values()) or resolved):
        raise UsageError("say which dead letters", remedy=f"give ids, or one of {FILTER_NAMES}, --resolved")
    purged = asyncio.run(_purge(ids, which, dry_run, yes))
    if as_json:
        print_json({"purged": purged, "dry_run": dry_run})
    else:
        click.echo(f"{'would purge' if dry_run else 'purged'} {len(purged):,} dead letter(s)")


def _asked(ids: tuple[int, ...], dry_run: bool, chosen: dict[str, Any]) -> "Asked":
    """What the options of `replay` mean. Raises UsageError if they contradict each other."""
    from services.cli.listing.letter_edits import chosen_edit
    from services.cli.listing.letter_replay import Asked

    if bool(ids) == any(chosen[name] for name in FILTERS):
        raise UsageError("say which dead letters", remedy=f"give ids, or one of {FILTER_NAMES}")
    if chosen["force"] and not ids:
        raise UsageError("--force is for dead letters that somebody has looked at", remedy="give their ids")
    edit = chosen_edit(chosen["assignments"], chosen["payload"], in_editor=chosen["in_editor"], letters=len(ids))
    which = _which(chosen, unresolved=True)
    return Asked(ids, which, chosen["limit"], chosen["rate"], edit, force=chosen["force"], dry_run=dry_run)


async def _replay(asked: "Asked") -> "Replay":
    from services.cli.listing.letter_replay import carry_out
    from shared.settings import Settings

    return await carry_out(Settings.load(), asked)


async def _purge(ids: tuple[int, ...], which: "LetterFilter", dry_run: bool, yes: bool) -> list[int]:
    from services.cli.listing import letters
    from shared.settings import Settings
    from shared.terminal.connect import open_database

    async with open_database(Settings.load()) as database:
        chosen = await letters.to_purge(database, ids, which)
        if chosen.ids and not dry_run and not yes:
            click.confirm(chosen.question(), abort=True, err=True)
        return chosen.ids if dry_run else await letters.purge(database, chosen.ids)


def _which(chosen: dict[str, Any], *, unresolved: bool = False, resolved: bool = False) -> "LetterFilter":
    from shared.database.views import LetterFilter

    return LetterFilter(**{name: chosen[name] for name in FILTERS}, unresolved=unresolved, resolved=resolved)


def _ask(question: "Callable[[Database], Coroutine[Any, Any, T]]") -> T:
    from shared.settings import Settings
    from shared.terminal.connect import ask

    return asyncio.run(ask(Settings.load(), question))
