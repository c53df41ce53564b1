"""What the model answers: its heads, and the order of the classes of each."""

from typing import Final

from schemas.enums import Family, IndicatorType, Orientation, TemporalAggregation, TimeBasis
from schemas.taxonomy import TAXONOMY

Pair = tuple[Family, IndicatorType]

PAIRS: Final[tuple[Pair, ...]] = (
    *(pair for pair in TAXONOMY if pair[1] is not IndicatorType.OTHER),
    (Family.OTHER, IndicatorType.OTHER),
)
"""Every legal pair of the canonical table, with one `other` in place of eight."""

FAMILIES: Final = tuple(Family)
AGGREGATIONS: Final = tuple(TemporalAggregation)
ORIENTATIONS: Final = tuple(Orientation)
TIME_BASES: Final = tuple(TimeBasis)
CURRENCY_FLAGS: Final = (False, True)

HEADS: Final[dict[str, int]] = {
    "pair": len(PAIRS),
    "aggregation": len(AGGREGATIONS),
    "orientation": len(ORIENTATIONS),
    "currency": len(CURRENCY_FLAGS),
    "time_basis": len(TIME_BASES),
}
"""Head -> number of classes, in the order of the columns of the linear map."""

WIDTH: Final = sum(HEADS.values())

PAIR_INDEX: Final = {pair: i for i, pair in enumerate(PAIRS)}
PAIRS_OF_FAMILY: Final[dict[Family, tuple[int, ...]]] = {
    family: tuple(i for i, pair in enumerate(PAIRS) if pair[0] is family) for family in FAMILIES
}
"""Family -> positions of its pairs."""


_A, _T, _R, _C, _P, _N = (
    TemporalAggregation.PERIOD_AVERAGE,
    TemporalAggregation.PERIOD_TOTAL,
    TemporalAggregation.PERIOD_RATE,
    TemporalAggregation.PERIOD_CUMULATIVE,
    TemporalAggregation.POINT_IN_TIME,
    TemporalAggregation.NOT_APPLICABLE,
)
_POSSIBLE: Final[dict[IndicatorType, tuple[TemporalAggregation, ...]]] = {
    IndicatorType.STOCK: (_P,),
    IndicatorType.FLOW: (_T, _C, _A),
    IndicatorType.BALANCE: (_T, _C, _A),
    IndicatorType.VOLUME: (_T, _C, _A),
    IndicatorType.COUNT: (_P, _T, _C, _A),
    IndicatorType.INDEX: (_A, _P),
    IndicatorType.PRICE: (_P, _A),
    IndicatorType.YIELD: (_P, _A),
    IndicatorType.VOLATILITY: (_A, _R, _P),
    IndicatorType.DURATION: (_P, _A, _T),
    IndicatorType.SENTIMENT: (_P, _A),
    IndicatorType.THRESHOLD: (_P,),
}
_POSSIBLE_RATES: Final = {
    Family.CHANGE_MOVEMENT: (_R, _C),
    Family.PRICE_VALUE: (_A, _P),
    Family.NUMERIC_MEASUREMENT: (_A, _T, _P),
}


def possible_aggregations(pair: Pair) -> tuple[TemporalAggregation, ...]:
    """How values of a pair can aggregate at all (classification spec 1.3 and review rules 7 to 10)."""
    if pair[1] is IndicatorType.RATE:
        return _POSSIBLE_RATES.get(pair[0], AGGREGATIONS)
    return _POSSIBLE.get(pair[1], (_P, _A, _N))


AGGREGATIONS_OF_PAIR: Final[dict[Pair, tuple[int, ...]]] = {
    pair: tuple(AGGREGATIONS.index(aggregation) for aggregation in possible_aggregations(pair))
    for pair in (*PAIRS, *TAXONOMY)
}
"""Pair -> positions of the aggregations that its values can have."""


def columns(head: str) -> slice:
    """Columns of the linear map that belong to a head."""
    names = list(HEADS)
    start = sum(HEADS[name] for name in names[: names.index(head)])
    return slice(start, start + HEADS[head])
