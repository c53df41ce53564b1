"""What stands on each line of a file: one walk for whoever looks through it and for whoever extracts its rows."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple

from services.correction.transcripts.formats import adapter_of, recognised
from services.correction.transcripts.records import RawRecord, parsed
from services.correction.transcripts.rows import Adapter, Row, Skipped

BLANK: Final = "blank"
TOO_LONG: Final = "the line is too long"
NOT_AN_OBJECT: Final = "the line is no JSON object"
UNKNOWN_FORMAT: Final = "no format is known whose records look like this"


class Unreadable(ValueError):  # noqa: N818 -- says what a line is
    """A line that is no record, and why. The message holds nothing of the line."""


class Line(NamedTuple):
    """A line, and what it comes to."""

    record: RawRecord
    content: dict[str, Any] | None
    """None for a line that is blank or no JSON object."""
    found: Sequence[Row] | Skipped | Unreadable
    format: str
    """Of the records so far; empty before one is recognised."""
    session: str
    """Of its rows."""
    next_session: str
    """Of the line behind it, if that names none."""


def lines_of(records: Iterable[RawRecord], wanted: str, session: str) -> Iterator[Line]:
    """Each line in order. `wanted`: its format, if that is known; `session`: until a record names another one."""
    adapter = adapter_of(wanted) if wanted else None
    for record in records:
        content, own = None, session
        found: Sequence[Row] | Skipped | Unreadable = Skipped(BLANK)
        try:
            if (content := _parsed(record)) is not None:
                adapter = adapter or recognised(content)
                found, own = _rows(adapter, content, session, record.line)
                session = session if adapter and adapter.one_session_a_record else own
        except Unreadable as error:
            found = error
        yield Line(record, content, found, adapter.name if adapter else "", own, session)


def _parsed(record: RawRecord) -> dict[str, Any] | None:
    """The record of a line; None for a blank one. Raises Unreadable."""
    if record.raw is None:
        raise Unreadable(TOO_LONG)
    if not record.raw.strip():
        return None
    try:
        found = parsed(record.raw)
    except ValueError as error:
        raise Unreadable(f"not valid JSON: {error}") from None
    if not isinstance(found, dict):
        raise Unreadable(NOT_AN_OBJECT)
    return found


def _rows(
    adapter: Adapter | None, record: dict[str, Any], session: str, line: int
) -> tuple[Sequence[Row] | Skipped, str]:
    """The rows of a record, and its session. Raises Unreadable for one that has not the shape of a format."""
    if adapter is None:
        raise Unreadable(UNKNOWN_FORMAT)
    default = f"{session}:{line}" if adapter.one_session_a_record else session
    try:
        return adapter.rows(record), adapter.session_of(record) or default
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError, RecursionError):
        raise Unreadable("the record has not the shape of its format") from None
