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


def hits(found: Sequence[Violation]) -> tuple[str, ...]:
    """Each violation with what the rule expects, for a model to judge."""
    return tuple(
        f"rule {violation.rule} ({violation.name}): {violation.reason}{_wish(violation)}" for violation in found
    )


def _wish(violation: Violation) -> str:
    expected = ", ".join(f"{field} {_as_text(value)}" for field, value in violation.expected.items())
    return f"; expects {expected}" if expected else f"; wrong among {', '.join(violation.fields)}"


def _as_text(value: Replacement) -> str:
    return "none" if value is None else str(value).lower() if isinstance(value, bool) else value


def corrected(
    item: ContestedIndicator,
    row: Row,
    corrections: Mapping[ReviewField, Replacement],
    reasoning: str = "",
    confidence: float = RULE_CONFIDENCE,
) -> dict[str, Any]:
    """Fields of `item` with the values of `row`; parts that a correction touched say why and how sure it is.

    Without `reasoning` the objection is the reason.
    """
    changed = {field.value for field in corrections}
    values = {**item.__dict__}
    because = f"corrected: {reasoning or item.boolean_review.reasoning}"[:REASONING_LIMIT]
    why = {"reasoning": because, "confidence": confidence}
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
