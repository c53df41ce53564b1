"""Reads indicators from any mix of inputs: the entry point of this package."""

import sys
from collections.abc import Iterator, Sequence
from typing import BinaryIO

from services.cli.inputs.columnar import read_columnar
from services.cli.inputs.delimited import read_delimited
from services.cli.inputs.documents import MAX_DOCUMENT_BYTES, read_document
from services.cli.inputs.judging import Judge
from services.cli.inputs.lines import read_lines
from services.cli.inputs.rows import Found, Row, UnreadableInput
from services.cli.inputs.sources import (
    STDIN,
    STDIN_LABEL,
    Format,
    Source,
    damage_reported,
    file_source,
    opened,
    stdin_source,
)


def read_indicators(inputs: Sequence[str], stdin: BinaryIO | None = None) -> Iterator[Row]:
    """Every row of every input in order, accepted or rejected, one at a time.

    All files are looked into before this returns, so an unreadable one raises UnreadableInput before any row is
    worked on. Only damage deep inside a file (cut gzip data, a broken Parquet page) and the content of standard input
    are found while iterating. Memory: one row at a time and every accepted id; a .json document is held whole.
    """
    if inputs.count(STDIN) > 1:
        raise UnreadableInput(STDIN_LABEL, "it is named twice", "name - once")
    sources = [_source(name, stdin) for name in inputs]
    for source in sources:
        if source.stdin is None:
            _look_into(source)
    return _rows(sources)


def _source(name: str, stdin: BinaryIO | None) -> Source:
    if name == STDIN:
        return stdin_source(stdin or sys.stdin.buffer)
    return file_source(name)


def _look_into(source: Source) -> None:
    """Does what a format does before its first row, which is where it refuses what it cannot read."""
    for _ in _found(source):
        return


def _rows(sources: Sequence[Source]) -> Iterator[Row]:
    judge = Judge()
    for source in sources:
        judge.begin(source.label)
        yield from map(judge.judge, _found(source))


def _found(source: Source) -> Iterator[Found]:
    if source.format is Format.COLUMNAR:
        yield from read_columnar(source.path, source.label)
        return
    with opened(source) as stream, damage_reported(source.label):
        yield from _found_in_text(source, stream)


def _found_in_text(source: Source, stream: BinaryIO) -> Iterator[Found]:
    if source.format is Format.LINES:
        return read_lines(stream)
    if source.format is Format.DOCUMENT:
        return read_document(stream.read(MAX_DOCUMENT_BYTES + 1), source.label)
    return read_delimited(stream, source.label)
