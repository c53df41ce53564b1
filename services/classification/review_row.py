"""The classified item as the review rules look at it, and the item again with corrections written in."""

from collections.abc import Mapping, Sequence
from typing import Any

from schemas.classification import ContestedIndicator, IndicatorWithType
from schemas.enums import ReviewField
from services.classification.rules.review import Replacement, Row, Violation, violations

LOW_CONFIDENCE_RULE = 16
RULE_CONFIDENCE = 0.95
"""How sure a correction by rule is."""
REASONING_LIMIT = 600


def row_of(item: IndicatorWithType) -> Row:
    """What the rules need of an item."""
    subject = item.subject
    return Row(
        name=subject.name,
        units=subject.units,
        unit=item.unit,
        description=subject.description,
        family=item.family.family,
        indicator_type=item.type.indicator_type,
        temporal_aggregation=item.type.temporal_aggregation,
        heat_map_orientation=item.type.heat_map_orientation,
        time_basis=item.time.time_basis,
        reporting_frequency=item.time.reporting_frequency,
        scale=item.scale.scale,
        is_currency_denominated=item.currency.is_currency_denominated,
        detected_currency=item.currency.detected_currency,
        family_confidence=item.family.confidence,
        type_confidence=item.type.confidence,
        orientation_confidence=item.type.orientation_confidence,
        cumulative=item.cumulative.pattern_type,
        cumulative_confidence=item.cumulative.confidence,
    )


def judge(row: Row) -> tuple[list[Violation], str]:
    """Rules that say a value is wrong, and what rule 16 says of confidence: doubt, which is no objection."""
    found = violations(row)
    doubt = next((violation.reason for violation in found if violation.rule == LOW_CONFIDENCE_RULE), "")
    return [violation for violation in found if violation.rule != LOW_CONFIDENCE_RULE], doubt


def objections(row: Row) -> list[Violation]:
    """Rules that say a value is wrong."""
    return judge(row)[0]


def in_words(found: Sequence[Violation]) -> str:
    """Reasons of violations, within the limit of a reasoning."""
    return "; ".join(f"rule {violation.rule} ({violation.name}): {violation.reason}" for violation in found)[
        :REASONING_LIMIT
    ]


def corrected(item: ContestedIndicator, row: Row, corrections: Mapping[ReviewField, Replacement]) -> dict[str, Any]:
    """Fields of `item` with the values of `row`; parts that a correction touched say so and are as sure as the rule."""
    changed = {field.value for field in corrections}
    values = {**item.__dict__}
    why = {"reasoning": f"corrected: {item.boolean_review.reasoning}"[:REASONING_LIMIT], "confidence": RULE_CONFIDENCE}
    for part, fields in PARTS.items():
        if touched := [name for name in fields if name in changed]:
            values[part] = values[part].model_copy(update=why | {name: getattr(row, name) for name in touched})
    return values


PARTS: Mapping[str, tuple[str, ...]] = {
    "time": ("time_basis", "reporting_frequency"),
    "scale": ("scale",),
    "currency": ("is_currency_denominated", "detected_currency"),
    "family": ("family",),
    "type": ("indicator_type", "temporal_aggregation", "heat_map_orientation"),
}
