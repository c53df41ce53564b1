"""The final review as a language model is asked for it."""

from collections.abc import Mapping
from typing import Annotated, Final

from pydantic import Field, JsonValue

from schemas.base import Confidence, Contract, Reasoning
from schemas.classification import ContestedIndicator, FinalReview
from schemas.enums import FinalReviewStatus, ReviewField
from services.classification.prompts.definitions import REVIEW_FIELDS
from services.classification.prompts.facts import Facts, review_facts
from services.classification.prompts.identity import review_identity
from services.classification.prompts.instructions import instructions
from services.classification.prompts.wording import impersonal
from services.classification.rules.review import Replacement, checked_value
from shared.llm.question import Prompt

NO_CURRENCY: Final = "none"
_TRUTH: Final = {"true": True, "false": False}
_CURRENCY: Final = frozenset((ReviewField.IS_CURRENCY_DENOMINATED, ReviewField.DETECTED_CURRENCY))
_SHAPE: Final = frozenset(
    (
        ReviewField.FAMILY,
        ReviewField.INDICATOR_TYPE,
        ReviewField.TEMPORAL_AGGREGATION,
        ReviewField.HEAT_MAP_ORIENTATION,
        ReviewField.TIME_BASIS,
    )
)
COUPLED: Final[Mapping[ReviewField, frozenset[ReviewField]]] = {
    ReviewField.FAMILY: _SHAPE,
    ReviewField.INDICATOR_TYPE: _SHAPE,
    ReviewField.TEMPORAL_AGGREGATION: frozenset((ReviewField.TIME_BASIS,)),
    ReviewField.TIME_BASIS: frozenset((ReviewField.TEMPORAL_AGGREGATION,)),
    ReviewField.IS_CURRENCY_DENOMINATED: _CURRENCY,
    ReviewField.DETECTED_CURRENCY: _CURRENCY,
}
"""Contested field -> fields that may have to follow it."""


class SettlementCase(Contract):
    """A contested row; for a second attempt with what the first proposed and why it was refused."""

    item: ContestedIndicator
    rule_hits: tuple[str, ...]
    proposed: dict[ReviewField, Replacement] = Field(default_factory=dict)
    still_wrong: tuple[str, ...] = ()


class Correction(Contract):
    """One replacement; every value is written as text."""

    field: ReviewField
    value: Annotated[str, Field(min_length=1, max_length=40)]


class SettlementReply(Contract):
    """What a model says of one item."""

    review_makes_sense: bool
    corrections_applied: Annotated[tuple[Correction, ...], Field(max_length=len(ReviewField))]
    confidence: Confidence
    final_reasoning: Reasoning


def facts(case: SettlementCase) -> Facts:
    """All facts, all values, all confidences, the objection, the rule hits, and what was refused."""
    return {**review_facts(case.item), **_dispute(case)}


def _dispute(case: SettlementCase) -> Facts:
    review = case.item.boolean_review
    return {
        "objection": review.reasoning,
        "contested": list(review.incorrect_fields),
        "rule_hits": list(case.rule_hits),
        "proposed": {field.value: value for field, value in case.proposed.items()},
        "still_wrong": list(case.still_wrong),
    }


def identity(case: SettlementCase) -> Mapping[str, JsonValue]:
    """Words, figures, values, objection and rule hits; see identity.py.

    Where the currency is contested the replacement is a code, so currency and unit are told as they stand; where the
    frequency is, so are the frequency and the field that claims it.
    """
    item = case.item
    contested = frozenset(item.boolean_review.incorrect_fields)
    known = {**review_identity(item), **_dispute(case)}
    if contested & _CURRENCY:
        known["currency"] = [item.currency.detected_currency, item.subject.units, item.subject.currency_code]
    if ReviewField.REPORTING_FREQUENCY in contested:
        known["frequency"] = [item.time.reporting_frequency, item.subject.periodicity]
    return known


def accept(case: SettlementCase, reply: SettlementReply) -> FinalReview:
    """The judgement. Raises ValueError for a replacement that may not be, and for one of an objection that fails."""
    if not reply.review_makes_sense and reply.corrections_applied:
        raise ValueError("review_makes_sense is false, so corrections_applied must be empty")
    corrections: dict[ReviewField, Replacement] = {}
    for correction in reply.corrections_applied:
        _check_place(case, correction.field, corrections)
        corrections[correction.field] = _value(correction)
    subject, unit = case.item.subject, case.item.unit
    return FinalReview(
        review_makes_sense=reply.review_makes_sense,
        status=FinalReviewStatus.CORRECTED if corrections else FinalReviewStatus.FAILED,
        corrections_applied=corrections,
        final_reasoning=impersonal(reply.final_reasoning, subject, unit),
        confidence=reply.confidence,
    )


def _check_place(case: SettlementCase, field: ReviewField, before: Mapping[ReviewField, Replacement]) -> None:
    contested = case.item.boolean_review.incorrect_fields
    allowed = {*contested, *(coupled for name in contested for coupled in COUPLED.get(name, ()))}
    if field not in allowed:
        raise ValueError(f"{field} is not contested; only these may be corrected: {', '.join(sorted(allowed))}")
    if field in before:
        raise ValueError(f"{field} is corrected twice")


def _value(correction: Correction) -> Replacement:
    text: Replacement = correction.value
    if correction.field is ReviewField.IS_CURRENCY_DENOMINATED:
        text = _TRUTH.get(correction.value.casefold(), text)
    elif correction.field is ReviewField.DETECTED_CURRENCY and correction.value.casefold() == NO_CURRENCY:
        text = None
    try:
        checked_value(correction.field, text)
    except ValueError:
        meaning = REVIEW_FIELDS[correction.field]
        raise ValueError(f"{correction.value!r} is no value of {correction.field}; it is {meaning}") from None
    return text


PROMPT = Prompt(
    instructions=instructions("final-review"),
    reply=SettlementReply,
    facts=facts,
    identity=identity,
    accept=accept,
    output_tokens=90,
)
