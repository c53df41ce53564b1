"""A person decides about a classification: its row, item, batches and history in one transaction, repeated or not."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from schemas.enums import (
    CumulativePattern,
    Family,
    IndicatorType,
    Orientation,
    ReviewField,
    TemporalAggregation,
    TimeBasis,
)
from schemas.taxonomy import TAXONOMY, is_legal
from services.classification.human_reviews import (
    CERTAIN,
    Decision,
    HumanReview,
    Values,
    in_words,
    standing_reviews,
    touched_parts,
)
from services.classification.review_row import objections
from services.classification.rules.review import VOCABULARIES, Replacement, Row, Violation, apply
from services.classification.rules.units import parse_units
from services.classification.store import queries
from shared.database import Database, Executor, Record
from shared.database.ledger import settle_items
from shared.errors import UsageError

CONFIDENCES = ("parsing", "time", "scale", "currency", "family", "type", "boolean_review")
"""Parts whose mean is the overall confidence."""


class Wish(NamedTuple):
    """What a person wants a row to say. Without `fields` it is right as it stands."""

    indicator_id: str
    fields: Values
    reviewer: str = ""
    reason: str = ""
    force: bool = False
    """Although rules object."""


class Made(NamedTuple):
    """A decision as it was made. `repeated`: it stood already, and nothing was written."""

    indicator_id: str
    decision: Decision
    changed: Values
    batches: list[str]
    """Those in which the item waited for a person, and waits no longer."""
    objections: list[str]
    """Rules that object to the row all the same."""
    repeated: bool


async def decide(database: Database, wish: Wish) -> Made:
    """Make a decision. Raises UsageError for an unknown indicator, and for values that cannot stand together."""
    async with database.transaction() as transaction:
        # Batches before rows, as the last stage locks them, so that the two never wait for each other in a circle.
        settled = await settle_items(transaction, [wish.indicator_id])
        row = await transaction.fetchrow(queries()["row_to_decide"], wish.indicator_id)
        if row is None:
            raise UsageError(
                f"{wish.indicator_id!r} has no classification", remedy="`sluice review list` lists what can be decided"
            )
        before: dict[ReviewField, Replacement] = {field: row[field.value] for field in ReviewField}
        against = _checked(row, {**before, **wish.fields}, wish)
        changed = {field: value for field, value in wish.fields.items() if value != before[field]}
        standing = None if changed else await _standing(transaction, row, before)
        decision = standing.decision if standing else Decision.CORRECT if changed else Decision.ACCEPT
        if not standing:
            await _keep(transaction, row, decision, before, changed, wish)
        reasons = [violation.reason for violation in against]
        batches = [batch_id for batch_id, _ in settled]
        return Made(wish.indicator_id, decision, changed, batches, reasons, repeated=standing is not None)


def checked_value(field: ReviewField, value: object) -> Replacement:
    """A value that `field` can hold. Raises UsageError that says which it can."""
    if field is ReviewField.IS_CURRENCY_DENOMINATED:
        possible, fits = "true or false", isinstance(value, bool)
    elif field is ReviewField.DETECTED_CURRENCY:
        possible = "a currency code such as USD, or null"
        fits = value is None or (isinstance(value, str) and len(value) == 3 and value.isascii() and value.isupper())
    else:
        words = [str(word) for word in VOCABULARIES[field]]
        possible, fits = f"one of: {', '.join(words)}", value in words
    if not fits:
        raise UsageError(f"{field} cannot be {json.dumps(value)}", remedy=f"give {possible}")
    return value if value is None or isinstance(value, bool) else str(value)


def reviewable(row: Mapping[str, Any], values: Values) -> Row:
    """A stored classification as the rules look at it, with `values`. Raises ValueError where one is missing."""
    empty = Row(
        name=row["name"],
        units=row["units"],
        unit=parse_units(
            row["units"],
            name=row["name"],
            scale=row["source_scale"] or "",
            currency_code=row["source_currency_code"] or "",
        ),
        description=row["description"],
        family=Family.OTHER,
        indicator_type=IndicatorType.OTHER,
        temporal_aggregation=TemporalAggregation.NOT_APPLICABLE,
        heat_map_orientation=Orientation.NEUTRAL,
        time_basis=TimeBasis.POINT_IN_TIME,
        family_confidence=_certainty(row["family_confidence"]),
        type_confidence=_certainty(row["type_confidence"]),
        cumulative=CumulativePattern(row["cumulative_pattern_type"] or CumulativePattern.UNKNOWN),
        cumulative_confidence=row["cumulative_confidence"] or 0.0,
    )
    return apply(empty, values)


def _certainty(confidence: float | None) -> float:
    return CERTAIN if confidence is None else confidence


def _checked(row: Record, values: Values, wish: Wish) -> list[Violation]:
    """What the rules have against the row with these values, if that can be passed over."""
    for field, value in values.items():
        try:
            checked_value(field, value)
        except UsageError as error:
            told = f"; the row has no {field}" if value is None else ""
            raise UsageError(f"{wish.indicator_id}: {error}{told}") from None
    judged = reviewable(dict(row), values)
    if not is_legal(judged.family, judged.indicator_type):
        legal = ", ".join(kind for family, kind in TAXONOMY if family is judged.family)
        raise UsageError(
            f"{wish.indicator_id}: {judged.family} has no type {judged.indicator_type}",
            remedy=f"types of {judged.family}: {legal}",
        )
    against = objections(judged)
    if against and wish.fields and not wish.force:
        told = "; ".join(violation.reason for violation in against)
        raise UsageError(f"{wish.indicator_id}: rules object: {told}", remedy="use --force if the rules are wrong here")
    return against


async def _standing(executor: Executor, row: Record, values: Values) -> HumanReview | None:
    """The decision that stands, if it is about this name and these units and settles these very values."""
    standing = (await standing_reviews(executor, [row["indicator_id"]])).get(row["indicator_id"])
    if standing is None or not standing.is_about(row["name"], row["units"]) or standing.values != values:
        return None
    return standing


async def _keep(
    executor: Executor, row: Record, decision: Decision, before: Values, changed: Values, wish: Wish
) -> None:
    indicator_id = wish.indicator_id
    await executor.execute(queries()["supersede_reviews"], indicator_id)
    review_id = await executor.fetchval(
        queries()["record_review"],
        indicator_id,
        decision,
        json.dumps(changed),
        json.dumps(before),
        row["name"],
        row["units"],
        wish.reviewer,
        wish.reason,
        row["batch_id"],
    )
    touched = touched_parts(changed)
    await executor.execute(
        queries()["write_review"],
        indicator_id,
        review_id,
        decision.review_status,
        decision.verdict,
        json.dumps(changed),
        in_words(decision, wish.reviewer, wish.reason),
        _overall(row, touched) if touched else row["overall_confidence"],
        touched,
        *({**before, **changed}[field] for field in ReviewField),
    )


def _overall(row: Record, touched: list[str]) -> float:
    known = {part: row[f"{part}_confidence"] for part in CONFIDENCES} | dict.fromkeys(touched, CERTAIN)
    parts: list[float] = [confidence for confidence in known.values() if confidence is not None]
    return round(sum(parts) / len(parts), 4)
