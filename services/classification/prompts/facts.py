"""What a model is shown of an item (classification spec 2.5, 2.6). Untrusted text: the gateway fences it as data.

Empty facts are dropped where they are rendered. Units and name stand verbatim; a long name only where it says more
than the name, a description as far as its opening, which is where publishers put the point.
"""

from collections.abc import Mapping
from typing import Final

from pydantic import JsonValue

from schemas.classification import CumulativeDetection, IndicatorWithType, JoinedIndicator, Subject, ValueStatistics
from schemas.enums import CumulativePattern, Family, IndicatorType, UnitType
from services.classification.prompts.wording import opening, says_more

Facts = dict[str, JsonValue]

UNIT_HINTS: Final[Mapping[UnitType, str]] = {
    UnitType.INDEX: "a composite, or an opinion in points",
    UnitType.RATIO: "one quantity over another",
    UnitType.COUNT: "things or people are counted",
    UnitType.RATE: "something per something",
    UnitType.DURATION: "a length of time",
    UnitType.PERCENTAGE: "the words of the name decide: cost of money, change, or level",
    UnitType.PHYSICAL: "goods, energy or a reading",
    UnitType.UNKNOWN: "the unit says nothing, read everything else",
}
"""Unit type -> what it suggests; money takes its own route."""

MONEY_FAMILIES: Final = (Family.PHYSICAL_FUNDAMENTAL, Family.PRICE_VALUE)
LIKELY_FAMILIES: Final[Mapping[UnitType, tuple[Family, ...]]] = {
    UnitType.CURRENCY_AMOUNT: MONEY_FAMILIES,
    UnitType.INDEX: (Family.COMPOSITE_DERIVED, Family.QUALITATIVE),
    UnitType.RATIO: (Family.NUMERIC_MEASUREMENT,),
    UnitType.COUNT: (Family.NUMERIC_MEASUREMENT, Family.PHYSICAL_FUNDAMENTAL),
    UnitType.RATE: (Family.NUMERIC_MEASUREMENT, Family.PRICE_VALUE),
    UnitType.DURATION: (Family.TEMPORAL, Family.NUMERIC_MEASUREMENT),
    UnitType.PERCENTAGE: (Family.NUMERIC_MEASUREMENT, Family.CHANGE_MOVEMENT, Family.PRICE_VALUE),
    UnitType.PHYSICAL: (Family.PHYSICAL_FUNDAMENTAL, Family.NUMERIC_MEASUREMENT),
    UnitType.UNKNOWN: (),
}
"""Unit type -> families it usually goes with, likeliest first: a prior, never a limit (classification spec 1.4)."""

TYPE_HINTS: Final[Mapping[tuple[UnitType, Family], tuple[IndicatorType, ...]]] = {
    (UnitType.CURRENCY_AMOUNT, Family.PHYSICAL_FUNDAMENTAL): (
        IndicatorType.FLOW,
        IndicatorType.STOCK,
        IndicatorType.BALANCE,
    ),
    (UnitType.CURRENCY_AMOUNT, Family.PRICE_VALUE): (IndicatorType.PRICE,),
    (UnitType.CURRENCY_AMOUNT, Family.TEMPORAL): (IndicatorType.THRESHOLD,),
    (UnitType.RATE, Family.PRICE_VALUE): (IndicatorType.PRICE,),
    (UnitType.RATE, Family.NUMERIC_MEASUREMENT): (IndicatorType.RATE, IndicatorType.RATIO),
    (UnitType.PERCENTAGE, Family.NUMERIC_MEASUREMENT): (
        IndicatorType.RATIO,
        IndicatorType.PERCENTAGE,
        IndicatorType.SHARE,
    ),
    (UnitType.PERCENTAGE, Family.PRICE_VALUE): (IndicatorType.RATE, IndicatorType.YIELD),
    (UnitType.PERCENTAGE, Family.CHANGE_MOVEMENT): (IndicatorType.RATE,),
    (UnitType.PERCENTAGE, Family.PHYSICAL_FUNDAMENTAL): (IndicatorType.BALANCE,),
    (UnitType.RATIO, Family.NUMERIC_MEASUREMENT): (IndicatorType.RATIO,),
    (UnitType.COUNT, Family.NUMERIC_MEASUREMENT): (IndicatorType.COUNT, IndicatorType.BALANCE),
    (UnitType.COUNT, Family.PHYSICAL_FUNDAMENTAL): (IndicatorType.VOLUME,),
    (UnitType.PHYSICAL, Family.PHYSICAL_FUNDAMENTAL): (IndicatorType.VOLUME, IndicatorType.STOCK),
    (UnitType.PHYSICAL, Family.NUMERIC_MEASUREMENT): (IndicatorType.RATE, IndicatorType.COUNT),
    (UnitType.INDEX, Family.COMPOSITE_DERIVED): (IndicatorType.INDEX,),
    (UnitType.INDEX, Family.QUALITATIVE): (IndicatorType.SENTIMENT,),
    (UnitType.DURATION, Family.TEMPORAL): (IndicatorType.DURATION,),
}


