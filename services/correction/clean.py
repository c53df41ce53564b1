"""Blanks of prose in order, times in UTC. The body itself stays as it was: correction needs it so."""

import re
from collections.abc import Sequence
from typing import Final

from schemas.correction import Cleaned, Extracted
from services.correction.masking import mask
from services.correction.moments import in_utc
from shared.runtime.outcome import Outcome, emit

_CONTROL: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b\ufeff]")
_BLANKS: Final = re.compile(r"(?<=\S)[ \t\u00a0]+(?=\S)")
_AT_ENDS: Final = re.compile(r"(?<![ \t\u00a0])[ \t\u00a0]++(?=\n)")
_EMPTY_LINES: Final = re.compile(r"\n{3,}")
_LINE_ENDS: Final = re.compile(r"\r\n?")
_WORD: Final = re.compile(r"\w+(?:['\u2019]\w+)*")
_BESIDE_PROSE: Final = frozenset({"thinking", "compact-summary", "sidechain"})
"""Why a row is not typed although it is prose; what else an assistant says has its role for a reason."""


async def clean(items: Sequence[Extracted]) -> list[Outcome]:
    """What is derived from the body and its time."""
    return [emit(cleaned_row(item)) for item in items]


def cleaned_row(item: Extracted) -> Cleaned:
    """With what is derived from its body and its time."""
    text = item.text or ""
    tidy = cleaned(text) if item.typed or _is_prose(item.role, item.not_typed) else text
    return Cleaned(
        **item.__dict__,
        cleaned=tidy if tidy != text else None,
        word_count=len(_WORD.findall(text)),
        timestamp_utc=in_utc(item.timestamp),
    )


def _is_prose(role: str, not_typed: str) -> bool:
    """Whether a row that nobody typed is prose all the same; blocks that are JSON, and what tools gave, are none."""
    return role not in {"tool", ""} and not_typed in {role, *_BESIDE_PROSE}


def cleaned(text: str) -> str:
    """Control characters out, line ends alike, and outside what is protected: no blanks doubled or at ends of lines."""
    text = _CONTROL.sub("", _LINE_ENDS.sub("\n", text))
    if _tidied(text) != text:
        masked = mask(text)
        text = masked.restored(_tidied(masked.text))
    return text.strip("\n").rstrip()


def _tidied(prose: str) -> str:
    """Indentation stays: lists live of it."""
    return _EMPTY_LINES.sub("\n\n", _AT_ENDS.sub("", _BLANKS.sub(" ", prose)))
