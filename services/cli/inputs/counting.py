"""How many rows an input holds, without reading them as rows: for percentage and time left."""

from typing import BinaryIO

from services.cli.inputs.columnar import row_count
from services.cli.inputs.rows import UnreadableInput
from services.cli.inputs.sources import STDIN, Format, Source, damage_reported, file_source, opened

CHUNK_BYTES = 1 << 20


def count_rows(path: str) -> int | None:
    """The number of rows; None where finding out costs as much as reading (JSON documents, standard input).

    Line-based formats count line ends: blank lines and line ends inside quoted cells make it a little too high.
    A file that cannot be read has no count either: reading it says why.
    """
    if path == STDIN:
        return None
    try:
        return _count(file_source(path))
    except UnreadableInput:
        return None


def _count(source: Source) -> int | None:
    if source.format is Format.DOCUMENT:
        return None
    if source.format is Format.COLUMNAR:
        return row_count(source.path, source.label)
    with damage_reported(source.label), opened(source) as stream:
        lines = _line_count(stream)
    return lines - 1 if source.format is Format.DELIMITED else lines


def _line_count(stream: BinaryIO) -> int:
    ends, last = 0, b"\n"
    while chunk := stream.read(CHUNK_BYTES):
        ends += chunk.count(b"\n")
        last = chunk[-1:]
    return ends if last == b"\n" else ends + 1
