"""Review rules 1 to 16 (classification spec 2.7): what a classified row violates, and what should stand there instead.

A rule fires only where it is certain: rules about names rest on the settled cases (known_cases), rules about fields on
the table of families and types. Rule 0 is a settled case that none of the sixteen names.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, NamedTuple

from schemas.classification import Normalization
from schemas.enums import (
    CumulativePattern,
    Family,
    IndicatorType,
    Orientation,
    ReportingFrequency,
    ReviewField,
    Scale,
    TemporalAggregation,
    TimeBasis,
)
from schemas.taxonomy import TAXONOMY, is_legal
from services.classification.rules.known_cases import Verdict, decide
from services.classification.rules.names import Name, Phrases, read_name
from services.classification.rules.review_tables import (
    RULE_OF_CASE,
    are_aliases,
    basis_of,
    fits_basis,
)

Replacement = str | bool | None


@dataclass(frozen=True, slots=True)
class Row:
    """The values of one indicator that a review can look at. Confidences 0..1; `unit` is the parsed `units`."""

    name: str
    units: str
    unit: Normalization
    family: Family
    indicator_type: IndicatorType
    temporal_aggregation: TemporalAggregation
    heat_map_orientation: Orientation
    time_basis: TimeBasis
    reporting_frequency: ReportingFrequency = ReportingFrequency.POINT_IN_TIME
    scale: Scale = Scale.RAW_UNITS
    is_currency_denominated: bool = False
    detected_currency: str | None = None
    description: str = ""
    family_confidence: float = 1.0
    type_confidence: float = 1.0
    orientation_confidence: float = 1.0
    cumulative: CumulativePattern = CumulativePattern.UNKNOWN
    cumulative_confidence: float = 0.0


class Violation(NamedTuple):
    """One rule that the row breaks. `expected` may be empty: then the fields have to be decided again."""

    rule: int
    name: str
    fields: tuple[ReviewField, ...]
    expected: dict[ReviewField, Replacement]
    reason: str


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Rule 16: below these confidences a row is reviewed."""

    family: float = 0.75
    type: float = 0.75
    orientation: float = 0.85
    cumulative: float = 0.8
    """Above this a detected year-to-date pattern is binding (rule 11)."""


DEFAULT_THRESHOLDS: Final = Thresholds()


def violations(row: Row, thresholds: Thresholds = DEFAULT_THRESHOLDS) -> tuple[Violation, ...]:
    """All rules that `row` breaks, in the order of their numbers; empty for a row that no rule objects to."""
    verdict = decide(row.name, row.units, row.unit, row.description)
    facts = _Facts(row, read_name(row.name), verdict, thresholds)
    found = [violation for rule in _RULES if (violation := rule(facts)) is not None]
    return tuple(sorted(found, key=lambda violation: violation.rule))


def apply(row: Row, corrections: Mapping[ReviewField, Replacement]) -> Row:
    """The row with fields replaced. Raises ValueError for a value that the field cannot hold."""
    changes: dict[str, object] = {}
    for field, value in corrections.items():
        changes[field.value] = checked_value(field, value)
    return replace(row, **changes)  # type: ignore[arg-type]  # checked_value has checked each


def checked_value(field: ReviewField, value: Replacement) -> object:
    """The value as the field holds it. Raises ValueError for one that it cannot hold."""
    if field is ReviewField.IS_CURRENCY_DENOMINATED:
        if not isinstance(value, bool):
            raise ValueError(f"{field} must be true or false, not {value!r}")
        return value
    if field is ReviewField.DETECTED_CURRENCY:
        if value is None or (isinstance(value, str) and len(value) == _CODE_LENGTH and value.isupper()):
            return value
        raise ValueError(f"{field} must be a currency code or null, not {value!r}")
    return VOCABULARIES[field](str(value))


_CODE_LENGTH: Final = 3
VOCABULARIES: Final[dict[ReviewField, type[StrEnum]]] = {
    ReviewField.TIME_BASIS: TimeBasis,
    ReviewField.REPORTING_FREQUENCY: ReportingFrequency,
    ReviewField.SCALE: Scale,
    ReviewField.FAMILY: Family,
    ReviewField.INDICATOR_TYPE: IndicatorType,
    ReviewField.TEMPORAL_AGGREGATION: TemporalAggregation,
    ReviewField.HEAT_MAP_ORIENTATION: Orientation,
}
"""What a field can hold; the two that are not here hold a flag and a currency code."""


class _Facts(NamedTuple):
    row: Row
    name: Name
    verdict: Verdict | None
    thresholds: Thresholds


def _violation(rule: int, name: str, expected: dict[ReviewField, Replacement], reason: str) -> Violation:
    return Violation(rule, name, tuple(expected), expected, reason)


