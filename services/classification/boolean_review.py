"""Is the row right as it stands? The rules of classification spec 2.7 decide; doubt alone does too when it is grave."""

from collections.abc import Sequence

from schemas.classification import BooleanReview, ContestedIndicator, IndicatorWithType, ReviewedIndicator
from schemas.enums import Family, ReviewField, ReviewStatus
from services.classification.review_row import RULE_CONFIDENCE, in_words, judge, row_of
from shared.runtime.outcome import Emit, emit

DOUBT_BELOW = 0.5
"""A family or type that is as likely wrong as right is not passed without a second look."""


async def review(items: Sequence[IndicatorWithType]) -> list[Emit]:
    """Pass the item on as reviewed, or as contested with the fields that are wrong."""
    return [emit(_reviewed(item)) for item in items]


def _reviewed(item: IndicatorWithType) -> ReviewedIndicator | ContestedIndicator:
    found, hesitation = judge(row_of(item))
    doubtful = doubts(item)
    if found or doubtful:
        fields = dict.fromkeys([*(field for violation in found for field in violation.fields), *doubtful])
        verdict = BooleanReview(
            is_correct=False,
            incorrect_fields=tuple(fields),
            reasoning=in_words(found) or f"not certain of {' and '.join(doubtful)}",
            confidence=RULE_CONFIDENCE if found else 1 - min(item.family.confidence, item.type.confidence),
        )
        return ContestedIndicator(**item.__dict__, boolean_review=verdict)
    return ReviewedIndicator(
        **item.__dict__, boolean_review=_passed(item, hesitation), review_status=ReviewStatus.PASSED
    )


def doubts(item: IndicatorWithType) -> list[ReviewField]:
    """Fields whose value is no better than a guess, or that only say "none of these"."""
    found = []
    if item.family.confidence < DOUBT_BELOW or item.family.family is Family.OTHER:
        found.append(ReviewField.FAMILY)
    if item.type.confidence < DOUBT_BELOW:
        found.append(ReviewField.INDICATOR_TYPE)
    return found


def _passed(item: IndicatorWithType, hesitation: str) -> BooleanReview:
    return BooleanReview(
        is_correct=True,
        incorrect_fields=(),
        reasoning=f"no rule objects; {hesitation}" if hesitation else "no rule objects",
        confidence=max(min(item.family.confidence, item.type.confidence), DOUBT_BELOW),
    )
