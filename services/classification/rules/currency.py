"""The semantic currency flag: is the value an amount of money (classification spec 1.4, 2.5)?

A unit may hold a currency and still be no amount of it: an exchange or purchasing power rate, an index of values, a
count of people below a line in dollars. And money is often published with a scale alone ("Billions") or no unit at all.
"""

from typing import Final

from schemas.classification import CurrencyCheck, Normalization
from schemas.enums import UnitType
from services.classification.rules.money_words import (
    COMMODITY_MARKS,
    CONVERSION,
    COUNTED,
    EXCHANGE_EFFECT,
    MONEY,
    NOT_AMOUNT,
    QUALIFIED,
    QUOTED,
    SURE_MONEY,
    is_bare_commodity,
    is_expenditure_heading,
)
from services.classification.rules.names import Name, read_name

_OPEN_PATTERNS: Final = frozenset(("empty", "remark", "scale-only", "scaled-things", "name:rate"))
_MONEY_SCALES: Final = 1e6
_SURE: Final = 0.98
_LIKELY: Final = 0.9
_GUESS: Final = 0.75


def check_currency(unit: Normalization, name: str, units: str) -> CurrencyCheck:
    """Whether values are amounts of money; the code is the unit's, None for national or unknown money."""
    words = read_name(name)
    if unit.is_currency:
        reason = _no_amount(unit, words, read_name(units))
        if reason:
            return _answer(None, _LIKELY, reason)
        return _answer(unit, unit.confidence, f"unit names money ({unit.matched_pattern})")
    if unit.matched_pattern in _OPEN_PATTERNS or (unit.matched_pattern.startswith("name:") and _is_quoted(words)):
        return _by_name(unit, words)
    return _answer(None, max(unit.confidence, _GUESS), f"unit is {unit.unit_type} ({unit.matched_pattern})")


def _no_amount(unit: Normalization, name: Name, units: Name) -> str:
    """Why a unit with money in it measures something else, "" if it does not."""
    if (CONVERSION.found(name) and not EXCHANGE_EFFECT.found(name)) or _converts(units):
        return "a rate between currencies, not an amount"
    if QUALIFIED.found(name):
        return "an index or a count, the money only qualifies it"
    return ""


def _converts(units: Name) -> bool:
    """Units such as "LCU per US$" or "Japanese Yen to One U.S. Dollar"."""
    return " to one " in units.text or (" per " in units.text and _ends_in_money(units.text.rpartition(" per ")[2]))


def _ends_in_money(denominator: str) -> bool:
    return denominator.startswith(
        ("us $", "us dollar", "u s dollar", "usd", "international $", "current international")
    )


def _by_name(unit: Normalization, name: Name) -> CurrencyCheck:
    """Units that are empty, a remark, or only a scale: the name decides; large scales lean to money."""
    if _is_quoted(name) or COMMODITY_MARKS.found(name):
        return _answer(unit, _GUESS, "name is a traded good, quoted by its price")
    if (CONVERSION.found(name) and not EXCHANGE_EFFECT.found(name)) or (
        unit.unit_type is UnitType.UNKNOWN and NOT_AMOUNT.found(name)
    ):
        return _answer(None, _GUESS, "name tells of an index, a rate or a share")
    if SURE_MONEY.found(name) or is_expenditure_heading(name):
        return _answer(unit, _GUESS, "name tells of an amount of money")
    if not COUNTED.found(name):
        if MONEY.found(name):
            return _answer(unit, _GUESS, "name tells of money and counts nothing")
        if unit.unit_type is UnitType.COUNT and unit.multiplier >= _MONEY_SCALES:
            return _answer(unit, _GUESS, "a large scale and nothing counted")
    return _answer(None, _GUESS, "neither unit nor name tells of money")


def _is_quoted(name: Name) -> bool:
    return QUOTED.found(name) or is_bare_commodity(name)


def _answer(money: Normalization | None, confidence: float, reasoning: str) -> CurrencyCheck:
    return CurrencyCheck(
        is_currency_denominated=money is not None,
        detected_currency=money.currency if money else None,
        confidence=min(confidence, _SURE),
        reasoning=reasoning,
    )
