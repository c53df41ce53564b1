"""Tables of text from CSV and Excel files, with a number for every row."""

import codecs
import csv
import io
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from pathlib import PurePath

import pyarrow as pa
import pyarrow.csv as pa_csv
from python_calamine import CalamineError, CalamineWorkbook

from shared.errors import UsageError

ROW, FLAW = "row", "flaw"
"""Columns that come first: the number of the row from 0, and what is wrong with it as a whole, if anything."""

SLICE_ROWS = 100_000
HEADER_BYTES = 1 << 16

_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_DELIMITERS = ",;\t|"
_EXCEL = (".xlsx", ".xls", ".xlsm", ".xlsb")

Cell = int | float | str | bool | time | date | datetime | timedelta


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


def unique_headers(headers: Sequence[str]) -> list[str]:
    """Headers that differ from each other and from the columns that come first; blank ones get their number."""
    found: list[str] = []
    for number, header in enumerate(headers, 1):
        wanted = header.strip() or f"column {number}"
        name, again = wanted, 1
        while name in (ROW, FLAW, *found):
            name, again = f"{wanted} ({again + 1})", again + 1
        found.append(name)
    return found


def _read_csv(data: bytes) -> pa.Table:
    text = _utf8(data)
    first = text[:HEADER_BYTES].decode(errors="ignore")
    delimiter = max(_DELIMITERS, key=first.partition("\n")[0].count)
    try:
        headers = unique_headers(next(_rows(first, delimiter), []))
        return _fast(text, headers, delimiter) if headers else _table(iter(()), ["column 1"])
    except pa.ArrowInvalid:  # rows of other lengths than the headers
        return _careful(text, headers, delimiter)
    except csv.Error as error:
        raise UsageError(f"this is no readable CSV file: {error}") from error


def _rows(text: str, delimiter: str) -> Iterator[list[str]]:
    return csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)


def _utf8(data: bytes) -> bytes:
    """The text in UTF-8 without a mark; what is no Unicode is read as Windows writes it."""
    encoding = next((name for bom, name in _BOMS if data.startswith(bom)), "utf-8")
    try:
        text = data.decode(encoding)
        return data if encoding == "utf-8" else text.encode()
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace").encode()


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


def _careful(text: bytes, headers: Sequence[str], delimiter: str) -> pa.Table:
    rows = _rows(text.decode(), delimiter)
    try:
        next(rows)
        return _table((row for row in rows if row), headers)
    except csv.Error as error:
        raise UsageError(f"this is no readable CSV file: {error}") from error


def _table(rows: Iterator[Sequence[str]], headers: Sequence[str]) -> pa.Table:
    """Rows of any length: what is missing at the end is blank, what is too much makes the row a flawed one."""
    kept, flaws = [], []
    for row in rows:
        too_long = any(cell for cell in row[len(headers) :])
        flaws.append(f"{len(row)}_cells_for_{len(headers)}_columns" if too_long else None)
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
    return _table((row for row in texts if any(row)), headers)


def _text(cell: Cell) -> str:
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if isinstance(cell, (date, datetime)):
        return cell.isoformat()
    return str(cell)
