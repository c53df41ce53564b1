"""Records of a JSONL file, by their bytes: read line by line, never the whole file."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from pydantic_core import from_json

MAX_RECORD_BYTES = 64 * 1024 * 1024
"""A longer line is not parsed: it would take several times as much memory."""
BLOCK_BYTES = 1024 * 1024
MARK = b"\xef\xbb\xbf"
"""The byte order mark that some editors put at the beginning of a file; no part of the first record."""

_ESCAPE: Final = re.compile(
    rb"(\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\[^u])|\\u[dD][89a-fA-F][0-9a-fA-F]{2}"
)
"""What a backslash begins; the group is empty for half a character, such as JavaScript leaves of a cut emoji."""
_NO_CHARACTER: Final = rb"\ufffd"


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


def parsed(raw: bytes) -> Any:
    """The value of a record, with the sign for what cannot be shown where half a character stands.

    Raises ValueError if it is not JSON.
    """
    try:
        return from_json(raw, allow_inf_nan=False)
    except ValueError:
        whole = _ESCAPE.sub(lambda found: found[1] or _NO_CHARACTER, raw)
        if whole == raw:
            raise
        return from_json(whole, allow_inf_nan=False)


def read_record(path: Path, start: int, end: int) -> Any:
    """One record. Raises OSError, and ValueError if it is not JSON any more."""
    with path.open("rb") as file:
        file.seek(start)
        return parsed(file.read(end - start))
