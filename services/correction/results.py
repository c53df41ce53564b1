"""Final rows as people and programs get them: complete texts, one row a block, in the order of files and lines."""

import csv
import json
import os
from collections.abc import AsyncIterable, Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from services.correction.clean import cleaned
from services.correction.transcripts.formats import adapter_of, record_at
from services.correction.transcripts.records import parsed, read_record
from services.correction.transcripts.rows import Skipped
from shared.errors import UsageError
from shared.terminal.shown import printable, spreadsheet_text

Row = Mapping[str, Any]
Write = Callable[[Row], None]

FIELDS: Final = (
    "extraction_id",
    "entity_id",
    "duplicate_of",
    "is_duplicate",
    "run_id",
    "status",
    "reason",
    "text",
    "original_text",
    "cleaned_text",
    "corrected_text",
    "edits",
    "session_id",
    "message_index",
    "message_type",
    "role",
    "persona",
    "typed",
    "content_length",
    "word_count",
    "content_hash",
    "fingerprint",
    "message_at",
    "content_date",
    "model",
    "cost_usd",
    "tool_name",
    "source_file",
    "source_line",
    "uuid",
    "parent_uuid",
    "thread",
    "extra",
    "provider",
    "correction_model",
    "prompt_version",
    "tokens_in",
    "tokens_out",
    "correction_cost_usd",
)
PARQUET_ROWS: Final = 1_000
_NESTED: Final = ("edits", "thread", "extra")
_WHOLE: Final = ("message_index", "content_length", "word_count", "source_line", "tokens_in", "tokens_out")
_KINDS: Final[dict[str, pa.DataType]] = {
    "is_duplicate": pa.bool_(),
    "typed": pa.bool_(),
    **dict.fromkeys(_WHOLE, pa.int64()),
    **dict.fromkeys(("cost_usd", "correction_cost_usd"), pa.float64()),
}
SCHEMA: Final = pa.schema([(name, _KINDS.get(name, pa.string())) for name in FIELDS])


def as_result(row: Row) -> Row:
    """A stored row as it is handed out; `text` is what to go on with: corrected or not, it is clean.

    Only a body that stayed in its file is as it was: no stage has seen it.
    """
    original = row["original_text"] if row["body"] is None else body_of(row["body"], row["source_line"])
    corrected = row["corrected_text"] and cleaned(row["corrected_text"])
    whole = {**row, "original_text": original, "text": corrected or row["cleaned_text"] or original}
    return {name: _plain(whole[name]) for name in FIELDS}


def _plain(value: Any) -> Any:
    return value.isoformat() if hasattr(value, "isoformat") else value


def body_of(reference: Mapping[str, Any], line: int) -> str | None:
    """A body that stayed in its file; None if it is not there any more."""
    with suppress(OSError, ValueError, LookupError):
        rows = adapter_of(reference["format"]).rows(_record(reference, line))
        return None if isinstance(rows, Skipped) else rows[reference["block"]].body
    return None


def _record(reference: Mapping[str, Any], line: int) -> Any:
    """Where its bytes were; where lines before it have been repaired since, by its number."""
    path = Path(reference["path"])
    try:
        return read_record(path, reference["start"], reference["end"])
    except ValueError:
        return parsed(record_at(path, line).raw or b"")


def check_output(path: Path) -> None:
    """Raises UsageError for an output that is sure to fail, before anything is spent on filling it."""
    if path.suffix.lower() not in WRITERS:
        raise UsageError(f"{path}: unknown suffix {path.suffix!r}", remedy=f"use {', '.join(sorted(WRITERS))}")
    if not path.parent.is_dir():
        raise UsageError(f"{path}: its folder does not exist", remedy=f"create {path.parent}")


async def write_results(path: Path, rows: AsyncIterable[Row]) -> int:
    """Write rows as they come; the file appears whole, or not at all. Returns how many."""
    check_output(path)
    temporary, count = path.with_name(f".{path.name}.{os.getpid()}.tmp"), 0
    try:
        with WRITERS[path.suffix.lower()](temporary) as write:
            async for row in rows:
                write(as_result(row))
                count += 1
        temporary.replace(path)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}", remedy="check space and rights") from error
    finally:
        temporary.unlink(missing_ok=True)
    return count


@contextmanager
def _jsonl(path: Path) -> Iterator[Write]:
    with path.open("w", encoding="utf-8") as file:
        yield lambda row: print(json.dumps(row, ensure_ascii=False), file=file)


@contextmanager
def _csv(path: Path) -> Iterator[Write]:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, FIELDS)
        writer.writeheader()
        yield lambda row: writer.writerow(
            {name: spreadsheet_text(value) if isinstance(value, str) else value for name, value in _flat(row).items()}
        )


@contextmanager
def _parquet(path: Path) -> Iterator[Write]:
    waiting: list[Row] = []
    with pq.ParquetWriter(path, SCHEMA) as writer:

        def write(row: Row) -> None:
            waiting.append(_flat(row))
            if len(waiting) == PARQUET_ROWS:
                flush()

        def flush() -> None:
            writer.write_table(pa.Table.from_pylist(list(waiting), SCHEMA))
            waiting.clear()

        yield write
        if waiting:
            flush()


def _flat(row: Row) -> dict[str, Any]:
    """Nested values as JSON."""
    return {name: json.dumps(row[name], ensure_ascii=False) if name in _NESTED else row[name] for name in FIELDS}


WRITERS: Final[Mapping[str, Callable[[Path], AbstractContextManager[Write]]]] = {
    ".jsonl": _jsonl,
    ".csv": _csv,
    ".parquet": _parquet,
}


def diff(row: Row) -> Iterator[str]:
    """The changed lines of a stored row, before and after; none of one that is not corrected."""
    if row["corrected_text"]:
        place = f"{row['source_file']}:{row['source_line']}"
        yield from changed_lines(place, row["original_text"], row["corrected_text"])


def changed_lines(place: str, before: str, after: str) -> Iterator[str]:
    """Where they are, and how they were and are; corrections keep the number of lines. Nothing steers a terminal."""
    yield _whole(place)
    for old, new in zip(before.split("\n"), after.split("\n"), strict=True):
        if old != new:
            yield _whole(f"- {old}")
            yield _whole(f"+ {new}")


def _whole(line: str) -> str:
    return printable(line, len(line))
