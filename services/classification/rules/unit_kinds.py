"""What kind of quantity a unit names, decided by ordered rules over its words (classification spec 1.2, 2.3).

Percentages come first, because "% of GDP" and "Index, percent change" name money and indices that are not measured;
then indices, then money, then spans of time, then the rest.
"""

from itertools import pairwise
from typing import Final, NamedTuple

from schemas.enums import UnitType
from services.classification.rules import lexicon, scales
from services.classification.rules.unit_text import UnitText

_CLEAR: Final = 1.0
_LIKELY: Final = 0.9
_WEAK: Final = 0.7


class Kind(NamedTuple):
    """`pattern` names the rule that matched: a closed vocabulary, published as `matched_pattern`."""

    unit_type: UnitType
    pattern: str
    confidence: float


UNKNOWN: Final = Kind(UnitType.UNKNOWN, "unknown", 0.0)


def classify(text: UnitText) -> Kind:
    """The kind of a unit; UNKNOWN (confidence 0) for remarks and for words that name no quantity."""
    if not text.words:
        return UNKNOWN
    present = frozenset(text.words)
    for rule in _RULES:
        kind = rule(text, present)
        if kind is not None:
            return kind
    return UNKNOWN


def _poverty_line(text: UnitText, present: frozenset[str]) -> Kind | None:
    """ "$1.90 a day" is the line below which people are counted, not the unit of the count."""
    return UNKNOWN if {"$", "a", "day"} <= present else None


def _percentage(text: UnitText, present: frozenset[str]) -> Kind | None:
    at = _percent_at(text.words, present)
    if at < 0:
        return None
    if "points" in present and text.words[at + 1 : at + 2] == ["points"]:
        return Kind(UnitType.PERCENTAGE, "percentage-points", _CLEAR)
    if text.words[-1] == "balance" and at == 0:
        return Kind(UnitType.PERCENTAGE, "percent-balance", _CLEAR)
    if _is_change(text.words, present):
        return Kind(UnitType.PERCENTAGE, "percent-change", _CLEAR)
    if "gdp" in present and "capita" not in present:
        potential = "potential" in present
        return Kind(UnitType.PERCENTAGE, "percent-of-potential" if potential else "percent-of-gdp", _CLEAR)
    return Kind(UnitType.PERCENTAGE, "percent-of" if "of" in present else "percent", _CLEAR)


def _is_change(words: list[str], present: frozenset[str]) -> bool:
    if not lexicon.CHANGE.isdisjoint(present) or words[-1] in lexicon.ADVERBS:
        return True
    return words[:2] == ["annual", "%"] or ("%" in present and words.count("year") > 1)


def _share_or_growth(text: UnitText, present: frozenset[str]) -> Kind | None:
    """Percentages without the sign: "share of population", "Growth rate"."""
    if "share" in present and _follows(text.words, "share", "of"):
        return Kind(UnitType.PERCENTAGE, "percent-of-gdp" if "gdp" in present else "percent-of", _LIKELY)
    if "rate" in present and not present.isdisjoint(("growth", "change", "inflation")):
        return Kind(UnitType.PERCENTAGE, "percent-change", _LIKELY)
    return None


def _percent_at(words: list[str], present: frozenset[str]) -> int:
    """Position of the percent sign or word; a figure before it ("Depreciation of 5%") makes it part of a remark."""
    if not lexicon.PERCENT.isdisjoint(present):
        for position, word in enumerate(words):
            if word in lexicon.PERCENT and not (position and words[position - 1][0].isdecimal()):
                return position
    if "cent" in present and "per" in present:
        position = words.index("cent")
        return position if words[position - 1] == "per" else -1
    return -1


def _index(text: UnitText, present: frozenset[str]) -> Kind | None:
    if "basis" in present and not present.isdisjoint(("points", "point")):
        return Kind(UnitType.INDEX, "basis-points", _CLEAR)
    if "100" in present and "=" in present and _follows(text.words, "=", "100"):
        return Kind(UnitType.INDEX, "index-base", _CLEAR)
    if present.isdisjoint(lexicon.INDEX):
        return None
    if present.isdisjoint(("index", "indices", "indexes")):
        return Kind(UnitType.INDEX, "points", _CLEAR)
    if not present.isdisjoint(("change", "changes", "growth")):
        return Kind(UnitType.PERCENTAGE, "percent-change", _LIKELY)
    return Kind(UnitType.INDEX, "index", _CLEAR)


