"""The form of a settled case, and short names for what cases are made of."""

from typing import Final, Literal, NamedTuple

from schemas.enums import Family, IndicatorType, Orientation, TemporalAggregation
from services.classification.rules.names import Phrases

PIT = TemporalAggregation.POINT_IN_TIME
TOTAL = TemporalAggregation.PERIOD_TOTAL
AVERAGE = TemporalAggregation.PERIOD_AVERAGE
PER_PERIOD = TemporalAggregation.PERIOD_RATE
UP = Orientation.HIGHER_IS_POSITIVE
DOWN = Orientation.LOWER_IS_POSITIVE
FLAT = Orientation.NEUTRAL
BY_NAME: Final = "by-name"

FLOW = (Family.PHYSICAL_FUNDAMENTAL, IndicatorType.FLOW)
STOCK = (Family.PHYSICAL_FUNDAMENTAL, IndicatorType.STOCK)
BALANCE = (Family.PHYSICAL_FUNDAMENTAL, IndicatorType.BALANCE)
CAPACITY = (Family.PHYSICAL_FUNDAMENTAL, IndicatorType.CAPACITY)
VOLUME = (Family.PHYSICAL_FUNDAMENTAL, IndicatorType.VOLUME)
COUNT = (Family.NUMERIC_MEASUREMENT, IndicatorType.COUNT)
NET_COUNT = (Family.NUMERIC_MEASUREMENT, IndicatorType.BALANCE)
PERCENTAGE = (Family.NUMERIC_MEASUREMENT, IndicatorType.PERCENTAGE)
RATIO = (Family.NUMERIC_MEASUREMENT, IndicatorType.RATIO)
SHARE = (Family.NUMERIC_MEASUREMENT, IndicatorType.SHARE)
SPREAD = (Family.NUMERIC_MEASUREMENT, IndicatorType.SPREAD)
SPEED = (Family.NUMERIC_MEASUREMENT, IndicatorType.RATE)
PRICE = (Family.PRICE_VALUE, IndicatorType.PRICE)
INTEREST = (Family.PRICE_VALUE, IndicatorType.RATE)
YIELD = (Family.PRICE_VALUE, IndicatorType.YIELD)
CHANGE = (Family.CHANGE_MOVEMENT, IndicatorType.RATE)
GAP = (Family.CHANGE_MOVEMENT, IndicatorType.GAP)
INDEX = (Family.COMPOSITE_DERIVED, IndicatorType.INDEX)
DURATION = (Family.TEMPORAL, IndicatorType.DURATION)
THRESHOLD = (Family.TEMPORAL, IndicatorType.THRESHOLD)
SENTIMENT = (Family.QUALITATIVE, IndicatorType.SENTIMENT)

PERCENT: Final = frozenset(("percent", "name:percent"))
CHANGES: Final = frozenset(("change", "name:change", "change-points"))
MONEY: Final = frozenset(("money", "soft-money"))
INDEXED: Final = frozenset(("index", "points", "name:index"))
BARE: Final = frozenset(("percent", "name:percent", "none"))


class Case(NamedTuple):
    """If the unit is of one of `units`, the name has one of `name` (None: any) and none of `unless`."""

    rule: str
    units: frozenset[str]
    name: Phrases | None
    unless: Phrases | None
    pair: tuple[Family, IndicatorType]
    aggregation: TemporalAggregation
    orientation: Orientation | Literal["by-name"] | None
    confidence: float = 0.95
    described: Phrases | None = None


SURVEY_WORDS: Final = (
    "expectations|expectation|survey|prices paid|outlook|forecast|breakeven|nowcast|percent reporting|"
    "percentage reporting|reporting increases|reporting decreases|target|probability|uncertainty"
)
"""What makes a name an opinion or a forecast of the thing it names."""


def units(*names: str) -> frozenset[str]:
    """A set of unit classes."""
    return frozenset(names)
