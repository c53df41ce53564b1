"""What span of time one value describes (classification spec 2.3, with the words that fooled the origin checked first).

Indices, ratios, percentages and interest rates describe a moment even where they average a period; money, quantities
and events describe the period unless the name tells of a level.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

from schemas.classification import Normalization
from schemas.enums import TimeBasis, UnitType
from services.classification.rules import time_words as words
from services.classification.rules.currency import check_currency
from services.classification.rules.money_words import (
    CONVERSION,
    EXCHANGE_EFFECT,
    QUOTED,
    is_bare_commodity,
    is_expenditure_heading,
    names_commodity,
)
from services.classification.rules.names import Name, read_name

_SURE: Final = 1.0
_CLEAR: Final = 0.9
_LIKELY: Final = 0.8
_GUESS: Final = 0.6


class Basis(NamedTuple):
    """A time basis, how sure it is, and the rule that found it."""

    basis: TimeBasis
    confidence: float
    reason: str


def infer_basis(name: str, units: str, unit: Normalization) -> Basis:
    """The time basis of a name and its parsed unit."""
    words_of_name = read_name(name)
    if _is_cumulative(words_of_name, unit) or words.CUMULATIVE.found(read_name(units)):
        return Basis(TimeBasis.CUMULATIVE, _SURE, "name or unit says year to date or cumulative")
    if unit.is_currency and words.COUNTS_PEOPLE.found(words_of_name):
        return _moment("counts people, the money only bounds them")
    if unit.is_currency:
        return _of_money(words_of_name, unit)
    by_type = _BY_TYPE.get(unit.unit_type)
    if by_type is not None and unit.matched_pattern not in ("scale-only", "scaled-things"):
        return by_type(words_of_name, unit)
    return _without_unit(name, words_of_name, units, unit)


def _is_cumulative(name: Name, unit: Normalization) -> bool:
    """A share of people who reached a level is cumulative over people, a change year-to-date is still a change."""
    return words.CUMULATIVE.found(name) and unit.unit_type is not UnitType.PERCENTAGE


def _span(reason: str, confidence: float = _CLEAR) -> Basis:
    return Basis(TimeBasis.PER_PERIOD, confidence, reason)


def _moment(reason: str, confidence: float = _CLEAR) -> Basis:
    return Basis(TimeBasis.POINT_IN_TIME, confidence, reason)


def _of_percentage(name: Name, unit: Normalization) -> Basis:
    pattern = unit.matched_pattern.removeprefix("name:")
    if pattern == "percent-of-gdp" and words.NAMED_BALANCE.found(name):
        return _span("a named balance, in percent of GDP")
    if _is_change(name, unit, pattern):
        return _span("unit or name tells of growth or change")
    bare = pattern in ("percent", "percentage-points")
    if bare and words.ACTIVITY.found(name) and not words.LEVEL_IN_PERCENT.found(name):
        return _span("activity in percent is its change", _LIKELY)
    return _moment("a share or a level in percent")


def _is_change(name: Name, unit: Normalization, pattern: str) -> bool:
    """A unit of change decides alone; the same word in a name may belong to an expectation or a survey."""
    if pattern == "percent-change" and (unit.matched_pattern == pattern or words.YEAR_ON_YEAR.found(name)):
        return True
    if words.LEVEL_DESPITE_CHANGE.found(name):
        return False
    if pattern in ("percent", "percentage-points"):
        return words.CHANGE.found(name)
    return pattern == "percent-change" or words.YEAR_ON_YEAR.found(name)


def _of_index(name: Name, unit: Normalization) -> Basis:
    return _moment("an index, a score or points")


def _of_money(name: Name, unit: Normalization) -> Basis:
    price = _price_reason(name, unit)
    if price:
        return _moment(price)
    if words.NAMED_BALANCE.found(name):
        return _span("a named balance of flows")
    if words.PRICE.found(name) and not words.PRICE_BUT_FLOW.found(name):
        return _moment("a price", _LIKELY)
    if words.STOCK.found(name) and not words.FLOW_DESPITE_STOCK.found(name):
        return _moment("an amount outstanding")
    return _span("an amount of money moves in the period", _LIKELY)


def _price_reason(name: Name, unit: Normalization) -> str:
    if _is_quoted_good(name, unit):
        return "a traded good, quoted by its price"
    if words.MINIMUM_WAGE.found(name):
        return "a price set by law"
    if CONVERSION.found(name) and not EXCHANGE_EFFECT.found(name):
        return "a rate between currencies"
    per_unit = unit.matched_pattern.endswith("currency-per-unit") and not words.PRICE_BUT_FLOW.found(name)
    return "money per unit is a price" if per_unit else ""


def _is_quoted_good(name: Name, unit: Normalization) -> bool:
    if unit.multiplier != 1.0 or "constant" in unit.original_units or is_expenditure_heading(name):
        return False
    if QUOTED.found(name) or is_bare_commodity(name):
        return True
    return names_commodity(name) and not (words.PRICE_BUT_FLOW.found(name) or words.FLOW_DESPITE_STOCK.found(name))


def _of_physical(name: Name, unit: Normalization) -> Basis:
    if "capacity" in unit.original_units.lower() or "hectares" in unit.original_units.lower():
        return _span("an area in a season") if words.PHYSICAL_FLOW.found(name) else _moment("an area or a capacity")
    if words.PHYSICAL_LEVEL.found(name) and not words.PHYSICAL_FLOW.found(name):
        return _moment("a stock, an area or a capacity")
    return _span("a quantity moves in the period", _LIKELY)


def _of_count(name: Name, unit: Normalization) -> Basis:
    if unit.matched_pattern == "rank":
        return _moment("a rank")
    if words.EVENTS.found(name) and not words.LEVEL_DESPITE_EVENTS.found(name):
        return _span("counts events")
    return _moment("counts what exists at the time", _LIKELY)


def _of_rate(name: Name, unit: Normalization) -> Basis:
    if words.RATE_EVENTS.found(name):
        return _span("events per head")
    return _moment("a proportion", _LIKELY)


def _of_duration(name: Name, unit: Normalization) -> Basis:
    if words.HOURS_WORKED.found(name):
        return _span("hours worked in the period")
    return _moment("a length of time")


def _of_ratio(name: Name, unit: Normalization) -> Basis:
    return _moment("a ratio")


_BY_TYPE: Final[dict[UnitType, Callable[[Name, Normalization], Basis]]] = {
    UnitType.PERCENTAGE: _of_percentage,
    UnitType.INDEX: _of_index,
    UnitType.CURRENCY_AMOUNT: _of_money,
    UnitType.PHYSICAL: _of_physical,
    UnitType.COUNT: _of_count,
    UnitType.RATE: _of_rate,
    UnitType.DURATION: _of_duration,
    UnitType.RATIO: _of_ratio,
}


def _without_unit(name: str, words_of_name: Name, units: str, unit: Normalization) -> Basis:
    """Empty units, remarks, and bare scales: money if the name tells of money, else people, things or events."""
    if check_currency(unit, name, units).is_currency_denominated:
        return _of_money(words_of_name, unit)
    if unit.unit_type is UnitType.COUNT:
        return _of_count(words_of_name, unit)
    if words.HOURS_WORKED.found(words_of_name):
        return _span("hours worked in the period", _GUESS)
    if words.RATE_EVENTS.found(words_of_name):
        return _span("events per head or events", _GUESS)
    if words.CHANGE.found(words_of_name) and not words.LEVEL_DESPITE_CHANGE.found(words_of_name):
        return _span("name tells of growth or change", _GUESS)
    return _of_count(words_of_name, unit)._replace(confidence=_GUESS)