def subject_facts(subject: Subject) -> Facts:
    """The texts of the publisher."""
    return {
        "name": subject.name,
        "long_name": subject.long_name if says_more(subject) else "",
        "units": subject.units,
        "description": opening(subject.description),
        "source_name": subject.source_name,
        "category_group": subject.category_group,
        "dataset": subject.dataset,
        "topic": subject.topic,
        "aggregation_method": subject.aggregation_method,
        "periodicity": subject.periodicity,
    }


def joined_facts(item: JoinedIndicator) -> Facts:
    """All facts that rules have found, with the route as a prior."""
    unit = item.unit
    return {
        **subject_facts(item.subject),
        "reporting_frequency": item.time.reporting_frequency,
        "time_basis": item.time.time_basis,
        "scale": item.scale.scale,
        "route": "currency" if unit.is_currency else "non-currency",
        "detected_currency": unit.currency,
        "unit_type": unit.unit_type,
        "unit_hint": UNIT_HINTS.get(unit.unit_type, ""),
        "likely_families": list(LIKELY_FAMILIES[unit.unit_type]),
        "values": value_facts(item.statistics),
        "cumulative": cumulative_facts(item.cumulative),
    }


def value_facts(statistics: ValueStatistics | None) -> Facts:
    """What the published figures look like."""
    if statistics is None:
        return {}
    return {
        "count": statistics.count,
        "min": statistics.minimum,
        "max": statistics.maximum,
        "mean": round(statistics.mean, 2),
        "std_dev": statistics.standard_deviation,
        "cv_percent": statistics.coefficient_of_variation,
        "any_negative": statistics.any_negative,
        "all_integers": statistics.all_integers,
    }


def cumulative_facts(found: CumulativeDetection) -> Facts:
    """What the detector saw; nothing where it had too little to look at."""
    if found.pattern_type is CumulativePattern.UNKNOWN:
        return {}
    evidence = found.evidence
    return {
        "is_cumulative": found.is_cumulative,
        "pattern": found.pattern_type,
        "confidence": round(found.confidence, 2),
        "evidence": (
            f"{evidence.year_resets_detected} resets at year ends, {evidence.within_year_increases} rises within years "
            f"in {evidence.total_periods_analyzed} periods"
        ),
    }


def type_hint(unit_type: UnitType, family: Family) -> list[IndicatorType]:
    """Types that a kind of unit suggests within a family, likeliest first."""
    return list(TYPE_HINTS.get((unit_type, family), ()))


def current_values(item: IndicatorWithType) -> Facts:
    """The values under review, under the names that a review may use."""
    return {
        "family": item.family.family,
        "indicator_type": item.type.indicator_type,
        "temporal_aggregation": item.type.temporal_aggregation,
        "heat_map_orientation": item.type.heat_map_orientation,
        "time_basis": item.time.time_basis,
        "reporting_frequency": item.time.reporting_frequency,
        "scale": item.scale.scale,
        "is_currency_denominated": item.currency.is_currency_denominated,
        "detected_currency": item.currency.detected_currency,
    }


def confidences(item: IndicatorWithType) -> Facts:
    """How sure each stage was."""
    parts = {
        "time": item.time.confidence,
        "scale": item.scale.confidence,
        "currency": item.currency.confidence,
        "family": item.family.confidence,
        "type": item.type.confidence,
    }
    return {name: round(confidence, 2) for name, confidence in parts.items()}


def review_facts(item: IndicatorWithType) -> Facts:
    """All facts, all current values, all confidences; what is under review is told once."""
    current = current_values(item)
    facts = {name: fact for name, fact in joined_facts(item).items() if name not in current}
    return {
        **facts,
        "unit_currency": item.unit.currency,
        "current": current,
        "confidences": confidences(item),
    }