def _aggregation(rule: int, name: str, row: Row, expected: TemporalAggregation, reason: str) -> Violation:
    """A violation of the aggregation; the time basis follows where it no longer fits."""
    changes: dict[ReviewField, Replacement] = {ReviewField.TEMPORAL_AGGREGATION: expected.value}
    if not fits_basis(expected, row.time_basis):
        changes[ReviewField.TIME_BASIS] = basis_of(expected).value
    return _violation(rule, name, changes, reason)


def _illegal_pair(facts: _Facts) -> Violation | None:
    row = facts.row
    if is_legal(row.family, row.indicator_type):
        return None
    families = [family for family, kind in TAXONOMY if kind is row.indicator_type]
    reason = f"{row.family}/{row.indicator_type} is not in the table of families and types"
    if len(families) == 1:
        return _violation(1, "illegal_pair", {ReviewField.FAMILY: families[0].value}, reason)
    return Violation(1, "illegal_pair", (ReviewField.FAMILY, ReviewField.INDICATOR_TYPE), {}, reason)


_OF_MONEY: Final = frozenset((Family.PHYSICAL_FUNDAMENTAL, Family.PRICE_VALUE, Family.OTHER))


def _family_of_money(facts: _Facts) -> Violation | None:
    row = facts.row
    if not row.is_currency_denominated or row.family in _OF_MONEY:
        return None
    if row.indicator_type in (IndicatorType.THRESHOLD, IndicatorType.GAP):
        return None
    fields = (ReviewField.IS_CURRENCY_DENOMINATED, ReviewField.FAMILY, ReviewField.INDICATOR_TYPE)
    return Violation(2, "currency_family", fields, {}, f"an amount of money cannot be {row.family}")


def _settled_case(facts: _Facts) -> Violation | None:
    """Rules 3, 4, 5, 6, 13, 15: names and units that settle family and type."""
    row, verdict = facts.row, facts.verdict
    if verdict is None or are_aliases(verdict, row.family, row.indicator_type):
        return None
    expected: dict[ReviewField, Replacement] = {
        ReviewField.FAMILY: verdict.family.value,
        ReviewField.INDICATOR_TYPE: verdict.indicator_type.value,
        ReviewField.TEMPORAL_AGGREGATION: verdict.temporal_aggregation.value,
    }
    if not fits_basis(verdict.temporal_aggregation, row.time_basis):
        expected[ReviewField.TIME_BASIS] = basis_of(verdict.temporal_aggregation).value
    if verdict.orientation is not None:
        expected[ReviewField.HEAT_MAP_ORIENTATION] = verdict.orientation.value
    if verdict.family is Family.CHANGE_MOVEMENT and row.is_currency_denominated:
        expected |= {ReviewField.IS_CURRENCY_DENOMINATED: False, ReviewField.DETECTED_CURRENCY: None}
    wrong = {field: value for field, value in expected.items() if _value(row, field) != value}
    pair = f"{verdict.family}/{verdict.indicator_type}"
    rule, name = RULE_OF_CASE.get(verdict.rule, (0, "settled_case"))
    return _violation(rule, name, wrong, f"{verdict.rule}: name and unit mean {pair}")


def _value(row: Row, field: ReviewField) -> Replacement:
    value: Replacement = getattr(row, field.value)
    return value


_MOMENTS: Final = frozenset((IndicatorType.STOCK, IndicatorType.PRICE, IndicatorType.CAPACITY))
_SPANS: Final = frozenset((TemporalAggregation.PERIOD_TOTAL, TemporalAggregation.PERIOD_RATE))


def _stock_over_a_span(facts: _Facts) -> Violation | None:
    row = facts.row
    if row.indicator_type not in _MOMENTS or row.temporal_aggregation not in _SPANS:
        return None
    reason = f"a {row.indicator_type} holds at a date"
    return _aggregation(7, "stock_over_a_span", row, TemporalAggregation.POINT_IN_TIME, reason)


_AVERAGE: Final = Phrases("average|mean|avg")


def _flow_at_a_date(facts: _Facts) -> Violation | None:
    row = facts.row
    if row.indicator_type not in (IndicatorType.FLOW, IndicatorType.VOLUME) or row.temporal_aggregation not in (
        TemporalAggregation.POINT_IN_TIME,
        TemporalAggregation.NOT_APPLICABLE,
    ):
        return None
    average = _AVERAGE.found(facts.name)
    expected = TemporalAggregation.PERIOD_AVERAGE if average else TemporalAggregation.PERIOD_TOTAL
    return _aggregation(8, "flow_at_a_date", row, expected, f"a {row.indicator_type} covers a period")


