"""Elements of a JSON array, such as an export of conversations: told apart by their signs alone, a block at a time."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from services.correction.transcripts.records import BLOCK_BYTES, MARK, MAX_RECORD_BYTES, RawRecord

_SIGN: Final = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|["{}\[\],]', re.DOTALL)
"""A whole string; a quote alone begins one that goes on beyond the block."""
_END_OF_STRING: Final = re.compile(rb'[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)


def array_records(path: Path, start: int = 0, end: int | None = None, first: int = 1) -> Iterator[RawRecord]:
    """The elements that begin between two places of a file; `first` is the number of the first one.

    A file that holds no array is one element.
    """
    scanner = _Scanner()
    with path.open("rb", buffering=0) as file:
        file.seek(start)
        element, number, at = _Element(start), first, start
        while block := file.read(BLOCK_BYTES):
            done = _opening(block) if at == 0 else 0
            element.begin += done
            for separator in scanner.separators(block, done):
                element.add(block[done:separator])
                if end is not None and element.begin >= end:
                    return
                if element.size:
                    yield element.record(number)
                    number += 1
                if scanner.ended:
                    return
                done = separator + 1
                element = _Element(at + done)
            element.add(block[done:])
            at += len(block)
        if element.size and (end is None or element.begin < end):
            yield element.record(number)


def is_array(path: Path) -> bool:
    """Whether a file begins like an array. Raises OSError."""
    with path.open("rb") as file:
        return _opening(file.read(BLOCK_BYTES)) > 0


def _opening(block: bytes) -> int:
    """How long the beginning is with which an array opens; 0 if it is none."""
    inside = block.removeprefix(MARK).lstrip()
    return len(block) - len(inside) + 1 if inside.startswith(b"[") else 0


@dataclass(slots=True)
class _Element:
    """What was read of an element, without the blanks before it; only its size if it is too long."""

    begin: int
    size: int = 0
    blocks: list[bytes] = field(default_factory=list)

    def add(self, block: bytes) -> None:
        """The next bytes of it."""
        if not self.size:
            found = block.lstrip()
            self.begin += len(block) - len(found)
            block = found
        self.size += len(block)
        if self.size <= MAX_RECORD_BYTES:
            self.blocks.append(block)
        else:
            self.blocks.clear()

    def record(self, number: int) -> RawRecord:
        """The whole element."""
        if self.size > MAX_RECORD_BYTES:
            return RawRecord(number, self.begin, self.begin + self.size, None)
        raw = b"".join(self.blocks).rstrip()
        return RawRecord(number, self.begin, self.begin + len(raw), raw)


@dataclass(slots=True)
class _Scanner:
    """Where in the structure we are after the blocks so far."""

    depth: int = 0
    quoted: bool = False
    escaped: bool = False
    ended: bool = False

    def separators(self, block: bytes, start: int) -> Iterator[int]:
        """Places of the commas between elements; with the bracket after the last one the array has ended."""
        if self.quoted:
            start = self._behind_string(block, start)
        for found in _SIGN.finditer(block, start):
            match found.group():
                case b"{" | b"[":
                    self.depth += 1
                case b"," if not self.depth:
                    yield found.start()
                case b"}" | b"]":
                    self.depth -= 1
                    if self.depth < 0:
                        self.ended = True
                        yield found.start()
                        return
                case b'"':
                    self._behind_string(block, found.end())
                    return

    def _behind_string(self, block: bytes, start: int) -> int:
        """Where the string ends in which `start` lies; the end of the block if it goes on."""
        if found := _END_OF_STRING.match(block, start + self.escaped):
            self.quoted = self.escaped = False
            return found.end()
        inside = block[start + self.escaped :]
        self.quoted, self.escaped = True, (len(inside) - len(inside.rstrip(b"\\"))) % 2 == 1
        return len(block)
