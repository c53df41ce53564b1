"""Decisions of people about classifications: they win over every later run, as long as it is about the same thing."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Self

from schemas.classification import FinalReview, IndicatorWithType, ReviewedIndicator
from schemas.enums import FinalReviewStatus, ReviewField, ReviewStatus
from services.classification.review_row import PARTS, REASONING_LIMIT, row_of
from services.classification.rules.review import Replacement, apply
from services.classification.store import queries
from shared.database import Executor, Record
from shared.database.ledger import settle_items

Values = Mapping[ReviewField, Replacement]

PERSON = "human"
"""Who answered, where otherwise the name of a provider stands."""
ACCEPTED = "accepted"
"""final_review_status of a row that a person found right; beside the statuses of FinalReviewStatus."""
CERTAIN = 1.0
"""How sure a decision of a person is."""


class Decision(StrEnum):
    """What a person can say of a row."""

    ACCEPT = "accept"
    """It is right as it stands."""
    CORRECT = "correct"
    """It is right once some values are replaced."""

    @property
    def review_status(self) -> ReviewStatus:
        """How the row leaves the reviews by it."""
        return ReviewStatus.PASSED if self is Decision.ACCEPT else ReviewStatus.CORRECTED

    @property
    def verdict(self) -> str:
        """The row's final_review_status."""
        return ACCEPTED if self is Decision.ACCEPT else FinalReviewStatus.CORRECTED.value


@dataclass(frozen=True, slots=True)
class HumanReview:
    """A decision that stands. It settles all nine reviewable values of the row that the person saw."""

    id: int
    indicator_id: str
    decision: Decision
    fields: Values
    """What was replaced."""
    values: Values
    name: str
    units: str
    reviewer: str
    reason: str
    created_at: datetime

    @classmethod
    def of(cls, row: Record) -> Self:
        """Read a row of standing_reviews."""
        return cls(
            **{
                **dict(row),
                "decision": Decision(row["decision"]),
                "fields": values_from(row["fields"]),
                "values": values_from(row["values"]),
            }
        )

    def is_about(self, name: str, units: str) -> bool:
        """Whether it was made for an indicator of this name in these units."""
        return (self.name, self.units) == (name, units)


def values_from(text: str) -> dict[ReviewField, Replacement]:
    """Values by field, from JSON; fields that this release does not know are left out."""
    known = set(ReviewField)
    return {ReviewField(name): value for name, value in json.loads(text).items() if name in known}


def in_words(decision: Decision, reviewer: str, reason: str) -> str:
    """Who decided, and why."""
    who = f"{decision.verdict} by {reviewer or 'a person'}"
    return (f"{who}: {reason}" if reason else who)[:REASONING_LIMIT]


def touched_parts(fields: Iterable[ReviewField]) -> list[str]:
    """The parts of an item in which these fields lie."""
    names = {field.value for field in fields}
    return [part for part, members in PARTS.items() if names.intersection(members)]


async def standing_reviews(executor: Executor, indicator_ids: Sequence[str]) -> dict[str, HumanReview]:
    """The decisions that stand, by indicator; one statement however many are asked for."""
    rows = await executor.fetch(queries()["standing_reviews"], indicator_ids)
    return {row["indicator_id"]: HumanReview.of(row) for row in rows}


async def settle_overtaken(
    executor: Executor, items: Sequence[ReviewedIndicator], read: Mapping[str, HumanReview]
) -> None:
    """Decisions that were made after `read` was read, and before the rows of `items` were stored, count for these."""
    waiting = {
        item.subject.indicator_id: item.subject for item in items if item.review_status is ReviewStatus.NEEDS_HUMAN
    }
    now = await standing_reviews(executor, list(waiting))
    overtaken = [
        indicator_id
        for indicator_id, review in now.items()
        if review != read.get(indicator_id) and review.is_about(waiting[indicator_id].name, waiting[indicator_id].units)
    ]
    if overtaken:
        await settle_items(executor, overtaken)


def decided(item: ReviewedIndicator, review: HumanReview) -> ReviewedIndicator:
    """The item as the person decided it; for a person to look at again if it is no longer what was decided on."""
    if not review.is_about(item.subject.name, item.subject.units):
        was = f"{review.name!r} in {review.units!r}" if review.units else f"{review.name!r} without units"
        return _undecided(item, f"was {review.decision.verdict} by {review.reviewer or 'a person'} as {was}")
    try:
        values = _with_values(item, review)
    except ValueError as error:  # a value that an earlier release knew
        return _undecided(item, f"the decision of {review.reviewer or 'a person'} does not fit: {error}")
    verdict = FinalReview(
        review_makes_sense=review.decision is Decision.CORRECT,
        status=FinalReviewStatus.CORRECTED,
        corrections_applied=dict(review.fields),
        final_reasoning=in_words(review.decision, review.reviewer, review.reason),
        confidence=CERTAIN,
    )
    return item.model_copy(update={**values, "final_review": verdict, "review_status": review.decision.review_status})


def _with_values(item: IndicatorWithType, review: HumanReview) -> dict[str, object]:
    """The parts in which the run came to other values than the person."""
    own = row_of(item)
    wanted = apply(own, review.values)
    changed = [field for field in review.values if getattr(own, field.value) != getattr(wanted, field.value)]
    why = {"reasoning": in_words(review.decision, review.reviewer, review.reason), "confidence": CERTAIN}
    parts: dict[str, object] = {}
    for part in touched_parts(changed):
        values = {name: getattr(wanted, name) for name in PARTS[part]}
        parts[part] = getattr(item, part).model_copy(update=values | why)
    return parts


def _undecided(item: ReviewedIndicator, why: str) -> ReviewedIndicator:
    own = item.final_review.final_reasoning if item.final_review else item.boolean_review.reasoning
    verdict = FinalReview(
        review_makes_sense=True,
        status=FinalReviewStatus.FAILED,
        corrections_applied={},
        final_reasoning=f"{why}; now: {own}"[:REASONING_LIMIT],
        confidence=CERTAIN,
    )
    return item.model_copy(update={"final_review": verdict, "review_status": ReviewStatus.NEEDS_HUMAN})