def _count_aggregation(facts: _Facts) -> Violation | None:
    row, verdict = facts.row, facts.verdict
    if verdict is None or verdict.indicator_type is not IndicatorType.COUNT:
        return None
    if row.indicator_type is not IndicatorType.COUNT or verdict.rule in ("weather", "rainfall"):
        return None
    if row.temporal_aggregation is verdict.temporal_aggregation or _is_year_to_date(facts):
        return None
    return _aggregation(9, "count_aggregation", row, verdict.temporal_aggregation, f"{verdict.rule} decides the count")


_LEVELS: Final = frozenset(
    (IndicatorType.INDEX, IndicatorType.RATIO, IndicatorType.PERCENTAGE, IndicatorType.SHARE, IndicatorType.SPREAD)
)
_SUMS: Final = frozenset((TemporalAggregation.PERIOD_TOTAL, TemporalAggregation.PERIOD_CUMULATIVE))


def _sum_of_levels(facts: _Facts) -> Violation | None:
    row = facts.row
    if row.indicator_type not in _LEVELS or row.temporal_aggregation not in _SUMS:
        return None
    index = row.indicator_type is IndicatorType.INDEX
    expected = TemporalAggregation.PERIOD_AVERAGE if index else TemporalAggregation.POINT_IN_TIME
    return _aggregation(10, "sum_of_levels", row, expected, f"a {row.indicator_type} cannot be added up")


_YEAR_TO_DATE: Final = Phrases("ytd|year to date")
_CUMULABLE: Final = frozenset((IndicatorType.FLOW, IndicatorType.VOLUME, IndicatorType.BALANCE, IndicatorType.COUNT))


def _is_year_to_date(facts: _Facts) -> bool:
    detected = facts.row.cumulative is CumulativePattern.YTD
    binding = detected and facts.row.cumulative_confidence > facts.thresholds.cumulative
    return binding or _YEAR_TO_DATE.found(facts.name)


def _year_to_date(facts: _Facts) -> Violation | None:
    row = facts.row
    cumulative = row.temporal_aggregation is TemporalAggregation.PERIOD_CUMULATIVE
    contradicts = row.time_basis is TimeBasis.CUMULATIVE and row.temporal_aggregation is (
        TemporalAggregation.PERIOD_AVERAGE
    )
    if row.indicator_type in _CUMULABLE and not cumulative and (_is_year_to_date(facts) or contradicts):
        expected = TemporalAggregation.PERIOD_CUMULATIVE
        return _aggregation(11, "year_to_date", row, expected, "the value adds up over the year")
    if contradicts:
        fields = (ReviewField.TIME_BASIS, ReviewField.TEMPORAL_AGGREGATION)
        return Violation(11, "year_to_date", fields, {}, "an average cannot be cumulative")
    return None


_NO_SCALE: Final = frozenset((Scale.PERCENT, Scale.INDEX, Scale.RAW_UNITS))


def _scaled_change(facts: _Facts) -> Violation | None:
    row = facts.row
    if row.family is not Family.CHANGE_MOVEMENT or row.scale in _NO_SCALE:
        return None
    if row.indicator_type is IndicatorType.GAP:
        return None
    expected: dict[ReviewField, Replacement] = {ReviewField.SCALE: Scale.PERCENT.value}
    return _violation(12, "scaled_change", expected, f"a change is not counted in {row.scale}")


def _orientation(facts: _Facts) -> Violation | None:
    row, verdict = facts.row, facts.verdict
    if verdict is None or verdict.orientation is None or not verdict.orientation_is_certain:
        return None
    if row.heat_map_orientation is verdict.orientation:
        return None
    expected: dict[ReviewField, Replacement] = {ReviewField.HEAT_MAP_ORIENTATION: verdict.orientation.value}
    return _violation(14, "orientation", expected, f"{verdict.rule} is {verdict.orientation}")


def _low_confidence(facts: _Facts) -> Violation | None:
    row, limits = facts.row, facts.thresholds
    low = [
        field
        for field, confidence, limit in (
            (ReviewField.FAMILY, row.family_confidence, limits.family),
            (ReviewField.INDICATOR_TYPE, row.type_confidence, limits.type),
            (ReviewField.HEAT_MAP_ORIENTATION, row.orientation_confidence, limits.orientation),
        )
        if confidence < limit
    ]
    if not low:
        return None
    return Violation(16, "low_confidence", tuple(low), {}, f"not certain of {', '.join(low)}")


_RULES: Final[tuple[Callable[[_Facts], Violation | None], ...]] = (
    _illegal_pair,
    _family_of_money,
    _settled_case,
    _stock_over_a_span,
    _flow_at_a_date,
    _count_aggregation,
    _sum_of_levels,
    _year_to_date,
    _scaled_change,
    _orientation,
    _low_confidence,
)
