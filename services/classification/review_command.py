"""`sluice review`: look at what waits for a person, and decide."""

import asyncio
import getpass
import sys
from collections.abc import Callable, Coroutine, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from schemas.enums import ReviewField
from shared.errors import SluiceError, UsageError
from shared.terminal import options

if TYPE_CHECKING:
    from services.classification.deciding import Made, Wish
    from services.classification.human_reviews import Values
    from shared.database import Database

T = TypeVar("T")
STANDARD_OUTPUT = "-"


def _signed(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that say who decides."""
    command = click.option("--reason", default="", help="Why; kept with the decision and shown in the row.")(command)
    return click.option("--reviewer", metavar="NAME", help="Who decides. [default: your user name]")(command)


@click.group(name="review")
def review() -> None:
    """Decide what the models and rules could not: list what waits, look into it, accept or correct it.

    A decision holds for every later run of the same indicator, as long as its name and units stay what they are, and
    can be exported to train the embedded model with.
    """


@review.command(
    name="list", epilog="Examples:\n\n\b\n  sluice review list --field family\n  sluice review list --below 0.6 --json"
)
@click.option("--batch", "batch_id", metavar="BATCH_ID", help="Only of this batch.")
@click.option("--field", type=click.Choice([field.value for field in ReviewField]), help="Only where it is contested.")
@click.option("--reason", metavar="TEXT", help="Only with this text in the reason.")
@click.option("--below", type=click.FloatRange(0, 1), help="Also those of lower confidence that nobody has looked at.")
@click.option("--failed", is_flag=True, help="Also those whose review failed.")
@options.limit(50, "indicators")
@options.as_json
def list_(as_json: bool, **wanted: Any) -> None:
    """List what waits for a person, the least certain first."""
    from services.classification import review_queue
    from shared.terminal.printing import print_json, show

    rows = _ask(lambda database: review_queue.waiting(database, review_queue.Wanted(**wanted)))
    print_json(rows) if as_json else show(review_queue.as_table(rows))


@review.command(epilog="Example: sluice review show GDP:AW --json | jq .rules")
@click.argument("indicator_id", metavar="ID")
@options.as_json
def show(indicator_id: str, as_json: bool) -> None:
    """Show all that is known about one indicator: facts, values, opinions, rules, reviews, decisions of people."""
    from services.classification import review_queue
    from shared.terminal import printing

    found = _ask(lambda database: review_queue.known(database, indicator_id))
    printing.print_json(found.as_json()) if as_json else printing.show(*found.as_tables())


@review.command(epilog='Example: sluice review accept GDP:AW CPI:AW --reason "checked against the source"')
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@_signed
@options.as_json
def accept(ids: tuple[str, ...], reviewer: str | None, reason: str, as_json: bool) -> None:
    """Say that rows are right as they stand. Exit code 1: some could not be accepted."""
    from services.classification.deciding import Wish

    name = _name(reviewer)
    made, refused = _ask(lambda database: _each(database, [Wish(one, {}, name, reason) for one in dict.fromkeys(ids)]))
    _report(made, refused, as_json)


@review.command(
    epilog="Examples:\n\n\b\n  sluice review correct RATE:AW --set family=price-value --set indicator_type=rate\n"
    "  sluice review correct FX:AW --set is_currency_denominated=false --set detected_currency=null"
)
@click.argument("indicator_id", metavar="ID")
@click.option("--set", "settings", multiple=True, required=True, metavar="FIELD=VALUE", help="Put in this value.")
@click.option("--force", is_flag=True, help="Although rules object.")
@_signed
@options.as_json
def correct(
    indicator_id: str, settings: tuple[str, ...], force: bool, reviewer: str | None, reason: str, as_json: bool
) -> None:
    """Replace values of a row; what is left stands as it is. Currency `null` means none.

    Family and type must be a pair of the taxonomy. If rules object to the result, they are named and nothing is done
    without --force.
    """
    from services.classification.deciding import Wish, decide

    wish = Wish(indicator_id, _fields(settings), _name(reviewer), reason, force)
    _report([_ask(lambda database: decide(database, wish))], {}, as_json)


@review.command(
    name="import",
    epilog="Examples:\n\n\b\n  sluice review import decisions.csv      columns indicator_id, reason, and fields\n"
    '  sluice review import decisions.jsonl    {"indicator_id": "RATE:AW", "fields": {"family": "price-value"}}',
)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FILE")
@click.option("--reviewer", metavar="NAME", help="Who decided, where a line does not say. [default: your user name]")
@click.option("--force", is_flag=True, help="Although rules object.")
@options.as_json
def import_(file: Path, reviewer: str | None, force: bool, as_json: bool) -> None:
    """Make the decisions of a .csv or .jsonl file. A line without fields accepts the row. Exported labels can be read.

    Columns: indicator_id; decision (accept or correct), reviewer and reason if wanted; fields by name, or as an object
    `fields`. Lines that are refused are named and keep no other from being read. Exit code 1: some were refused.
    """
    from services.classification.review_files import import_decisions

    name = _name(reviewer)
    made, refused = _ask(lambda database: import_decisions(database, file, name, force=force))
    _report(made, {f"line {number}": reason for number, reason in refused.items()}, as_json)


@review.command(epilog="Example: sluice review export labels.jsonl && make model LABELS=labels.jsonl")
@click.argument("file", metavar="FILE.jsonl")
def export(file: str) -> None:
    """Write every decision that stands as a labelled row, to train models with. FILE - is standard output."""
    lines = _ask(_labels)
    if file == STANDARD_OUTPUT:
        sys.stdout.writelines(f"{line}\n" for line in lines)
        return
    path = Path(file)
    if not path.parent.is_dir():
        raise UsageError(f"there is no folder {path.parent}", remedy="create it first")
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    click.echo(f"{len(lines):,} labelled row(s) in {path}")


async def _labels(database: "Database") -> list[str]:
    from services.classification.review_files import labels

    return [line async for line in labels(database)]


async def _each(database: "Database", wishes: "Iterable[Wish]") -> "tuple[list[Made], dict[str, str]]":
    from services.classification.deciding import decide

    made, refused = [], {}
    for wish in wishes:
        try:
            made.append(await decide(database, wish))
        except UsageError as error:
            refused[wish.indicator_id] = str(error)
    return made, refused


def _fields(settings: tuple[str, ...]) -> "Values":
    from services.classification.deciding import checked_value
    from services.classification.review_files import field_named, from_text

    fields = {}
    for setting in settings:
        name, equals, text = setting.partition("=")
        if not equals:
            raise UsageError(f"--set {setting} names no value", remedy="write --set FIELD=VALUE")
        field = field_named(name.strip())
        fields[field] = checked_value(field, from_text(field, text.strip()))
    return fields


def _name(reviewer: str | None) -> str:
    if reviewer is not None:
        return reviewer
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container without a name for its user
        return ""


def _report(made: "list[Made]", refused: dict[str, str], as_json: bool) -> None:
    from shared.terminal.printing import cell, print_json

    if as_json:
        print_json({"decisions": [one._asdict() for one in made], "refused": refused})
    for one in made if not as_json else []:
        click.echo(_sentence(one))
    for one in made:
        for objection in one.objections:
            click.echo(f"{cell(one.indicator_id)}: rules object all the same: {cell(objection)}", err=True)
    for which, reason in refused.items():
        click.echo(f"{cell(which)}: {cell(reason)}", err=True)
    if refused:
        raise SluiceError(f"{len(refused):,} decision(s) refused")


def _sentence(made: "Made") -> str:
    from services.classification.reviewing import in_a_sentence
    from shared.terminal.shown import printable

    return in_a_sentence(made._replace(indicator_id=printable(made.indicator_id)))


def _ask(question: "Callable[[Database], Coroutine[Any, Any, T]]") -> T:
    from shared.settings import Settings
    from shared.terminal.connect import ask

    return asyncio.run(ask(Settings.load(), question))
