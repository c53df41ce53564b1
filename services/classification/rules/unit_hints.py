"""The unit inside a name, for rows that carry none (classification spec 2.3: a name hint when units are empty).

Publishers write it as the last bracket ("GDP (current US$)"), after the last comma ("GDP, current prices, USD"), or
leave it to words such as "YoY" and "Index".
"""

import re
from functools import lru_cache
from itertools import pairwise
from typing import Final

from schemas.enums import UnitType
from services.classification.rules.unit_kinds import UNKNOWN, Kind, classify
from services.classification.rules.unit_text import UnitText, read

_BRACKET: Final = re.compile(r"[(\[]([^()\[\]]{1,80})[)\]]")
_WORDS: Final = re.compile(r"[^\W_]+|%")
_CONFIDENCE: Final = 0.8
_GUESS: Final = 0.6
_BRACKET_KINDS: Final = frozenset(
    (UnitType.PERCENTAGE, UnitType.INDEX, UnitType.CURRENCY_AMOUNT, UnitType.RATE, UnitType.RATIO, UnitType.PHYSICAL)
)
_COMMA_KINDS: Final = frozenset((UnitType.PERCENTAGE, UnitType.INDEX, UnitType.CURRENCY_AMOUNT))
_COMMA_PARTS: Final = 4

_YOY: Final = frozenset(("yoy", "mom", "qoq", "wow"))
_GROWTH: Final = frozenset(("growth", "inflation"))
_SURVEYS: Final = frozenset(
    ("index", "indices", "pmi", "cpi", "ppi", "indicator", "sentiment", "confidence", "climate")
)
_LEVELS_IN_PERCENT: Final = frozenset(("unemployment", "utilization", "utilisation", "participation", "share"))
_NOT_PERCENT: Final = frozenset(
    ("exchange", "death", "mortality", "fertility", "birth", "number", "incidence", "currency")
)


@lru_cache(maxsize=4_096)
def from_name(name: str) -> tuple[UnitText, Kind]:
    """The unit that a name states or suggests; (empty, UNKNOWN) when it does neither."""
    parts = name.split(",")[1:][-_COMMA_PARTS:]
    for candidates, kinds in ((_BRACKET.findall(name), _BRACKET_KINDS), (parts, _COMMA_KINDS)):
        for part in reversed(candidates):
            text = read(part)
            kind = classify(text)
            if kind.unit_type in kinds:
                return text, Kind(kind.unit_type, f"name:{kind.pattern}", min(kind.confidence, _CONFIDENCE))
    return read(""), _from_words(name)


def _from_words(name: str) -> Kind:
    words = [word.lower() for word in _WORDS.findall(name)]
    present = frozenset(words)
    for rule in (_change_words, _percent_words, _index_words, _ratio_words):
        kind = rule(words, present)
        if kind is not None:
            return Kind(kind[0], f"name:{kind[1]}", _GUESS)
    return UNKNOWN


def _change_words(words: list[str], present: frozenset[str]) -> tuple[UnitType, str] | None:
    grows = not _GROWTH.isdisjoint(present) and present.isdisjoint(("index", "indices"))
    if grows or not _YOY.isdisjoint(present) or ({"change", "percent"} <= present):
        return UnitType.PERCENTAGE, "percent-change"
    return None


def _percent_words(words: list[str], present: frozenset[str]) -> tuple[UnitType, str] | None:
    if not present.isdisjoint(("%", "percent", "percentage")):
        return UnitType.PERCENTAGE, "percent"
    if any(pair == ("to", "gdp") for pair in pairwise(words)):
        return UnitType.PERCENTAGE, "percent-of-gdp"
    if not _LEVELS_IN_PERCENT.isdisjoint(present):
        return UnitType.PERCENTAGE, "percent"
    return None


def _index_words(words: list[str], present: frozenset[str]) -> tuple[UnitType, str] | None:
    return None if _SURVEYS.isdisjoint(present) else (UnitType.INDEX, "index")


def _ratio_words(words: list[str], present: frozenset[str]) -> tuple[UnitType, str] | None:
    if "ratio" in present:
        return UnitType.RATIO, "ratio"
    if "rate" in present or "rates" in present or "yield" in present:
        return (UnitType.PERCENTAGE, "percent") if present.isdisjoint(_NOT_PERCENT) else None
    return None
