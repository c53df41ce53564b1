"""Listings on a terminal, in a pipe, or as JSON. What came from outside cannot steer the terminal."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime

import click
from rich import box
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from shared.terminal.shown import duration, printable

PIPE_WIDTH = 240
"""Width of tables that go to a file or a pipe: nothing needs to be cut there."""
LONGEST_CELL = 300
NOTHING = "-"


def print_json(value: object) -> None:
    """One JSON document. Only ASCII, so that no text in it can steer a terminal."""
    click.echo(json.dumps(value, default=_plain, indent=2))


def show(*parts: RenderableType) -> None:
    """Print tables and lines to standard output."""
    console = Console(highlight=False, markup=False, soft_wrap=False)
    if not console.is_terminal:
        console.width = PIPE_WIDTH
    for part in parts:
        console.print(part)


def error_console() -> Console:
    """Standard error, for what is told while a command works."""
    console = Console(stderr=True)
    if not console.is_terminal:
        console.width = PIPE_WIDTH
    return console


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> RenderableType:
    """A table of any values; a line saying so if it would be empty. Numbers stand right."""
    cells = [list(row) for row in rows]
    if not cells:
        return Text(f"{title}: none")
    shown = Table(title=Text(title, style="bold"), title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for place, column in enumerate(columns):
        numeric = any(isinstance(row[place], int | float) and not isinstance(row[place], bool) for row in cells)
        shown.add_column(column, justify="right" if numeric else "left", overflow="fold")
    for row in cells:
        shown.add_row(*(cell(value) for value in row))
    return shown


def facts(title: str, values: Mapping[str, object]) -> RenderableType:
    """Names and values, one a line."""
    shown = Table(title=Text(title, style="bold"), title_justify="left", show_header=False, box=None, pad_edge=False)
    shown.add_column()
    shown.add_column(overflow="fold")
    for name, value in values.items():
        shown.add_row(Text(name.replace("_", " ")), cell(value))
    return shown


def cell(value: object) -> Text:
    """A value as text for people: times in UTC to the second, numbers grouped, foreign text made harmless."""
    match value:
        case None | "":
            return Text(NOTHING, style="dim")
        case bool():
            return Text("yes" if value else "no")
        case int():
            return Text(f"{value:,}")
        case float():
            return Text(f"{value:,.3f}".rstrip("0").rstrip("."))
        case datetime():
            return Text(moment(value))
        case _:
            return Text(printable(str(value), LONGEST_CELL))


def moment(time: datetime) -> str:
    """2026-01-31 23:59:58Z."""
    return time.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def elapsed(milliseconds: float | None) -> str | None:
    """12.3 ms, 1.2 s, 2m05s."""
    if milliseconds is None:
        return None
    if milliseconds < 1_000:
        return f"{milliseconds:.3g} ms"
    seconds = milliseconds / 1_000
    return f"{seconds:.1f} s" if seconds < 60 else duration(seconds)


def dollars(amount: float | None) -> str | None:
    """0.0796: a call costs less than a cent."""
    return None if amount is None else f"{amount:,.4f}"


def percent(share: float | None) -> str | None:
    """99.5 %."""
    return None if share is None else f"{share:.1f} %"


def _plain(value: object) -> object:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Iterable):
        return list(value)
    raise TypeError(f"{type(value).__name__} has no place in JSON")
