"""Records of a JSONL file, by their bytes: read line by line, never the whole file."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from pydantic_core import from_json

MAX_RECORD_BYTES = 64 * 1024 * 1024
"""A longer line is not parsed: it would take several times as much memory."""
BLOCK_BYTES = 1024 * 1024
MARK = b"\xef\xbb\xbf"
"""The byte order mark that some editors put at the beginning of a file; no part of the first record."""


class RawRecord(NamedTuple):
    """One line, or one element of an array: its number from 1, and its bytes, which are `start` to `end` of the file.

    `raw` None: it is too long.
    """

    line: int
    start: int
    end: int
    raw: bytes | None


def raw_records(path: Path, start: int = 0, end: int | None = None, first_line: int = 1) -> Iterator[RawRecord]:
    """The lines between two places of a file; `first_line` is the number of the first one."""
    with path.open("rb", buffering=BLOCK_BYTES) as file:
        file.seek(start)
        at, line = start, first_line
        while end is None or at < end:
            raw = file.readline(MAX_RECORD_BYTES + 1)
            if not raw:
                return
            size, whole = len(raw), len(raw) <= MAX_RECORD_BYTES
            while not raw.endswith(b"\n") and (more := file.readline(BLOCK_BYTES)):
                size, raw = size + len(more), more
            mark = len(MARK) if at == 0 and raw.startswith(MARK) else 0
            yield RawRecord(line, at + mark, at + size, raw[mark:] if whole else None)
            at, line = at + size, line + 1


def read_record(path: Path, start: int, end: int) -> Any:
    """One record. Raises OSError, and ValueError if it is not JSON any more."""
    with path.open("rb") as file:
        file.seek(start)
        return from_json(file.read(end - start))
