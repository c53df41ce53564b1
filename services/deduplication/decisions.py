"""What people have decided for all runs to come: what is to become of accounts, and terms that no name may hold."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from services.deduplication.inputs.account_ids import SHORT, is_id, long_id
from services.deduplication.statements import queries
from shared.database import Executor
from shared.errors import UsageError
from shared.terminal.shown import cell_text

DISPOSITIONS = ("Keep", "Update", "Delete", "Verify")


class Override(NamedTuple):
    """What is to become of an account, whatever the rules say."""

    account_id: str
    disposition: str
    reason: str = ""
    decided_by: str = ""
    decided_at: datetime | None = None


class Term(NamedTuple):
    """A term of the blacklist, in lower case."""

    term: str
    added_by: str = ""
    added_at: datetime | None = None


async def overrides(executor: Executor) -> list[Override]:
    """All that is decided, by account."""
    return [Override(*row) for row in await executor.fetch(queries()["overrides"])]


async def overrides_of(executor: Executor, account_ids: Sequence[str]) -> list[Override]:
    """What is decided about some accounts."""
    return [Override(*row) for row in await executor.fetch(queries()["overrides_of"], account_ids)]


async def decide(executor: Executor, decided: Sequence[Override], by: str) -> None:
    """Decide; the last decision about an account holds."""
    last = {one.account_id: one for one in decided}.values()
    columns = zip(*(one[:3] for one in last), strict=True)
    if last:
        await executor.execute(queries()["set_overrides"], *columns, by)


async def undecide(executor: Executor, account_ids: Sequence[str]) -> list[str]:
    """Leave these accounts to the rules again; those of which something was decided, by ids of either length."""
    long = {long_id(one) for one in account_ids}
    spelt = sorted(long | {one[:SHORT] for one in long})  # earlier releases kept short ids as they were given
    return [row["account_id"] for row in await executor.fetch(queries()["remove_overrides"], spelt)]


async def blacklist(executor: Executor) -> list[Term]:
    """All terms."""
    return [Term(*row) for row in await executor.fetch(queries()["blacklist"])]


async def add_terms(executor: Executor, terms: Iterable[str], by: str) -> None:
    """Put terms on the blacklist."""
    await executor.execute(queries()["add_terms"], sorted({_plain(term) for term in terms} - {""}), by)


async def remove_terms(executor: Executor, terms: Sequence[str]) -> list[str]:
    """Take terms off the blacklist; those that were on it."""
    return [row["term"] for row in await executor.fetch(queries()["remove_terms"], [_plain(term) for term in terms])]


def read_overrides(path: Path) -> list[Override]:
    """Decisions from a CSV file with the columns account_id, disposition (or override) and perhaps reason."""
    rows = _rows(path, ("account_id",), ("disposition", "override"))
    return [_override(row, f"{path}, row {number}") for number, row in enumerate(rows, start=2)]


def read_terms(path: Path) -> list[str]:
    """Terms from a file, one a line, or the column `term` of a CSV file; empty lines are none."""
    if path.suffix.lower() == ".csv":
        return [term for row in _rows(path, ("term",)) if (term := _plain(row["term"]))]
    return [term for line in _text(path).splitlines() if (term := _plain(line))]


def checked(override: Override, where: str) -> Override:
    """An override of an account that can be, with a disposition that there is. Raises UsageError."""
    known = {name.lower(): name for name in DISPOSITIONS}
    disposition = known.get(override.disposition.strip().lower())
    if not (is_id(override.account_id) and disposition):
        raise UsageError(
            f"{where}: {override.account_id or 'no account'} cannot be {override.disposition or 'nothing'!r}",
            remedy=f"name an account_id of 15 or 18 letters and digits, and one of {', '.join(DISPOSITIONS)}",
        )
    return override._replace(account_id=long_id(override.account_id), disposition=disposition)


def _override(row: Mapping[str, str], where: str) -> Override:
    disposition = row.get("disposition") or row.get("override") or ""
    return checked(Override((row.get("account_id") or "").strip(), disposition, row.get("reason") or ""), where)


def _rows(path: Path, *needed: Sequence[str]) -> list[dict[str, str]]:
    """Rows of a CSV file whose cells are as they were before an export made them harmless.

    Of each of `needed` one column has to be there, whatever its case and spaces. Raises UsageError.
    """
    rows = csv.DictReader(io.StringIO(_text(path), newline=""), restkey="", restval="")
    headers = [_plain(header).replace(" ", "_") for header in rows.fieldnames or ()]
    if lacking := [" or ".join(names) for names in needed if not set(names) & set(headers)]:
        raise UsageError(
            f"{path} has no column {', '.join(lacking)}",
            remedy=f"its columns: {', '.join(rows.fieldnames or ['none'])}",
        )
    rows.fieldnames = headers
    return [{name: cell_text(cell) for name, cell in row.items() if name} for row in rows]


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read: {error}", remedy="give a text file in UTF-8") from None


def _plain(term: str) -> str:
    return " ".join((term or "").lower().split())
