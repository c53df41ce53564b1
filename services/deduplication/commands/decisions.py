"""`sluice dedupe overrides` and `sluice dedupe blacklist`: what people have decided, for every run to come."""

import csv
import getpass
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import click

from services.deduplication.commands.asking import ask
from services.deduplication.commands.input_options import FILE
from shared.terminal import options

_by = click.option("--by", metavar="NAME", default=getpass.getuser, help="Who decides. [default: your user name]")


@click.group()
def overrides() -> None:
    """What is to become of single accounts, whatever the rules say."""


@overrides.command(name="list")
@options.as_json
def list_overrides(as_json: bool) -> None:
    """List them."""
    from services.deduplication import decisions

    _show("Overrides", decisions.Override._fields, ask(decisions.overrides), as_json)


@overrides.command(
    name="set", epilog='Example: sluice dedupe overrides set 001Hs00000000G8IAI Keep --reason "customer"'
)
@click.argument("account_id", metavar="ACCOUNT_ID")
@click.argument("disposition", metavar="DISPOSITION")
@click.option("--reason", default="", help="Why.")
@_by
def set_override(account_id: str, disposition: str, reason: str, by: str) -> None:
    """Decide about one account: Keep, Update, Delete or Verify."""
    from services.deduplication.decisions import Override, checked, decide

    override = checked(Override(account_id, disposition, reason), "the command line")
    ask(lambda database: decide(database, [override], by))


@overrides.command(name="remove")
@click.argument("account_ids", nargs=-1, required=True, metavar="ACCOUNT_ID...")
def remove_overrides(account_ids: tuple[str, ...]) -> None:
    """Leave accounts to the rules again."""
    from services.deduplication.decisions import undecide

    click.echo(f"{len(ask(lambda database: undecide(database, account_ids))):,} removed")


@overrides.command(name="import")
@click.argument("file", type=FILE, metavar="FILE.csv")
@_by
def import_overrides(file: Path, by: str) -> None:
    """Decide as a CSV file says: account_id, disposition and perhaps reason. All of it, or nothing."""
    from services.deduplication.decisions import decide, read_overrides

    read = read_overrides(file)
    ask(lambda database: decide(database, read, by))
    click.echo(f"{len(read):,} imported")


@overrides.command(name="export")
def export_overrides() -> None:
    """Print them as CSV, which `import` reads."""
    from services.deduplication import decisions

    _as_csv(decisions.Override._fields, ask(decisions.overrides))


@click.group()
def blacklist() -> None:
    """Terms that no name of an account may hold."""


@blacklist.command(name="list")
@options.as_json
def list_terms(as_json: bool) -> None:
    """List them."""
    from services.deduplication import decisions

    _show("Blacklist", decisions.Term._fields, ask(decisions.blacklist), as_json)


@blacklist.command(name="add")
@click.argument("terms", nargs=-1, required=True, metavar="TERM...")
@_by
def add_terms(terms: tuple[str, ...], by: str) -> None:
    """Put terms on it; upper and lower case are the same."""
    from services.deduplication import decisions

    ask(lambda database: decisions.add_terms(database, terms, by))


@blacklist.command(name="remove")
@click.argument("terms", nargs=-1, required=True, metavar="TERM...")
def remove_terms(terms: tuple[str, ...]) -> None:
    """Take terms off it."""
    from services.deduplication import decisions

    click.echo(f"{len(ask(lambda database: decisions.remove_terms(database, terms))):,} removed")


@blacklist.command(name="import")
@click.argument("file", type=FILE, metavar="FILE")
@_by
def import_terms(file: Path, by: str) -> None:
    """Put on it the lines of a text file, or the column `term` of a CSV file."""
    from services.deduplication import decisions

    read = decisions.read_terms(file)
    ask(lambda database: decisions.add_terms(database, read, by))
    click.echo(f"{len(set(read)):,} imported")


@blacklist.command(name="export")
def export_terms() -> None:
    """Print them as CSV, which `import` reads."""
    from services.deduplication import decisions

    _as_csv(decisions.Term._fields, ask(decisions.blacklist))


def _show(title: str, columns: Sequence[str], rows: Sequence[Any], as_json: bool) -> None:
    from shared.terminal.printing import print_json, show, table

    print_json([row._asdict() for row in rows]) if as_json else show(table(title, columns, rows))


def _as_csv(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    from shared.terminal.shown import spreadsheet_text

    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([spreadsheet_text(str(value or "")) for value in row] for row in rows)
