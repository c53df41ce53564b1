"""Text to tokens: lower case, places dropped, currencies and numbers folded, so that like reads as like."""

import re
from functools import lru_cache
from typing import Final, NamedTuple

from services.classification.model.places import COUNTRY_PAIRS, COUNTRY_WORDS, CURRENCY_CODES, CURRENCY_NAMES

MONEY: Final = "<cur>"
"""Stands for every currency."""

_TOKEN: Final = re.compile(
    r"[myq]/[myq]\b|[^\W\d_]+(?:[-'][^\W\d_]+)*|\d+(?:[.,]\d+)*|[%$€£¥/()\[\],:;=+]|(?<=\s)[-\u2013](?=\s)",
    re.IGNORECASE,
)
_SEPARATORS: Final = frozenset(",:;-\u2013")
_OPENING: Final = frozenset("([")
_CLOSING: Final = frozenset(")]")
_DROPPED: Final = frozenset(("the", "a", "an", "=", "+"))
_ABBREVIATED: Final = frozenset(("us", "u", "s"))
_OWN: Final = frozenset(("national", "local", "domestic"))
_MONEY_SIGNS: Final = frozenset("$€£¥")
_PAIR_STARTS: Final = frozenset(first for first, _ in COUNTRY_PAIRS)
_MAX_TOKENS: Final = 64
"""Names are 7 words on average, 40 at most in the catalogue; what follows is cut."""


class Phrase(NamedTuple):
    """A name, split at its punctuation. Each segment is a tuple of tokens and never empty."""

    segments: tuple[tuple[str, ...], ...]
    """Parts outside brackets, cut at commas, colons, semicolons and dashes."""
    brackets: tuple[str, ...]
    """Tokens inside brackets."""


def fold_number(token: str) -> str:
    """A year, or the number of digits: the figure itself says nothing about the kind of indicator."""
    if len(token) == 4 and token[:2] in ("19", "20"):
        return "<year>"
    return f"<n{min(len(token), 4)}>"


@lru_cache(maxsize=65_536)
def fold(raw: str, unit: bool) -> str:
    """One token in its folded form; empty if it carries nothing."""
    if raw[0].isdigit():
        return fold_number(raw)
    if raw in _MONEY_SIGNS or (len(raw) <= 4 and raw in CURRENCY_CODES):
        return MONEY
    token = raw.lower()
    if token in _DROPPED or token in COUNTRY_WORDS:
        return ""
    return MONEY if unit and token in CURRENCY_NAMES else token


def tokens(text: str, limit: int = _MAX_TOKENS) -> list[str]:
    """Folded tokens of free text, punctuation left out, at most `limit`."""
    return [
        token
        for raw in _TOKEN.findall(text)[:limit]
        if (raw[0].isalnum() or raw in "%$€£¥/") and (token := fold(raw, False))
    ]


def unit_tokens(text: str) -> list[str]:
    """Folded tokens of a unit; every currency is `<cur>`, and one currency is written once."""
    found: list[str] = []
    for raw in _TOKEN.findall(text)[:_MAX_TOKENS]:
        token = fold(raw, True)
        if not token or (token == MONEY and found and found[-1] == MONEY):
            continue
        if token in _ABBREVIATED:
            continue
        if found and found[-1] in _OWN and token.startswith("currency"):
            found[-1] = MONEY
        else:
            found.append(token)
    return found


def phrase(text: str) -> Phrase:
    """A name as segments and bracket content."""
    segments: list[tuple[str, ...]] = []
    current: list[str] = []
    brackets: list[str] = []
    depth = 0
    for raw in _TOKEN.findall(text)[:_MAX_TOKENS]:
        if raw in _OPENING:
            depth += 1
        elif raw in _CLOSING:
            depth = max(0, depth - 1)
        elif raw in _SEPARATORS:
            if not depth and current:
                segments.append(tuple(current))
                current = []
        elif token := fold(raw, False):
            (brackets if depth else current).append(token)
    if current:
        segments.append(tuple(current))
    return Phrase(tuple(kept for segment in segments if (kept := _without_places(segment))), tuple(brackets))


def _without_places(segment: tuple[str, ...]) -> tuple[str, ...]:
    if _PAIR_STARTS.isdisjoint(segment):
        return segment
    kept: list[str] = []
    skip = False
    for first, second in zip(segment, (*segment[1:], ""), strict=True):
        if skip:
            skip = False
        elif (first, second) in COUNTRY_PAIRS:
            skip = True
        else:
            kept.append(first)
    return tuple(kept)
