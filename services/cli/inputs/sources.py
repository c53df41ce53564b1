"""Where rows come from: a file by its suffix, or standard input by its first bytes."""

import gzip
import io
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

from services.cli.inputs.rows import UnreadableInput

STDIN = "-"
STDIN_LABEL = "standard input"
GZIP_MAGIC = b"\x1f\x8b"
PARQUET_MAGIC = b"PAR1"
UTF8_BOM = b"\xef\xbb\xbf"
UTF16_BOMS = (b"\xff\xfe", b"\xfe\xff")
PEEK = 4_096
BUFFER = 1 << 18
WRAPPED_DOCUMENT = re.compile(rb'\{\s*"indicators"\s*:')


class Format(StrEnum):
    """How rows are written."""

    LINES = "jsonl"
    DOCUMENT = "json"
    DELIMITED = "csv"
    COLUMNAR = "parquet"


SUFFIXES = {
    ".jsonl": Format.LINES,
    ".ndjson": Format.LINES,
    ".json": Format.DOCUMENT,
    ".csv": Format.DELIMITED,
    ".tsv": Format.DELIMITED,
    ".parquet": Format.COLUMNAR,
}
EXPECTED = "use .jsonl, .ndjson, .json, .csv, .tsv (each also .gz) or .parquet"


class Source(NamedTuple):
    """One INPUT of a command: what it is called in messages, its format, and where its bytes are."""

    label: str
    format: Format
    path: Path
    compressed: bool = False
    stdin: io.BufferedReader | None = None
    """Only for standard input: already peeked into, and readable once."""


def file_source(name: str) -> Source:
    """The file of this name, which must be there and have a suffix that says its format."""
    path = Path(name)
    kind, compressed = _format_of(path)
    with damage_reported(name):
        size = path.stat().st_size
    if size == 0 and path.is_file():
        raise UnreadableInput(name, "the file is empty", "check what wrote it")
    return Source(name, kind, path, compressed)


def _format_of(path: Path) -> tuple[Format, bool]:
    """Format and whether it is packed."""
    if path.is_dir():
        raise UnreadableInput(str(path), "this is a directory", "name the files in it")
    if not path.exists():
        raise UnreadableInput(str(path), "there is no such file", "check the path")
    suffixes = [suffix.lower() for suffix in path.suffixes]
    compressed = suffixes[-1:] == [".gz"]
    plain = suffixes[:-1] if compressed else suffixes
    kind = SUFFIXES.get(plain[-1]) if plain else None
    if kind is None or (compressed and kind is Format.COLUMNAR):
        shown = "".join(suffixes[-2:] if compressed else suffixes[-1:])
        raise UnreadableInput(str(path), f"unknown suffix {shown!r}" if shown else "it has no suffix", EXPECTED)
    return kind, compressed


def stdin_source(stream: BinaryIO) -> Source:
    """Standard input, its format found by looking at the first bytes without taking them."""
    buffered = stream if isinstance(stream, io.BufferedReader) else io.BufferedReader(cast(io.RawIOBase, stream))
    with damage_reported(STDIN_LABEL):
        if buffered.peek(PEEK)[:2] == GZIP_MAGIC:
            buffered = _unpacked(gzip.GzipFile(fileobj=buffered))
        head = buffered.peek(PEEK)[:PEEK]
    if not head:
        raise UnreadableInput(STDIN_LABEL, "nothing came in", "pipe indicators into it, or name a file")
    return Source(STDIN_LABEL, _detect(head), Path(STDIN), stdin=buffered)


def _detect(head: bytes) -> Format:
    if head.startswith(PARQUET_MAGIC):
        raise UnreadableInput(STDIN_LABEL, "Parquet cannot be read from a pipe", "save it and name the file")
    text = head.removeprefix(UTF8_BOM).lstrip()
    if text.startswith(b"[") or WRAPPED_DOCUMENT.match(text):
        return Format.DOCUMENT
    return Format.LINES if text.startswith(b"{") else Format.DELIMITED


@contextmanager
def opened(source: Source) -> Iterator[BinaryIO]:
    """The bytes of a text source, unpacked, past a byte order mark; sources that hold nothing are refused."""
    with damage_reported(source.label):
        stream = source.stdin or _open(source)
    try:
        with damage_reported(source.label):
            _past_bom(source, stream)
        yield stream
    finally:
        if source.stdin is None:
            stream.close()


def _open(source: Source) -> io.BufferedReader:
    if source.compressed:
        return _unpacked(gzip.open(source.path, "rb"))
    return io.BufferedReader(io.FileIO(source.path), BUFFER)


def _unpacked(packed: gzip.GzipFile) -> io.BufferedReader:
    """A gzip file reads lines slowly; a buffer in front of it does not."""
    return io.BufferedReader(packed, BUFFER)


def _past_bom(source: Source, stream: io.BufferedReader) -> None:
    head = stream.peek(PEEK)
    if source.stdin is None and len(head) < PEEK and not head.strip():  # a pipe may give its first bytes in crumbs
        raise UnreadableInput(source.label, "the file is empty", "check what wrote it")
    if head.startswith(UTF16_BOMS):
        raise UnreadableInput(source.label, "the text is UTF-16", "save it with the encoding UTF-8")
    if head.startswith(UTF8_BOM):
        stream.read(len(UTF8_BOM))


@contextmanager
def damage_reported(label: str) -> Iterator[None]:
    """Reports a file that cannot be read, or not to its end, as unreadable input."""
    try:
        yield
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise UnreadableInput(label, f"the compressed data is damaged ({error})", "copy or pack it again") from error
    except OSError as error:
        reason = f"it cannot be read ({error.strerror or error})"
        raise UnreadableInput(label, reason, "check the file and its permissions") from error
