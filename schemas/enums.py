"""The closed vocabularies of indicator classification."""

from enum import StrEnum


class UnitType(StrEnum):
    """What kind of quantity a unit string names."""

    PERCENTAGE = "percentage"
    INDEX = "index"
    CURRENCY_AMOUNT = "currency-amount"
    RATE = "rate"
    RATIO = "ratio"
    COUNT = "count"
    PHYSICAL = "physical"
    DURATION = "duration"
    UNKNOWN = "unknown"


class ParsedScale(StrEnum):
    """Power of ten written in the unit; the largest word wins."""

    RAW = "raw"
    HUNDREDS = "hundreds"
    THOUSANDS = "thousands"
    MILLIONS = "millions"
    HUNDRED_MILLIONS = "hundred-millions"
    BILLIONS = "billions"
    TRILLIONS = "trillions"


class Scale(StrEnum):
    """Scale of the published values, with the two kinds that have none."""

    RAW_UNITS = "raw-units"
    HUNDREDS = "hundreds"
    THOUSANDS = "thousands"
    MILLIONS = "millions"
    HUNDRED_MILLIONS = "hundred-millions"
    BILLIONS = "billions"
    TRILLIONS = "trillions"
    PERCENT = "percent"
    INDEX = "index"


class ReportingFrequency(StrEnum):
    """How often a value is published."""

    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"
    QUARTERLY = "quarterly"
    SEMIANNUAL = "semiannual"
    ANNUAL = "annual"
    POINT_IN_TIME = "point-in-time"


class TimeBasis(StrEnum):
    """What span of time one value describes."""

    PER_PERIOD = "per-period"
    POINT_IN_TIME = "point-in-time"
    CUMULATIVE = "cumulative"


class TimeSource(StrEnum):
    """Where the time facts were found."""

    UNITS = "units"
    PERIODICITY = "periodicity"
    TIME_SERIES = "time-series"
    UNKNOWN = "unknown"


class CumulativePattern(StrEnum):
    """Shape of a series inside and across years."""

    YTD = "ytd"
    RUNNING_TOTAL = "running_total"
    PERIODIC = "periodic"
    UNKNOWN = "unknown"


class Family(StrEnum):
    """The seven families of indicators, and the fallback that forces a review."""

    PHYSICAL_FUNDAMENTAL = "physical-fundamental"
    NUMERIC_MEASUREMENT = "numeric-measurement"
    PRICE_VALUE = "price-value"
    CHANGE_MOVEMENT = "change-movement"
    COMPOSITE_DERIVED = "composite-derived"
    TEMPORAL = "temporal"
    QUALITATIVE = "qualitative"
    OTHER = "other"


class IndicatorType(StrEnum):
    """What an indicator is within its family; legal pairs are in schemas.taxonomy."""

    STOCK = "stock"
    FLOW = "flow"
    BALANCE = "balance"
    CAPACITY = "capacity"
    VOLUME = "volume"
    COUNT = "count"
    PERCENTAGE = "percentage"
    RATIO = "ratio"
    SPREAD = "spread"
    SHARE = "share"
    RATE = "rate"
    PRICE = "price"
    YIELD = "yield"
    VOLATILITY = "volatility"
    GAP = "gap"
    INDEX = "index"
    CORRELATION = "correlation"
    ELASTICITY = "elasticity"
    MULTIPLIER = "multiplier"
    DURATION = "duration"
    PROBABILITY = "probability"
    THRESHOLD = "threshold"
    SENTIMENT = "sentiment"
    ALLOCATION = "allocation"
    OTHER = "other"


class TemporalAggregation(StrEnum):
    """How a value aggregates what happened in its period."""

    POINT_IN_TIME = "point-in-time"
    PERIOD_RATE = "period-rate"
    PERIOD_CUMULATIVE = "period-cumulative"
    PERIOD_AVERAGE = "period-average"
    PERIOD_TOTAL = "period-total"
    NOT_APPLICABLE = "not-applicable"


class Orientation(StrEnum):
    """Which direction is good news on a heat map."""

    HIGHER_IS_POSITIVE = "higher-is-positive"
    LOWER_IS_POSITIVE = "lower-is-positive"
    NEUTRAL = "neutral"


class ReviewStatus(StrEnum):
    """How an item left the reviews."""

    PASSED = "passed"
    CORRECTED = "corrected"
    FAILED = "failed"
    NEEDS_HUMAN = "needs_human"


class FinalReviewStatus(StrEnum):
    """What the final review did with an objection."""

    CORRECTED = "corrected"
    FAILED = "failed"


class ReviewField(StrEnum):
    """The only fields a review may name as wrong or replace."""

    TIME_BASIS = "time_basis"
    REPORTING_FREQUENCY = "reporting_frequency"
    SCALE = "scale"
    IS_CURRENCY_DENOMINATED = "is_currency_denominated"
    DETECTED_CURRENCY = "detected_currency"
    FAMILY = "family"
    INDICATOR_TYPE = "indicator_type"
    TEMPORAL_AGGREGATION = "temporal_aggregation"
    HEAT_MAP_ORIENTATION = "heat_map_orientation"


class ItemStatus(StrEnum):
    """Where an item stands in its batch. All but PENDING are final."""

    PENDING = "pending"
    COMPLETED = "completed"
    NEEDS_HUMAN = "needs_human"
    DEAD_LETTERED = "dead_lettered"
