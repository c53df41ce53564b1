"""Settle what the boolean review contested: by what the rules expect, or by a language model's word, checked by them.

A model judges whether the objection holds and supplies replacements. The row with them is held against the rules again;
what they object to goes back to it once. What is still contradictory, and what nobody can replace, is left to a person.
"""

from collections.abc import Mapping, Sequence

from schemas.classification import ContestedIndicator, FinalReview, ReviewedIndicator
from schemas.enums import FinalReviewStatus, ReviewField, ReviewStatus
from services.classification.boolean_review import DOUBT_BELOW
from services.classification.facets import RULES
from services.classification.prompts.final_review import PROMPT, SettlementCase
from services.classification.review_row import REASONING_LIMIT, corrected, hits, in_words, objections, row_of
from services.classification.rules.review import Replacement, apply
from services.classification.settling_by_rules import settled
from services.classification.usage import asked, is_by_rules
from shared.llm.gateway import Ask
from shared.llm.question import Answer, Question
from shared.runtime.outcome import Emit, emit
from shared.settings import EMBEDDED_PROVIDER, LlmSettings

Answers = dict[int, Answer[FinalReview]]


def _by_rules(cases: Sequence[SettlementCase]) -> tuple[list[FinalReview], str]:
    return [review for case in cases if (review := settled(case.item).final_review) is not None], RULES


FINAL_REVIEW = Question("final-review", lambda: _by_rules, PROMPT)


async def settle(items: Sequence[ContestedIndicator], ask: Ask, settings: LlmSettings) -> list[Emit]:
    """The item with corrected values, or with its own ones and the status failed or needs_human."""
    cases = {
        place: SettlementCase(item=item, rule_hits=hits(objections(row_of(item))))
        for place, item in enumerate(items)
        if item.boolean_review.incorrect_fields
        and settings.review != "rules"
        and ask.choice(FINAL_REVIEW, place) != EMBEDDED_PROVIDER
    }
    first = await _answers(cases, ask)
    again = {place: case for place in cases if (case := _second_case(cases[place], first[place])) is not None}
    second = await _answers(again, ask)
    results = {place: _result(cases[place], first[place]) for place in cases if place not in again}
    results |= {place: _result(again[place], second[place]) for place in again}
    return [
        emit(results.get(place) or settled(item), usage=asked(first.get(place), second.get(place)))
        for place, item in enumerate(items)
    ]


async def _answers(cases: Mapping[int, SettlementCase], ask: Ask) -> Answers:
    if not cases:
        return {}
    answers = await ask(FINAL_REVIEW, list(cases.values()), places=list(cases))
    return dict(zip(cases, answers, strict=True))


def _second_case(case: SettlementCase, answer: Answer[FinalReview]) -> SettlementCase | None:
    """What to ask once more: a correction to which rules object, with what they say. None if there is none."""
    if answer.value is None or is_by_rules(answer):
        return None
    corrections = _changes(case.item, answer.value)
    left = objections(apply(row_of(case.item), corrections)) if corrections else []
    if not left:
        return None
    return case.model_copy(update={"proposed": corrections, "still_wrong": hits(left)})


def _result(case: SettlementCase, answer: Answer[FinalReview]) -> ReviewedIndicator:
    if answer.value is None:
        return _without_answer(case, answer.reason)
    if is_by_rules(answer):
        return settled(case.item)
    if not answer.value.review_makes_sense:
        return _objection_rejected(case, answer.value)
    return _replaced(case, answer.value)


def _without_answer(case: SettlementCase, reason: str) -> ReviewedIndicator:
    """The rules' own settlement, unless the model has already been heard and refused."""
    if case.still_wrong:
        return _for_a_person(case.item, f"{'; '.join(case.still_wrong)}; no second answer: {reason}", makes_sense=True)
    result = settled(case.item)
    review = result.final_review
    if review is None:
        return result
    noted = f"{review.final_reasoning}; no language model judged it: {reason}"[:REASONING_LIMIT]
    return result.model_copy(update={"final_review": review.model_copy(update={"final_reasoning": noted})})


def _objection_rejected(case: SettlementCase, verdict: FinalReview) -> ReviewedIndicator:
    """The values stay. If a rule still objects to them, model and rule contradict each other, and a person decides."""
    left = objections(row_of(case.item))
    if left:
        reason = f"the review rejects the objection ({verdict.final_reasoning}), yet {in_words(left)}"
        return _for_a_person(case.item, reason, makes_sense=False, confidence=verdict.confidence)
    return ReviewedIndicator(**case.item.__dict__, final_review=verdict, review_status=ReviewStatus.FAILED)


def _replaced(case: SettlementCase, verdict: FinalReview) -> ReviewedIndicator:
    """The row with the model's replacements, if it has some, is sure of them, and no rule objects to the whole."""
    corrections = _changes(case.item, verdict)
    row = apply(row_of(case.item), corrections)
    left = objections(row)
    if problem := _problem(corrections, verdict, in_words(left)):
        reason = f"{problem}; {verdict.final_reasoning}"
        return _for_a_person(case.item, reason, makes_sense=True, confidence=verdict.confidence)
    review = verdict.model_copy(
        update={"corrections_applied": corrections, "status": FinalReviewStatus.CORRECTED},
    )
    values = corrected(case.item, row, corrections, verdict.final_reasoning, verdict.confidence)
    return ReviewedIndicator(**values, final_review=review, review_status=ReviewStatus.CORRECTED)


def _problem(corrections: Mapping[ReviewField, Replacement], verdict: FinalReview, left: str) -> str:
    if not corrections:
        return f"the objection holds, but nothing is offered in its place{f' ({left})' if left else ''}"
    if left:
        return f"still contradictory after the correction: {left}"
    return "the correction is no better than a guess" if verdict.confidence < DOUBT_BELOW else ""


def _changes(item: ContestedIndicator, verdict: FinalReview) -> dict[ReviewField, Replacement]:
    """Replacements that differ from what is there."""
    row = row_of(item)
    return {field: value for field, value in verdict.corrections_applied.items() if getattr(row, field.value) != value}


def _for_a_person(
    item: ContestedIndicator, reason: str, *, makes_sense: bool, confidence: float = 0.0
) -> ReviewedIndicator:
    review = FinalReview(
        review_makes_sense=makes_sense,
        status=FinalReviewStatus.FAILED,
        corrections_applied={},
        final_reasoning=reason[:REASONING_LIMIT],
        confidence=confidence,
    )
    return ReviewedIndicator(**item.__dict__, final_review=review, review_status=ReviewStatus.NEEDS_HUMAN)
