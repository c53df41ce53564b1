"""The formats there are. Another one is a module beside these and a line here."""

from array import array
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from services.correction.transcripts.arrays import array_records
from services.correction.transcripts.chat_export import ChatExport
from services.correction.transcripts.records import RawRecord, raw_records
from services.correction.transcripts.rows import Adapter
from services.correction.transcripts.session_log import SessionLog

_ADAPTERS: Final[tuple[Adapter, ...]] = (ChatExport(), SessionLog())
FORMATS: Final = tuple(adapter.name for adapter in _ADAPTERS)


def adapter_of(name: str) -> Adapter:
    """The adapter of a format. Raises LookupError."""
    for adapter in _ADAPTERS:
        if adapter.name == name:
            return adapter
    raise LookupError(name)


def recognised(record: Any) -> Adapter | None:
    """The adapter that knows a record; None if nobody does."""
    return next((adapter for adapter in _ADAPTERS if adapter.recognises(record)), None)


def records_of(path: Path, start: int = 0, end: int | None = None, first: int = 1) -> Iterator[RawRecord]:
    """The records of a part of a file: elements of an array in a .json file, else lines. Raises OSError."""
    return (array_records if path.suffix == ".json" else raw_records)(path, start, end, first)


def record_at(path: Path, number: int) -> RawRecord:
    """The record of a number, wherever repairs have moved it. Raises OSError, and LookupError if it is gone."""
    starts = _starts(path, path.stat().st_mtime_ns)
    if not 0 < number <= len(starts):
        raise LookupError(number)
    start = starts[number - 1]
    return next(records_of(path, start, start + 1, number))


@lru_cache(maxsize=4)
def _starts(path: Path, _changed: int) -> "array[int]":
    """Where each record of a file begins, for as long as the file stays as it is."""
    return array("Q", (record.start for record in records_of(path)))
