"""The boolean review as a language model is asked for it."""

from collections.abc import Mapping

from pydantic import JsonValue

from schemas.base import Confidence, Contract, Reasoning
from schemas.classification import BooleanReview, IndicatorWithType
from schemas.enums import ReviewField
from services.classification.prompts.facts import Facts, review_facts
from services.classification.prompts.identity import review_identity
from services.classification.prompts.instructions import instructions
from services.classification.prompts.wording import impersonal
from shared.llm.question import Prompt


class ReviewCase(Contract):
    """A row under review, and what the rules say of it."""

    item: IndicatorWithType
    rule_hits: tuple[str, ...]
    """Rules that object, each with what it expects."""
    by_rules: BooleanReview
    """The verdict without a language model."""


class ReviewReply(Contract):
    """What a model says of one item."""

    is_correct: bool
    incorrect_fields: tuple[ReviewField, ...]
    confidence: Confidence
    reasoning: Reasoning


def facts(case: ReviewCase) -> Facts:
    """All facts, all values, all confidences, and the rule hits."""
    return {**review_facts(case.item), "rule_hits": list(case.rule_hits)}


def identity(case: ReviewCase) -> Mapping[str, JsonValue]:
    """Words, figures, the values under review, and the rule hits; see identity.py."""
    return {**review_identity(case.item), "rule_hits": list(case.rule_hits)}


def accept(case: ReviewCase, reply: ReviewReply) -> BooleanReview:
    """The verdict. Raises ValueError where it contradicts itself; an objection that names nothing is for a person."""
    if reply.is_correct and reply.incorrect_fields:
        named = ", ".join(reply.incorrect_fields)
        raise ValueError(f"is_correct is true, yet incorrect_fields names {named}; one of the two must change")
    return BooleanReview(
        is_correct=reply.is_correct,
        incorrect_fields=tuple(dict.fromkeys(reply.incorrect_fields)),
        reasoning=impersonal(reply.reasoning, case.item.subject, case.item.unit),
        confidence=reply.confidence,
    )


PROMPT = Prompt(
    instructions=instructions("boolean-review"),
    reply=ReviewReply,
    facts=facts,
    identity=identity,
    accept=accept,
    output_tokens=70,
)
