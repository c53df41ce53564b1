"""Writes results and rejects to files. A file appears whole under its name, or not at all."""

import csv
import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from services.cli.inputs import Rejected
from services.cli.results import ResultRow
from shared.errors import UsageError
from shared.terminal.shown import spreadsheet_text

PARQUET_ROWS = 4_096
FLAGS = ("is_currency_denominated", "is_cumulative")
NUMBERS = ("overall_confidence", "cost_usd")
REJECT_FIELDS = ("row_number", "source", "reason", "remedy", "raw")

SCHEMA = pa.schema(
    [
        pa.field(
            name,
            pa.bool_() if name in FLAGS else pa.float64() if name in NUMBERS else pa.string(),
            nullable=name != "status",
        )
        for name in ResultRow._fields
    ]
)
"""Columns and types of a Parquet result, the same whatever rows there are."""

Cell = str | int | float | bool | None


class UnwritableOutput(UsageError):  # noqa: N818 - reads as what is the case where it is raised
    """An output that cannot be written."""

    def __init__(self, path: Path, reason: str, remedy: str) -> None:
        super().__init__(f"{path}: {reason}", remedy=remedy)
        self.path = path
        self.reason = reason


def check_output(path: Path, rejects: bool = False) -> None:
    """Refuses an output that is sure to fail, before anything is spent on filling it."""
    allowed = REJECT_WRITERS if rejects else RESULT_WRITERS
    if path.suffix.lower() not in allowed:
        raise UnwritableOutput(path, f"unknown suffix {path.suffix!r}", f"use {', '.join(sorted(allowed))}")
    if path.is_dir():
        raise UnwritableOutput(path, "this is a directory", "name a file in it")
    if not path.parent.is_dir():
        raise UnwritableOutput(path, "its directory does not exist", f"create {path.parent}")
    if not os.access(path.parent, os.W_OK):
        raise UnwritableOutput(path, "its directory cannot be written to", "choose another one")


def write_results(path: Path, rows: Iterable[ResultRow]) -> int:
    """Writes the rows as they come, in the format of the suffix; returns how many."""
    check_output(path)
    with _replacing(path) as temporary:
        return RESULT_WRITERS[path.suffix.lower()](temporary, rows)


def write_rejects(path: Path, rejects: Iterable[Rejected]) -> int:
    """Writes refused rows with number, source, reason, remedy and raw text; returns how many."""
    check_output(path, rejects=True)
    cells = ((row.row_number, row.source, row.reason, row.remedy, _text(row.raw)) for row in rejects)
    with _replacing(path) as temporary:
        return REJECT_WRITERS[path.suffix.lower()](temporary, REJECT_FIELDS, cells)


@contextmanager
def _replacing(path: Path) -> Iterator[Path]:
    """A file beside the target, so that the rename stays on one file system and is atomic."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        temporary.replace(path)
    except OSError as error:
        reason = f"it cannot be written ({error.strerror or error})"
        raise UnwritableOutput(path, reason, "check space and permissions") from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def _text(raw: bytes) -> str:
    return raw.decode(errors="backslashreplace")


def _write_jsonl(path: Path, fields: Sequence[str], rows: Iterable[Sequence[Cell]]) -> int:
    count = 0
    with path.open("w", encoding="utf-8", errors="backslashreplace", newline="\n") as file:
        for row in rows:
            file.write(json.dumps(dict(zip(fields, row, strict=True)), ensure_ascii=False) + "\n")
            count += 1
    return count


def _write_csv(path: Path, fields: Sequence[str], rows: Iterable[Sequence[Cell]]) -> int:
    count = 0
    with path.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(fields)
        for row in rows:
            writer.writerow([_csv_cell(cell) for cell in row])
            count += 1
    return count


def _csv_cell(cell: Cell) -> Cell:
    """Only CSV needs harmless text: other formats are not opened by spreadsheets."""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    return spreadsheet_text(cell) if isinstance(cell, str) else cell


def _write_parquet(path: Path, rows: Iterable[ResultRow]) -> int:
    count, source = 0, iter(rows)
    with pq.ParquetWriter(path, SCHEMA) as writer:
        while batch := list(islice(source, PARQUET_ROWS)):
            writer.write_batch(_columns(batch))
            count += len(batch)
    return count


def _columns(rows: Sequence[ResultRow]) -> pa.RecordBatch:
    columns = zip(*rows, strict=True)
    return pa.record_batch(
        [pa.array(column, type=field.type) for column, field in zip(columns, SCHEMA, strict=True)], schema=SCHEMA
    )


RESULT_WRITERS: dict[str, Callable[[Path, Iterable[ResultRow]], int]] = {
    ".jsonl": lambda path, rows: _write_jsonl(path, ResultRow._fields, rows),
    ".csv": lambda path, rows: _write_csv(path, ResultRow._fields, rows),
    ".parquet": _write_parquet,
}
REJECT_WRITERS: dict[str, Callable[[Path, Sequence[str], Iterable[Sequence[Cell]]], int]] = {
    ".jsonl": _write_jsonl,
    ".csv": _write_csv,
}
