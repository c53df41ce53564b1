"""The formats there are. Another one is a module beside these and a line here."""

from collections.abc import Iterator
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
