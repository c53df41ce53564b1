"""Protected parts of a text are taken out before anybody corrects it, and put back byte for byte afterwards."""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from services.correction.protect import protected_spans
from services.correction.spans import Span, merged

MARKER: Final = re.compile(r"⟦(\d+)⟧")
PART_CHARACTERS: Final = 4_000
"""Longer texts are corrected in parts that end between paragraphs."""
_BORDER: Final = re.compile(r"\n[ \t]*\n\s*")


class Masked(NamedTuple):
    """A text with a marker in the place of each protected part, without the blanks at its ends."""

    text: str
    hidden: tuple[str, ...]
    before: str
    after: str

    def restored(self, text: str) -> str:
        """`text` with the protected parts and the blanks at the ends. It has every marker, each once."""
        return self.before + MARKER.sub(lambda marker: self.hidden[int(marker[1]) - 1], text) + self.after


def mask(text: str, secrets: Sequence[Span] = ()) -> Masked:
    """Hide what is protected, and `secrets`."""
    parts, hidden, at = list[str](), list[str](), 0
    for span in merged([*protected_spans(text), *secrets]):
        hidden.append(text[span.start : span.end])
        parts += [text[at : span.start], f"⟦{len(hidden)}⟧"]
        at = span.end
    whole = "".join([*parts, text[at:]])
    inner = whole.strip()
    start = whole.find(inner)
    return Masked(inner, tuple(hidden), whole[:start], whole[start + len(inner) :])


def in_parts(text: str, longest: int = PART_CHARACTERS) -> list[str]:
    """The text cut between paragraphs, never inside protected parts; joined the parts are the text."""
    if len(text) <= longest:
        return [text]
    parts, start, end = list[str](), 0, 0
    for border in (*_borders(text), len(text)):
        if border - start > longest and end > start:
            parts.append(text[start:end])
            start = end
        end = border
    return [*parts, text[start:]]


def _borders(text: str) -> Iterator[int]:
    spans = protected_spans(text)
    ends = [span.end for span in spans]
    for border in _BORDER.finditer(text):
        behind = bisect_right(ends, border.start())
        if behind == len(spans) or spans[behind].start >= border.end():
            yield border.end()