def _follows(words: list[str], first: str, second: str) -> bool:
    return any(pair == (first, second) for pair in pairwise(words))


def _scored(text: UnitText, present: frozenset[str]) -> Kind | None:
    if not present.isdisjoint(lexicon.SCORE):
        return Kind(UnitType.INDEX, "score", _CLEAR)
    if "=" in present and text.words[0].isdecimal() and present.isdisjoint(("$", "us")):
        if not present.isdisjoint(lexicon.FLAG_ANSWERS):
            return Kind(UnitType.UNKNOWN, "flag", _LIKELY)
        return Kind(UnitType.INDEX, "score", _CLEAR) if "to" in present else Kind(UnitType.COUNT, "rank", _LIKELY)
    if not present.isdisjoint(lexicon.RANK):
        return Kind(UnitType.COUNT, "rank", _LIKELY)
    return None


def _arms(text: UnitText, present: frozenset[str]) -> Kind | None:
    """SIPRI trend-indicator values count deliveries of arms; they look like money but are none."""
    if "tiv" in present or {"trend", "indicator"} <= present:
        return Kind(UnitType.PHYSICAL, "sipri-tiv", _CLEAR)
    return None


def _money(text: UnitText, present: frozenset[str]) -> Kind | None:
    if text.money is None:
        return None
    if "=" in present and not present.isdisjoint(("1", "1.000", "1.0", "1.00")):
        return Kind(UnitType.RATIO, "currency-parity", _WEAK)
    if text.per and text.time_unit is None and text.per[0][:1] not in (["person"], ["capita"]):
        return Kind(UnitType.CURRENCY_AMOUNT, "currency-per-unit", _CLEAR)
    return Kind(UnitType.CURRENCY_AMOUNT, f"currency-{text.money.kind}", _CLEAR)


def _time_span(text: UnitText, present: frozenset[str]) -> Kind | None:
    if "months" in present and not present.isdisjoint(("imports", "import", "cover")):
        return Kind(UnitType.RATIO, "months-of-imports", _CLEAR)
    head = [word for word in text.head if word not in lexicon.DURATION_FILLER and word not in scales.WORDS]
    if not head or not all(word in lexicon.DURATION for word in head):
        return None
    return Kind(UnitType.RATE, "rate", _LIKELY) if text.per else Kind(UnitType.DURATION, "duration", _CLEAR)


def _ratio(text: UnitText, present: frozenset[str]) -> Kind | None:
    return None if present.isdisjoint(lexicon.RATIO) else Kind(UnitType.RATIO, "ratio", _CLEAR)


def _per_something(text: UnitText, present: frozenset[str]) -> Kind | None:
    if not text.per:
        return None
    if not lexicon.PHYSICAL.isdisjoint(text.head) and all(clause[:1] and _is_span(clause) for clause in text.per):
        return Kind(UnitType.PHYSICAL, "physical-per-time", _CLEAR)
    return Kind(UnitType.RATE, "rate", _LIKELY)


def _is_span(clause: list[str]) -> bool:
    return clause[0] in lexicon.TIME_SPANS or clause == ["stream", "day"]


def _quantity(text: UnitText, present: frozenset[str]) -> Kind | None:
    rest = [word for word in text.head if word not in scales.WORDS]
    if not rest:
        return Kind(UnitType.COUNT, "scale-only", _WEAK) if text.factor is not None else None
    if rest[0] in ("number", "count") or lexicon.COUNT.issuperset(rest):
        return Kind(UnitType.COUNT, "count", _LIKELY)
    if not lexicon.PHYSICAL.isdisjoint(rest):
        return Kind(UnitType.PHYSICAL, "physical", _CLEAR)
    if not lexicon.COUNT.isdisjoint(rest) and rest[0] not in lexicon.REMARK_STARTS:
        return Kind(UnitType.COUNT, "count", _LIKELY)
    return Kind(UnitType.COUNT, "scaled-things", _WEAK) if text.factor is not None else None


_RULES: Final = (
    _poverty_line,
    _percentage,
    _share_or_growth,
    _index,
    _scored,
    _arms,
    _money,
    _time_span,
    _ratio,
    _per_something,
    _quantity,
)
