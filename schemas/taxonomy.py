"""The canonical table of families and types (classification spec 1.3): a pair outside it is invalid."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from schemas.enums import Family, IndicatorType, Orientation, TemporalAggregation

_PIT = TemporalAggregation.POINT_IN_TIME
_TOTAL = TemporalAggregation.PERIOD_TOTAL
_AVERAGE = TemporalAggregation.PERIOD_AVERAGE
_RATE = TemporalAggregation.PERIOD_RATE
_NONE = TemporalAggregation.NOT_APPLICABLE
_UP = Orientation.HIGHER_IS_POSITIVE
_DOWN = Orientation.LOWER_IS_POSITIVE
_FLAT = Orientation.NEUTRAL


class Defaults(NamedTuple):
    """What holds for a (family, type) pair when nothing in the record says otherwise.

    `orientation` is None where it depends on what is measured.
    """

    temporal_aggregation: TemporalAggregation
    orientation: Orientation | None


TAXONOMY: Final[Mapping[tuple[Family, IndicatorType], Defaults]] = MappingProxyType(
    {
        (Family.PHYSICAL_FUNDAMENTAL, IndicatorType.STOCK): Defaults(_PIT, None),
        (Family.PHYSICAL_FUNDAMENTAL, IndicatorType.FLOW): Defaults(_TOTAL, _UP),
        (Family.PHYSICAL_FUNDAMENTAL, IndicatorType.BALANCE): Defaults(_TOTAL, _FLAT),
        (Family.PHYSICAL_FUNDAMENTAL, IndicatorType.CAPACITY): Defaults(_PIT, _UP),
        (Family.PHYSICAL_FUNDAMENTAL, IndicatorType.VOLUME): Defaults(_TOTAL, _UP),
        (Family.NUMERIC_MEASUREMENT, IndicatorType.COUNT): Defaults(_PIT, None),
        (Family.NUMERIC_MEASUREMENT, IndicatorType.PERCENTAGE): Defaults(_PIT, None),
        (Family.NUMERIC_MEASUREMENT, IndicatorType.RATIO): Defaults(_PIT, None),
        (Family.NUMERIC_MEASUREMENT, IndicatorType.SPREAD): Defaults(_PIT, _FLAT),
        (Family.NUMERIC_MEASUREMENT, IndicatorType.SHARE): Defaults(_PIT, _FLAT),
        (Family.NUMERIC_MEASUREMENT, IndicatorType.BALANCE): Defaults(_TOTAL, None),
        (Family.NUMERIC_MEASUREMENT, IndicatorType.RATE): Defaults(_AVERAGE, None),
        (Family.PRICE_VALUE, IndicatorType.PRICE): Defaults(_PIT, _FLAT),
        (Family.PRICE_VALUE, IndicatorType.RATE): Defaults(_AVERAGE, _FLAT),
        (Family.PRICE_VALUE, IndicatorType.YIELD): Defaults(_PIT, _FLAT),
        (Family.CHANGE_MOVEMENT, IndicatorType.RATE): Defaults(_RATE, None),
        (Family.CHANGE_MOVEMENT, IndicatorType.VOLATILITY): Defaults(_AVERAGE, _DOWN),
        (Family.CHANGE_MOVEMENT, IndicatorType.GAP): Defaults(_PIT, _FLAT),
        (Family.COMPOSITE_DERIVED, IndicatorType.INDEX): Defaults(_AVERAGE, None),
        (Family.COMPOSITE_DERIVED, IndicatorType.CORRELATION): Defaults(_NONE, _FLAT),
        (Family.COMPOSITE_DERIVED, IndicatorType.ELASTICITY): Defaults(_NONE, _FLAT),
        (Family.COMPOSITE_DERIVED, IndicatorType.MULTIPLIER): Defaults(_NONE, _UP),
        (Family.TEMPORAL, IndicatorType.DURATION): Defaults(_PIT, None),
        (Family.TEMPORAL, IndicatorType.PROBABILITY): Defaults(_PIT, _DOWN),
        (Family.TEMPORAL, IndicatorType.THRESHOLD): Defaults(_PIT, _FLAT),
        (Family.QUALITATIVE, IndicatorType.SENTIMENT): Defaults(_PIT, _UP),
        (Family.QUALITATIVE, IndicatorType.ALLOCATION): Defaults(_PIT, _FLAT),
        **{(family, IndicatorType.OTHER): Defaults(_NONE, _FLAT) for family in Family},
    }
)


def is_legal(family: Family, indicator_type: IndicatorType) -> bool:
    """Whether the pair is in the canonical table."""
    return (family, indicator_type) in TAXONOMY
