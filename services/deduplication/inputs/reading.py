"""Tables of text from CSV and Excel files, with a number for every row."""

import codecs
import csv
import io
import re
import sys
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from services.deduplication.inputs.workbook import SUFFIXES, sheet_rows
from shared.errors import UsageError

if TYPE_CHECKING:
    from _csv import Reader

ROW, FLAW = "row", "flaw"
"""Columns that come first: the number of the row from 0, and what is wrong with it as a whole, if anything."""

SLICE_ROWS = 100_000
UNCLOSED = "unclosed_quote"
"""Flaw of a row in which a quote is opened and not closed again."""

_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_SAMPLE = 1_000
_DELIMITERS = ",;\t|"
_HEAD = 1_000_000
_SAID = re.compile(rb"sep=([,;\t|:~^])\r?\n", re.IGNORECASE)
_QUOTED = re.compile(rb'"[^"]*"')

FlawedRow = tuple[list[str], str | None]
"""Cells of a row, and what is wrong with it as a whole, if anything."""


def read_table(data: bytes, file_name: str, sheet: str | None = None) -> pa.Table:
    """All rows of a file as text; of a workbook, those of one sheet. Raises UsageError."""
    is_workbook = PurePath(file_name).suffix.lower() in SUFFIXES
    if sheet is not None and not is_workbook:
        raise UsageError(f"{file_name} has no sheets", remedy="leave out --sheet")
    table = _read_excel(data, file_name, sheet) if is_workbook else _read_csv(data, file_name)
    if not table.num_rows:
        raise UsageError(f"{file_name} holds no rows below its headers")
    return table.add_column(0, ROW, pa.array(range(table.num_rows), pa.int64()))


def slices(table: pa.Table, rows: int = SLICE_ROWS) -> list[pa.Table]:
    """The table in slices, one for each part of the steps that are divided by input."""
    return [table.slice(start, rows).combine_chunks() for start in range(0, table.num_rows, rows)]


def unique_headers(headers: Iterable[str]) -> list[str]:
    """Headers that differ from each other and from the columns that come first; blank ones get their number."""
    named = (header.replace("\0", "").strip() for header in headers)  # no database has a text with NUL
    return distinct((header or f"column {number}" for number, header in enumerate(named, 1)), (ROW, FLAW))


def distinct(names: Iterable[str], taken: Iterable[str]) -> list[str]:
    """Names that differ from each other and from those taken: what repeats is numbered."""
    seen, repeats, found = set(taken), Counter[str](), list[str]()
    for wanted in names:
        name = wanted
        while name in seen:
            repeats[wanted] += 1
            name = f"{wanted} ({repeats[wanted] + 1})"
        seen.add(name)
        found.append(name)
    return found


def _read_csv(data: bytes, file_name: str) -> pa.Table:
    text, delimiter = _delimited(_utf8(data).lstrip(b" \r\n"))  # blank lines may come before the headers
    try:
        said = next(_rows(_lines(text), delimiter), [])
    except csv.Error as error:
        raise UsageError(f"the headers of {file_name} cannot be read: {error}") from error
    if not said:
        return _table((), ["column 1"])
    headers = unique_headers(said)
    if any("\0" in header for header in said):  # Arrow would skip a row more
        return _careful(text, headers, delimiter)
    try:
        table = _fast(text, headers, delimiter)
    except pa.ArrowInvalid:  # rows of other lengths than the headers, or a cell that is longer than a block
        return _careful(text, headers, delimiter)
    return _careful(text, headers, delimiter) if _runs_on(table, text, delimiter) else table


def _delimited(text: bytes) -> tuple[bytes, str]:
    """The text from its headers on, and what is between cells: as a line `sep=;` says, else as the headers have it."""
    if said := _SAID.match(text):
        return text[said.end() :], said[1].decode()
    headers = _QUOTED.sub(b"", text[:_HEAD]).partition(b"\n")[0]
    return text, max(_DELIMITERS, key=lambda one: headers.count(one.encode()))


def _lines(text: bytes) -> Iterator[str]:
    return iter(io.TextIOWrapper(io.BytesIO(text), encoding="utf-8", newline=""))


