"""Tables of text from CSV and Excel files, with a number for every row."""

import codecs
import csv
import io
import sys
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from pathlib import PurePath
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
from python_calamine import CalamineError, CalamineWorkbook

from shared.errors import UsageError

if TYPE_CHECKING:
    from _csv import Reader

ROW, FLAW = "row", "flaw"
"""Columns that come first: the number of the row from 0, and what is wrong with it as a whole, if anything."""

SLICE_ROWS = 100_000
UNCLOSED = "unclosed_quote"
"""Flaw of a row in which a quote is opened and not closed again."""

_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_DELIMITERS = ",;\t|"
_EXCEL = (".xlsx", ".xls", ".xlsm", ".xlsb")

Cell = int | float | str | bool | time | date | datetime | timedelta
FlawedRow = tuple[list[str], str | None]
"""Cells of a row, and what is wrong with it as a whole, if anything."""


def read_table(data: bytes, file_name: str) -> pa.Table:
    """All rows of a file as text; what a cell of Excel holds is written as an export to CSV would."""
    suffix = PurePath(file_name).suffix.lower()
    table = _read_excel(data) if suffix in _EXCEL else _read_csv(data)
    if not table.num_rows:
        raise UsageError(f"{file_name} holds no rows below its headers")
    return table.add_column(0, ROW, pa.array(range(table.num_rows), pa.int64()))


def slices(table: pa.Table, rows: int = SLICE_ROWS) -> list[pa.Table]:
    """The table in slices, one for each part of the steps that are divided by input."""
    return [table.slice(start, rows).combine_chunks() for start in range(0, table.num_rows, rows)]


def unique_headers(headers: Iterable[str]) -> list[str]:
    """Headers that differ from each other and from the columns that come first; blank ones get their number."""
    return distinct((header.strip() or f"column {number}" for number, header in enumerate(headers, 1)), (ROW, FLAW))


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


def _read_csv(data: bytes) -> pa.Table:
    text = _utf8(data).lstrip(b" \r\n")  # blank lines may come before the headers
    first = io.BytesIO(text).readline()
    delimiter = max(_DELIMITERS, key=lambda one: first.count(one.encode()))
    try:
        headers = unique_headers(next(_rows(_lines(text), delimiter), []))
    except csv.Error as error:
        raise UsageError(f"the headers of this CSV file cannot be read: {error}") from error
    if not headers:
        return _table((), ["column 1"])
    try:
        table = _fast(text, headers, delimiter)
    except pa.ArrowInvalid:  # rows of other lengths than the headers, or a cell that is longer than a block
        return _careful(text, headers, delimiter)
    return _careful(text, headers, delimiter) if _runs_on(table, text, delimiter) else table


def _lines(text: bytes) -> Iterator[str]:
    return iter(io.TextIOWrapper(io.BytesIO(text), encoding="utf-8", newline=""))


def _rows(lines: Iterable[str], delimiter: str, *, strict: bool = True) -> "Reader":
    csv.field_size_limit(sys.maxsize)  # the whole file is in memory, so no cell is too big for it
    return csv.reader(lines, delimiter=delimiter, strict=strict)


def _utf8(data: bytes) -> bytes:
    """The text in UTF-8 without a mark; lines that are no Unicode are read as Windows writes them."""
    if data.startswith(_UTF16):
        return data.decode("utf-16", errors="replace").encode()
    data = data.removeprefix(codecs.BOM_UTF8)
    try:
        data.decode()
    except UnicodeDecodeError:
        return b"".join(map(_utf8_line, data.splitlines(keepends=True)))
    return data


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


def _read_excel(data: bytes) -> pa.Table:
    try:
        rows = CalamineWorkbook.from_filelike(io.BytesIO(data)).get_sheet_by_index(0).to_python()
    except CalamineError as error:
        raise UsageError(f"this is no readable Excel file: {error}") from error
    headers = unique_headers([_text(cell) for cell in rows[0]] if rows else [])
    texts = ([_text(cell) for cell in row] for row in rows[1:])
    return _table(((row, None) for row in texts if any(row)), headers)


def _text(cell: Cell) -> str:
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if isinstance(cell, (date, datetime)):
        return cell.isoformat()
    return str(cell)
