"""CSV and its relatives. The delimiter is the one under which the header makes most sense.

Rows are numbered as a spreadsheet does: the header is row 1.
"""

import csv
import json
from collections.abc import Iterator
from typing import BinaryIO

from services.cli.inputs.cells import embedded
from services.cli.inputs.explaining import NOT_SAVED_AS_UTF8
from services.cli.inputs.headers import Columns, match, unusable
from services.cli.inputs.lines import bounded_lines
from services.cli.inputs.rows import MAX_ROW_BYTES, Candidate, Flawed, Found, UnreadableInput, too_long

DELIMITERS = (",", ";", "\t", "|")


MOST_BYTES = MAX_ROW_BYTES + 2
"""Of a record of several lines; then a quote was not closed."""
REGAINED_BYTES = 4_096


class _Unclosed(csv.Error):
    """A record takes line after line and does not end."""


class _Lines:
    """The lines of a stream as text, remembered while a record is being read, so that a broken one can be undone.

    Each time that lines are given back, the next record may take half as many bytes, and every good one earns some
    back: else a file in which no quote is closed would be read from every line on to its end.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._lines = (line for _, line in bounded_lines(stream))
        self._again: list[bytes] = []
        self._size = 0
        self._room = MOST_BYTES
        self.taken: list[bytes] = []

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = self._again.pop() if self._again else next(self._lines)
        self.taken.append(line)
        self._size += len(line)
        if self._size > self._room and len(self.taken) > 1:
            raise _Unclosed("a quote is not closed")
        return line.decode(errors="surrogateescape")

    def settle(self) -> bytes:
        """What was taken for the record just read."""
        raw = b"".join(self.taken)
        self.taken.clear()
        self._size, self._room = 0, min(MOST_BYTES, self._room + REGAINED_BYTES)
        return raw

    def undo(self) -> bytes:
        """The first line taken; the others will be read again, as records of their own."""
        self._again.extend(reversed(self.taken[1:]))
        raw = self.taken[0] if self.taken else b""
        if len(self.taken) > 1:
            self._room //= 2
        self.taken.clear()
        self._size = 0
        return raw


def read_delimited(stream: BinaryIO, label: str) -> Iterator[Found]:
    """Every record below the header; raises at once if the header names no id or no name."""
    csv.field_size_limit(MAX_ROW_BYTES + 1)  # process-wide; the default would refuse long lists of sample values
    lines = _Lines(stream)
    header = next((line for line in lines if line.strip()), "")
    _check_header(header, label)
    lines.settle()
    delimiter, columns = _best_reading(header)
    if not columns.usable:
        raise unusable(label, _split(header, delimiter), "column")
    return _records(lines, delimiter, columns)


def _check_header(header: str, label: str) -> None:
    try:
        header.encode()
    except UnicodeEncodeError:
        raise UnreadableInput(label, "the header is not UTF-8 text", NOT_SAVED_AS_UTF8[1]) from None


def _split(header: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([header], delimiter=delimiter), [])
    except csv.Error:
        return []


def _best_reading(header: str) -> tuple[str, Columns]:
    readings = [(delimiter, match(_split(header, delimiter))) for delimiter in DELIMITERS]
    return max(readings, key=lambda reading: (reading[1].usable, reading[1].recognised, len(reading[1].keys)))


def _records(lines: _Lines, delimiter: str, columns: Columns) -> Iterator[Found]:
    reader, number = csv.reader(lines, delimiter=delimiter, strict=True), 1
    while True:
        number += 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            # An unclosed quote swallows the rows below it: give them back, and start afresh behind the bad one.
            yield _unparsable(number, lines.undo(), error)
            reader = csv.reader(lines, delimiter=delimiter, strict=True)
            continue
        raw = lines.settle()
        if any(cell.strip() for cell in cells):
            yield _record(number, cells, raw, columns)


def _unparsable(number: int, raw: bytes, error: csv.Error) -> Flawed:
    if len(raw) > MAX_ROW_BYTES:
        return too_long(number, raw)
    reason = f"the cells of the row cannot be told apart ({error})"
    return Flawed(number, reason, "close every quote, and double quotes inside a cell", raw.rstrip(b"\r\n"))


def _record(number: int, cells: list[str], raw: bytes, columns: Columns) -> Found:
    raw = raw.rstrip(b"\r\n")
    if len(raw) > MAX_ROW_BYTES:
        return too_long(number, raw)
    width = len(columns.keys)
    if any(cell.strip() for cell in cells[width:]):
        reason = f"the row has {len(cells)} cells, the header {width}"
        return Flawed(number, reason, "put cells that contain the delimiter in double quotes", raw)
    fields = {key: cell for key, cell in zip(columns.keys, cells, strict=False) if cell.strip()}
    try:
        document = json.dumps(embedded(fields), ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return Flawed(number, *NOT_SAVED_AS_UTF8, raw)
    except ValueError as error:
        return Flawed(number, str(error), 'write a JSON list: [{"date": "2024-01", "value": 1.5}]', raw)
    return Candidate(number, document, raw)