def _rows(lines: Iterable[str], delimiter: str, *, strict: bool = True) -> "Reader":
    csv.field_size_limit(sys.maxsize)  # the whole file is in memory, so no cell is too big for it
    return csv.reader(lines, delimiter=delimiter, strict=strict)


def _utf8(data: bytes) -> bytes:
    """The text in UTF-8 without a mark; lines that are no Unicode are read as Windows writes them."""
    if encoding := _utf16(data):
        return data.decode(encoding, errors="replace").encode()
    data = data.removeprefix(codecs.BOM_UTF8)
    try:
        data.decode()
    except UnicodeDecodeError:
        return b"".join(map(_utf8_line, data.splitlines(keepends=True)))
    return data


def _utf16(data: bytes) -> str | None:
    """The kind of UTF-16 that it is, if any: by its mark, or by the zeros of every other byte of its beginning."""
    if data.startswith(_UTF16):
        return "utf-16"
    even, odd = data[:_SAMPLE:2], data[1:_SAMPLE:2]
    for name, high, low in (("utf-16-le", odd, even), ("utf-16-be", even, odd)):
        if 2 * high.count(0) > len(high) and not low.count(0):
            return name
    return None


def _utf8_line(line: bytes) -> bytes:
    try:
        line.decode()
    except UnicodeDecodeError:
        return line.decode("cp1252", errors="replace").encode()
    return line


def _fast(text: bytes, headers: Sequence[str], delimiter: str) -> pa.Table:
    table = pa_csv.read_csv(
        io.BytesIO(text),
        pa_csv.ReadOptions(column_names=headers, skip_rows_after_names=1, use_threads=False),
        pa_csv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
        pa_csv.ConvertOptions(
            column_types=dict.fromkeys(headers, pa.string()), strings_can_be_null=True, null_values=[""]
        ),
    )
    return table.add_column(0, FLAW, pa.nulls(table.num_rows, pa.string()))


def _runs_on(table: pa.Table, text: bytes, delimiter: str) -> bool:
    """Whether a quote that is never closed, or closed by that of another cell, has swallowed lines."""
    columns = (table[name] for name in table.column_names if name != FLAW)
    if not any(pc.any(pc.match_substring_regex(column, r"[\r\n]")).as_py() for column in columns):
        return False
    try:
        deque(_rows(_lines(text), delimiter), maxlen=0)
    except csv.Error:
        return True
    return False


def _careful(text: bytes, headers: Sequence[str], delimiter: str) -> pa.Table:
    rows = _recovered(list(_lines(text)), delimiter)
    next(rows)
    return _table(rows, headers)


def _recovered(lines: Sequence[str], delimiter: str) -> Iterator[FlawedRow]:
    """Rows with what is wrong with them. One whose quotes are out of order ends with its line, and takes no other."""
    place = 0
    while place < len(lines):
        reader = _rows(map(lines.__getitem__, range(place, len(lines))), delimiter)
        read = 0
        try:
            for row in reader:
                read = reader.line_num
                yield row, None
        except csv.Error:
            yield _of_line(lines[place + read], delimiter)
            read += 1
        place += read


def _of_line(line: str, delimiter: str) -> FlawedRow:
    """A line by itself, with whatever its quotes are."""
    row = next(_rows([line.rstrip("\r\n") + "\n"], delimiter, strict=False))
    return row, UNCLOSED if row and row[-1].endswith("\n") else None


def _table(rows: Iterable[FlawedRow], headers: Sequence[str]) -> pa.Table:
    """Rows of any length: what is missing at the end is blank, what is too much makes the row a flawed one."""
    kept, flaws = [], []
    for row, flaw in rows:
        if not row:
            continue
        too_long = any(cell for cell in row[len(headers) :])
        flaws.append(flaw or (f"{len(row)}_cells_for_{len(headers)}_columns" if too_long else None))
        kept.append([cell or None for cell in (*row, *[""] * len(headers))][: len(headers)])
    columns = [pa.array([row[place] for row in kept], pa.string()) for place in range(len(headers))]
    return pa.table([pa.array(flaws, pa.string()), *columns], names=[FLAW, *headers])


def _read_excel(data: bytes, file_name: str, sheet: str | None) -> pa.Table:
    headers, *rows = sheet_rows(data, file_name, sheet) or [[]]
    return _table(((row, None) for row in rows if any(row)), unique_headers(headers))
