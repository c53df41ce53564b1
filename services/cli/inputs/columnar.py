"""Parquet, a batch of rows at a time. Rows are numbered from 1."""

import json
import math
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from services.cli.inputs.cells import embedded
from services.cli.inputs.headers import Columns, match, unusable
from services.cli.inputs.rows import Candidate, Flawed, Found, UnreadableInput

BATCH_ROWS = 2_048
DAMAGE = (pa.ArrowException, OSError, UnicodeDecodeError)
"""How pyarrow tells of it; names of columns that are not UTF-8 by the last."""


def read_columnar(path: Path, label: str) -> Iterator[Found]:
    """Every row of the file; raises at once if it is no whole Parquet file or has no column for id or name."""
    file, names = _open(path, label)
    columns = match(names)
    if not columns.usable:
        file.close()
        raise unusable(label, names, "column")
    return _rows(file, columns, label)


def row_count(path: Path, label: str) -> int:
    """The number of rows, from the footer."""
    file, _ = _open(path, label)
    with file:
        return int(file.metadata.num_rows)


def _open(path: Path, label: str) -> tuple[pq.ParquetFile, list[str]]:
    """The file and the names of its columns, which may be damaged alone."""
    try:
        file = pq.ParquetFile(path)
        return file, file.schema_arrow.names
    except DAMAGE as error:
        reason = f"this is no whole Parquet file ({_first_line(error)})"
        raise UnreadableInput(label, reason, "write or copy it again") from error


def _rows(file: pq.ParquetFile, columns: Columns, label: str) -> Iterator[Found]:
    number = 0
    with file:
        try:
            for batch in file.iter_batches(batch_size=BATCH_ROWS, use_threads=False):
                for record in _records(batch.rename_columns(list(columns.keys))):
                    number += 1
                    yield _row(number, record)
        except DAMAGE as error:
            reason = f"the Parquet data is damaged behind row {number} ({_first_line(error)})"
            raise UnreadableInput(label, reason, "write or copy it again") from error


def _records(batch: pa.RecordBatch) -> Sequence[dict[str, Any] | Exception]:
    try:
        records: list[dict[str, Any] | Exception] = batch.to_pylist()
        return records
    except (ValueError, OverflowError):  # something Python cannot hold, such as text that is not UTF-8: find its row
        return [_record(batch.slice(position, 1)) for position in range(batch.num_rows)]


def _record(row: pa.RecordBatch) -> dict[str, Any] | Exception:
    try:
        record: dict[str, Any] = row.to_pylist()[0]
        return record
    except (ValueError, OverflowError) as error:
        return error


def _row(number: int, record: dict[str, Any] | Exception) -> Found:
    if isinstance(record, Exception):
        return Flawed(number, f"a value cannot be read ({_first_line(record)})", "write it again as UTF-8 text", b"")
    fields = {key: value for key, value in record.items() if not _absent(value)}
    if "indicator_id" in fields:
        fields["indicator_id"] = _code(fields["indicator_id"])
    try:
        document = _written(embedded(fields))
    except ValueError as error:
        return Flawed(number, _first_line(error), "write a list of structs with date and value", _written(fields))
    return Candidate(number, document, document)


def _written(fields: dict[str, Any]) -> bytes:
    samples = fields.get("sample_values")
    if isinstance(samples, list):
        fields = {**fields, "sample_values": [_dated(sample) for sample in samples]}
    return json.dumps(fields, ensure_ascii=False, default=_plain).encode(errors="backslashreplace")


def _absent(value: object) -> bool:
    """Tables write what is missing as null, or as NaN in a column of numbers."""
    return value is None or (isinstance(value, float) and math.isnan(value))


def _code(value: object) -> object:
    """An id column of numbers holds codes; one with gaps was turned to floats by whatever wrote it."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value) if isinstance(value, (int, float, Decimal)) and not isinstance(value, bool) else value


def _dated(sample: object) -> object:
    if not isinstance(sample, dict) or "date" not in sample:
        return sample
    when = sample["date"]
    return {**sample, "date": "" if when is None else str(when) if isinstance(when, int) else when}


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, (date, datetime, time)):
        return value.isoformat()
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0][:200]
