"""Tables of the review: which rule a settled case stands for, which answers are as good, which time bases fit."""

from typing import Final

from schemas.enums import Family, IndicatorType, TemporalAggregation, TimeBasis
from services.classification.rules.known_cases import Verdict

_CHANGE = (3, "change_misplaced")
_INTEREST = (4, "interest_misplaced")
_LABOUR = (5, "labour_or_tax_rate_misplaced")
_INDEX = (6, "index_misplaced")
_BALANCE = (13, "balance_misplaced")
_EVENTS = (15, "survey_or_event_misplaced")

RULE_OF_CASE: Final[dict[str, tuple[int, str]]] = {
    **dict.fromkeys(
        (
            "inflation",
            "change of prices",
            "change of wages",
            "change in the unit or name",
            "activity in percent",
            "growth in percent",
            "growth of wages in percent",
        ),
        _CHANGE,
    ),
    **dict.fromkeys(("official interest rate", "interest rate", "bond yield", "interest spread"), _INTEREST),
    **dict.fromkeys(
        ("unemployment rate", "employment or participation rate", "tax or contribution rate", "capacity in use"),
        _LABOUR,
    ),
    **dict.fromkeys(
        (
            "price index",
            "survey or activity index",
            "terms of trade",
            "standardised activity index",
            "wages as index",
            "consumer sentiment index",
        ),
        _INDEX,
    ),
    "named balance": _BALANCE,
    **dict.fromkeys(
        (
            "prices paid",
            "change of employment",
            "change of claimants",
            "vehicles",
            "housing started or permitted",
            "new claims",
            "claims averaged",
        ),
        _EVENTS,
    ),
}
"""Number and name of the rule that a settled case enforces."""

_NM, _PF = Family.NUMERIC_MEASUREMENT, Family.PHYSICAL_FUNDAMENTAL
_PV, _CM = Family.PRICE_VALUE, Family.CHANGE_MOVEMENT
_ALIASES: Final = (
    {(_NM, IndicatorType.PERCENTAGE), (_NM, IndicatorType.RATIO), (_NM, IndicatorType.SHARE)},
    {(_NM, IndicatorType.RATE), (_NM, IndicatorType.RATIO)},
    {(_PV, IndicatorType.PRICE), (_PV, IndicatorType.RATE)},
    {(_PV, IndicatorType.YIELD), (_PV, IndicatorType.RATE)},
    {(_PF, IndicatorType.FLOW), (_PF, IndicatorType.VOLUME)},
    {(_PF, IndicatorType.FLOW), (_PV, IndicatorType.PRICE)},
    {(_NM, IndicatorType.RATE), (_PF, IndicatorType.VOLUME)},
    {(_NM, IndicatorType.COUNT), (_PF, IndicatorType.VOLUME)},
    {(_CM, IndicatorType.RATE), (_CM, IndicatorType.GAP)},
    {(Family.COMPOSITE_DERIVED, IndicatorType.INDEX), (Family.QUALITATIVE, IndicatorType.SENTIMENT)},
)
"""Answers that careful labellers give for the same indicator (classification spec 1.4, 7)."""

_BASES: Final = {
    TemporalAggregation.PERIOD_TOTAL: (TimeBasis.PER_PERIOD,),
    TemporalAggregation.PERIOD_RATE: (TimeBasis.PER_PERIOD,),
    TemporalAggregation.PERIOD_CUMULATIVE: (TimeBasis.CUMULATIVE,),
    TemporalAggregation.POINT_IN_TIME: (TimeBasis.POINT_IN_TIME,),
    TemporalAggregation.PERIOD_AVERAGE: (TimeBasis.POINT_IN_TIME, TimeBasis.PER_PERIOD),
    TemporalAggregation.NOT_APPLICABLE: (TimeBasis.POINT_IN_TIME, TimeBasis.PER_PERIOD),
}


def are_aliases(verdict: Verdict, family: Family, indicator_type: IndicatorType) -> bool:
    """Whether a pair is the verdict's, or one that serves as well."""
    given, settled = (family, indicator_type), (verdict.family, verdict.indicator_type)
    return given == settled or any(given in group and settled in group for group in _ALIASES)


def fits_basis(aggregation: TemporalAggregation, basis: TimeBasis) -> bool:
    """Whether a time basis can stand beside an aggregation."""
    return basis in _BASES[aggregation]


def basis_of(aggregation: TemporalAggregation) -> TimeBasis:
    """The time basis that goes with an aggregation."""
    return _BASES[aggregation][0]
