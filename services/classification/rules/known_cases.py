"""Name and unit patterns whose class is settled (classification spec 2.5-2.7, hard cases of section 7).

Each case asks for words in the name, forbids others, and asks for a class of unit. The first that matches decides; no
case is a single indicator. Where nothing matches, nothing is said: the model decides.
"""

from functools import lru_cache
from typing import Final, NamedTuple

from schemas.classification import Normalization
from schemas.enums import Family, IndicatorType, Orientation, TemporalAggregation
from services.classification.rules.cases import BY_NAME, Case
from services.classification.rules.cases_of_indices import INDEX_CASES
from services.classification.rules.cases_of_money import MONEY_CASES
from services.classification.rules.cases_of_rates import BALANCE_CASES, CHANGE_CASES, INTEREST_CASES
from services.classification.rules.cases_of_ratios import RATIO_CASES
from services.classification.rules.cases_of_things import THING_CASES
from services.classification.rules.names import Name, Phrases, read_name, split_words
from services.classification.rules.orientation import orientation_of
from services.classification.rules.unit_classes import unit_class

_CASES: Final = (
    *BALANCE_CASES,
    *INTEREST_CASES,
    *CHANGE_CASES,
    *RATIO_CASES,
    *INDEX_CASES,
    *MONEY_CASES,
    *THING_CASES,
)
_DESCRIBED_CASES: Final = tuple(case for case in _CASES if case.described is not None)
_YTD: Final = Phrases("ytd|year to date|cumulated")
_CUMULABLE: Final = frozenset((IndicatorType.FLOW, IndicatorType.VOLUME, IndicatorType.BALANCE, IndicatorType.COUNT))
_AVERAGED: Final = Phrases("period average|annual average|monthly average|average price|average landed cost|average")
_HOME_PRICES: Final = Phrases("house|houses|home|homes|housing|sales price")
_END_OF_PERIOD: Final = Phrases("end of period|eop|end period|end of month|end of year")


class Verdict(NamedTuple):
    """What a case decides. `orientation` is None where the case leaves it open; `rule` names the case."""

    family: Family
    indicator_type: IndicatorType
    temporal_aggregation: TemporalAggregation
    orientation: Orientation | None
    confidence: float
    rule: str
    orientation_is_certain: bool = True
    """False where the orientation is only read from words of the name."""


def decide(name: str, units: str, unit: Normalization, description: str = "") -> Verdict | None:
    """The verdict of the first case that matches; None where no case is certain enough.

    `unit` is the parsed form of `units`, read with the same name. The description only serves the exceptions that
    override a name ("Change in reserves" described as net accumulation).
    """
    if description and any(case.name is not None and case.name.found(read_name(name)) for case in _DESCRIBED_CASES):
        return _first(name, units, unit, split_words(description))
    return _decide(name, units, unit)


@lru_cache(maxsize=8_192)
def _decide(name: str, units: str, unit: Normalization) -> Verdict | None:
    return _first(name, units, unit, None)


def _first(name: str, units: str, unit: Normalization, described: Name | None) -> Verdict | None:
    words = read_name(name)
    class_of_unit = unit_class(unit, name, units)
    for case in _CASES:
        if _matches(case, words, class_of_unit, described):
            return _verdict(case, words)
    return None


def _matches(case: Case, name: Name, class_of_unit: str, described: Name | None) -> bool:
    if class_of_unit not in case.units:
        return False
    if case.described is not None and not (described and case.described.found(described)):
        return False
    if case.name is not None and not case.name.found(name):
        return False
    return case.unless is None or not case.unless.found(name)


def _verdict(case: Case, name: Name) -> Verdict:
    family, indicator_type = case.pair
    orientation = orientation_of(name) if case.orientation == BY_NAME else case.orientation
    certain = case.orientation != BY_NAME
    return Verdict(family, indicator_type, _aggregation(case, name), orientation, case.confidence, case.rule, certain)


def _aggregation(case: Case, name: Name) -> TemporalAggregation:
    """The case's aggregation, unless the name says year to date, average, or end of period."""
    if case.pair[1] in _CUMULABLE and _YTD.found(name):
        return TemporalAggregation.PERIOD_CUMULATIVE
    if case.aggregation is TemporalAggregation.PERIOD_AVERAGE and _END_OF_PERIOD.found(name):
        return TemporalAggregation.POINT_IN_TIME
    if case.pair[1] is IndicatorType.PRICE and _AVERAGED.found(name) and not _HOME_PRICES.found(name):
        return TemporalAggregation.PERIOD_AVERAGE
    return case.aggregation
