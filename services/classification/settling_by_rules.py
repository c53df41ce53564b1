"""What the rules make of a contested row: put in what they expect, check again, leave the rest to a person."""

from collections.abc import Sequence

from schemas.classification import ContestedIndicator, FinalReview, ReviewedIndicator
from schemas.enums import FinalReviewStatus, ReviewField, ReviewStatus
from services.classification.boolean_review import doubts
from services.classification.review_row import (
    REASONING_LIMIT,
    RULE_CONFIDENCE,
    corrected,
    in_words,
    objections,
    row_of,
)
from services.classification.rules.review import Replacement, Row, Violation, apply

ATTEMPTS = 2
"""A correction may bring another rule into play; what two rounds do not settle is contradictory."""

Corrections = dict[ReviewField, Replacement]


def settled(item: ContestedIndicator) -> ReviewedIndicator:
    """The item with corrected values, or with its own ones and the status needs_human."""
    row, corrections = _corrected(row_of(item))
    left = objections(row)
    unresolved = [field for field in doubts(item) if field not in corrections]
    if left or unresolved or not corrections:
        return ReviewedIndicator(
            **item.__dict__, final_review=_failed(item, left, unresolved), review_status=ReviewStatus.NEEDS_HUMAN
        )
    verdict = FinalReview(
        review_makes_sense=True,
        status=FinalReviewStatus.CORRECTED,
        corrections_applied=corrections,
        final_reasoning=item.boolean_review.reasoning,
        confidence=RULE_CONFIDENCE,
    )
    values = corrected(item, row, corrections)
    return ReviewedIndicator(**values, final_review=verdict, review_status=ReviewStatus.CORRECTED)


def _corrected(row: Row) -> tuple[Row, Corrections]:
    """The row after at most ATTEMPTS rounds of what the rules expect, and all that was replaced."""
    corrections: Corrections = {}
    for _ in range(ATTEMPTS):
        expected = _expected(objections(row))
        if not expected:
            break
        row = apply(row, expected)
        corrections |= expected
    return row, corrections


def _expected(found: Sequence[Violation]) -> Corrections:
    """Replacements of all violations; the rule with the lower number wins where two name the same field."""
    merged: Corrections = {}
    for violation in reversed(found):
        merged |= violation.expected
    return merged


def _failed(item: ContestedIndicator, left: Sequence[Violation], unresolved: Sequence[ReviewField]) -> FinalReview:
    doubt = f"no rule settles {' and '.join(unresolved)}" if unresolved else ""
    reasoning = "; ".join(part for part in (in_words(left), doubt) if part) or _unsettled(item)
    return FinalReview(
        review_makes_sense=True,
        status=FinalReviewStatus.FAILED,
        corrections_applied={},
        final_reasoning=reasoning[:REASONING_LIMIT],
        confidence=RULE_CONFIDENCE,
    )


def _unsettled(item: ContestedIndicator) -> str:
    """An objection that no rule shares."""
    review = item.boolean_review
    if not review.incorrect_fields:
        return f"the review objects and names no field: {review.reasoning}"
    return f"no rule offers a replacement for {', '.join(review.incorrect_fields)}: {review.reasoning}"
