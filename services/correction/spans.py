"""Parts of a text, by their places."""

from collections.abc import Iterable
from typing import NamedTuple


class Span(NamedTuple):
    """A part of a text, as in `text[start:end]`."""

    start: int
    end: int


def merged(spans: Iterable[Span]) -> list[Span]:
    """The spans in order; those that overlap become one."""
    found: list[Span] = []
    for span in sorted(span for span in spans if span.end > span.start):
        if found and span.start < found[-1].end:
            found[-1] = Span(found[-1].start, max(found[-1].end, span.end))
        else:
            found.append(span)
    return found
