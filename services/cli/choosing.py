"""Which rows of the inputs a command works on: the options, and what they choose."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import click

from services.cli.inputs import Accepted, Row, read_indicators
from services.cli.sampling import SampleMode, choose
from shared.errors import UsageError


class Wanted(NamedTuple):
    """The options as given."""

    limit: int | None
    sample: str | None
    seed: int
    ids: tuple[str, ...]


def choosing_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """--limit, --sample, --seed and --id."""
    modes = [mode.value for mode in SampleMode]
    for option in (
        click.option("--id", "ids", multiple=True, metavar="ID", help="Only this indicator; may be given repeatedly."),
        click.option("--seed", type=int, default=0, show_default=True, help="Makes a sample repeatable."),
        click.option("--sample", type=click.Choice(modes), help="How --limit chooses. [default: the first]"),
        click.option("--limit", type=click.IntRange(min=1), help="Take at most so many indicators."),
    ):
        command = option(command)
    return command


def chosen_rows(inputs: Sequence[str], wanted: Wanted) -> list[Row]:
    """The rows, accepted and rejected, in the order of the inputs. Raises UsageError."""
    if wanted.sample and wanted.limit is None:
        raise UsageError("--sample needs --limit", remedy="say how many indicators the sample shall have")
    rows: list[Row] = list(read_indicators(inputs))
    if wanted.ids:
        rows = _only(rows, set(wanted.ids))
    mode = SampleMode(wanted.sample) if wanted.sample else None
    return list(choose(rows, wanted.limit, mode, wanted.seed, _name))


def _only(rows: Sequence[Row], wanted: set[str]) -> list[Row]:
    found: list[Row] = [row for row in rows if _id(row) in wanted]
    if missing := wanted - {_id(row) for row in found}:
        listed = ", ".join(sorted(missing))
        raise UsageError(f"not in the input: {listed}", remedy="compare --id with the indicator_id of the rows")
    return found


def _id(row: Row) -> str | None:
    return row.indicator.indicator_id if isinstance(row, Accepted) else row.indicator_id


def _name(row: Row) -> str:
    return row.indicator.name if isinstance(row, Accepted) else row.name or ""
