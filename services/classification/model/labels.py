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


def columns(head: str) -> slice:
    """Columns of the linear map that belong to a head."""
    names = list(HEADS)
    start = sum(HEADS[name] for name in names[: names.index(head)])
    return slice(start, start + HEADS[head])
