"""JSON Lines: one document a line. Numbers rows as an editor does: blank lines count but are no rows."""

from collections.abc import Iterator
from typing import BinaryIO

from services.cli.inputs.rows import MAX_ROW_BYTES, Candidate, Found, too_long

SKIP_BYTES = 1 << 16


def read_lines(stream: BinaryIO) -> Iterator[Found]:
    """Every line that is not blank."""
    for number, line in bounded_lines(stream):
        if len(line) > MAX_ROW_BYTES and len(line.rstrip(b"\r\n")) > MAX_ROW_BYTES:
            yield too_long(number, line)
        elif document := line.strip():
            yield Candidate(number, document, document)


def bounded_lines(stream: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Numbered lines. Of a line above the limit only the beginning is held, one byte longer than the limit at least."""
    number = 0
    room = MAX_ROW_BYTES + 2  # a line at the limit may end in CR LF
    while line := stream.readline(room):
        number += 1
        if len(line) == room and not line.endswith(b"\n"):
            _skip_to_line_end(stream)
        yield number, line if len(line) < room else line.rstrip(b"\r\n")


def _skip_to_line_end(stream: BinaryIO) -> None:
    while (rest := stream.readline(SKIP_BYTES)) and not rest.endswith(b"\n"):
        pass
