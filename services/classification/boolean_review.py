"""Is the row right as it stands? The rules of classification spec 2.7 first, then a language model where one is set.

Without a language model doubt alone contests a row only when it is grave (docs/decisions/0006).
"""

from collections.abc import Sequence
from typing import NamedTuple

from schemas.classification import BooleanReview, ContestedIndicator, IndicatorWithType, ReviewedIndicator
from schemas.enums import Family, ReviewField, ReviewStatus
from services.classification.facets import RULES
from services.classification.prompts.boolean_review import PROMPT, ReviewCase
from services.classification.review_row import REASONING_LIMIT, RULE_CONFIDENCE, hits, in_words, judge, row_of
from services.classification.rules.review import Violation
from services.classification.usage import asked, is_by_rules
from shared.llm.gateway import Ask
from shared.llm.question import Answer, Question
from shared.runtime.outcome import Emit, emit
from shared.settings import EMBEDDED_PROVIDER, LlmSettings

DOUBT_BELOW = 0.5
"""A family or type that is as likely wrong as right is not passed without a second look."""


class ByRules(NamedTuple):
    """What the rules say of a row: violations, rule 16's doubt in words, and the verdict that follows."""

    found: list[Violation]
    hesitation: str
    verdict: BooleanReview


def _by_rules(cases: Sequence[ReviewCase]) -> tuple[list[BooleanReview], str]:
    return [case.by_rules for case in cases], RULES


BOOLEAN_REVIEW = Question("boolean-review", lambda: _by_rules, PROMPT)


async def review(items: Sequence[IndicatorWithType], ask: Ask, settings: LlmSettings) -> list[Emit]:
    """Pass the item on as reviewed, or as contested with the fields that are wrong."""
    judged = [by_rules(item) for item in items]
    places = [
        place
        for place, item in enumerate(items)
        if _is_due(item, judged[place], settings) and ask.choice(BOOLEAN_REVIEW, place) != EMBEDDED_PROVIDER
    ]
    answers = await _answers([items[place] for place in places], [judged[place] for place in places], places, ask)
    given = dict(zip(places, answers, strict=True))
    return [_outcome(item, judged[place], given.get(place)) for place, item in enumerate(items)]


def by_rules(item: IndicatorWithType) -> ByRules:
    """The rules' word on a row."""
    found, hesitation = judge(row_of(item))
    doubtful = doubts(item)
    if not found and not doubtful:
        return ByRules(found, hesitation, _passed(item, hesitation))
    fields = dict.fromkeys([*_named(found), *doubtful])
    verdict = BooleanReview(
        is_correct=False,
        incorrect_fields=tuple(fields),
        reasoning=in_words(found) or f"not certain of {' and '.join(doubtful)}",
        confidence=RULE_CONFIDENCE if found else 1 - min(item.family.confidence, item.type.confidence),
    )
    return ByRules(found, hesitation, verdict)


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


def _named(found: Sequence[Violation]) -> list[ReviewField]:
    return [field for violation in found for field in violation.fields]


def _is_due(item: IndicatorWithType, judged: ByRules, settings: LlmSettings) -> bool:
    """Whether a language model looks at the row, if one is set: every row, or those that give a reason.

    Where a decision was taken over, it was reviewed with the indicator that it was made about.
    """
    if item.subject.same_as:
        return bool(judged.found) and settings.review != "rules"
    if judged.found or judged.hesitation or item.family.family is Family.OTHER:
        return settings.review != "rules"
    return settings.review == "all"


async def _answers(
    items: Sequence[IndicatorWithType], judged: Sequence[ByRules], places: Sequence[int], ask: Ask
) -> Sequence[Answer[BooleanReview]]:
    if not places:
        return []
    cases = [
        ReviewCase(item=item, rule_hits=hits(rules.found), by_rules=rules.verdict)
        for item, rules in zip(items, judged, strict=True)
    ]
    return await ask(BOOLEAN_REVIEW, cases, places=places)


def _outcome(item: IndicatorWithType, judged: ByRules, answer: Answer[BooleanReview] | None) -> Emit:
    if answer is None:
        return emit(_reviewed(item, judged.verdict))
    verdict = judged.verdict if is_by_rules(answer) else _weighed(judged, answer)
    return emit(_reviewed(item, verdict), usage=asked(answer))


def _reviewed(item: IndicatorWithType, verdict: BooleanReview) -> ReviewedIndicator | ContestedIndicator:
    if verdict.is_correct:
        return ReviewedIndicator(**item.__dict__, boolean_review=verdict, review_status=ReviewStatus.PASSED)
    return ContestedIndicator(**item.__dict__, boolean_review=verdict)


def _weighed(judged: ByRules, answer: Answer[BooleanReview]) -> BooleanReview:
    """Rules and model together: rules are never outvoted here, and what neither is sure of is not passed."""
    given = answer.value
    if given is None:
        return _noted(judged.verdict, f"no language model reviewed it: {answer.reason}")
    if judged.found:
        fields = dict.fromkeys([*_named(judged.found), *given.incorrect_fields])
        return _noted(judged.verdict, f"the review says: {given.reasoning}").model_copy(
            update={"incorrect_fields": tuple(fields)}
        )
    if given.is_correct and given.confidence < DOUBT_BELOW and not judged.verdict.is_correct:
        return _noted(judged.verdict, f"nor is the review: {given.reasoning}")
    return given


def _noted(verdict: BooleanReview, note: str) -> BooleanReview:
    return verdict.model_copy(update={"reasoning": f"{verdict.reasoning}; {note}"[:REASONING_LIMIT]})
