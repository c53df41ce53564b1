"""Reviews with a language model: rules first, the model's word checked by them, contradictions left to people."""

from typing import Any

import pytest

from schemas.classification import ContestedIndicator, ReviewedIndicator
from schemas.enums import Family, IndicatorType, ReviewField, ReviewStatus, TemporalAggregation
from services.classification.boolean_review import review
from services.classification.final_review import settle
from shared.llm.gateway import Down, Provider
from shared.runtime.outcome import Usage
from shared.settings import LlmSettings
from tests.unit.classification.model_of_words import USAGE, Words, gateway
from tests.unit.classification.reviewing import KEEPS, RIGHT, corrects, objects_to, reviewed, typed

WRONG_RATE: dict[str, Any] = {
    "family": {"family": Family.CHANGE_MOVEMENT},
    "type": {"indicator_type": IndicatorType.RATE, "temporal_aggregation": TemporalAggregation.PERIOD_RATE},
}
AS_INTEREST = corrects(family="price-value", temporal_aggregation="period-average", time_basis="point-in-time")


@pytest.mark.parametrize(("mode", "asked"), [("rules", 0), ("flagged", 0), ("all", 1)])
async def test_a_row_that_gives_no_reason_is_reviewed_only_if_all_are(mode: str, asked: int) -> None:
    words = Words(boolean_review=[RIGHT])
    result, usage = await reviewed(await typed("Balance of Trade", "USD Million"), words, mode)
    assert result.review_status is ReviewStatus.PASSED
    assert len(words.heard["boolean-review"]) == asked
    assert usage.cost_usd == 0.5 * asked


@pytest.mark.parametrize(
    "changes",
    [
        {"family": {"confidence": 0.7}},
        {"type": {"confidence": 0.7}},
        {"type": {"orientation_confidence": 0.8}},
        {"family": {"family": Family.OTHER}, "type": {"indicator_type": IndicatorType.OTHER}},
        WRONG_RATE,
    ],
    ids=["family unsure", "type unsure", "orientation unsure", "other", "a rule objects"],
)
async def test_a_row_with_a_reason_is_reviewed(changes: dict[str, Any]) -> None:
    words = Words(boolean_review=[RIGHT], final_review=[KEEPS])
    await reviewed(await typed("Widget interest rate", "%", **changes), words)
    assert len(words.heard["boolean-review"]) == 1


async def test_what_the_model_finds_right_passes_with_its_verdict_and_its_cost() -> None:
    result, usage = await reviewed(
        await typed("Widget position", "USD Million", family={"confidence": 0.4}), Words(boolean_review=[RIGHT])
    )
    assert result.review_status is ReviewStatus.PASSED
    assert (result.boolean_review.reasoning, result.boolean_review.confidence) == ("All values fit.", 0.95)
    assert usage == USAGE


async def test_two_guesses_do_not_make_a_certainty() -> None:
    words = Words(boolean_review=[RIGHT | {"confidence": 0.3}], final_review=[KEEPS])
    result, _ = await reviewed(await typed("Widget position", "USD Million", family={"confidence": 0.4}), words)
    assert not result.boolean_review.is_correct
    assert result.boolean_review.incorrect_fields == (ReviewField.FAMILY,)


async def test_an_objection_is_settled_by_the_models_replacements() -> None:
    words = Words(
        boolean_review=[objects_to("family", "indicator_type")],
        final_review=[corrects(family="price-value", indicator_type="price")],
    )
    item = await typed("Cost of a widget", "USD", family={"confidence": 0.6, "family": Family.PHYSICAL_FUNDAMENTAL})
    item = item.model_copy(
        update={
            "type": item.type.model_copy(
                update={"indicator_type": IndicatorType.STOCK, "temporal_aggregation": "point-in-time"}
            )
        }
    )
    result, usage = await reviewed(item, words)
    assert result.review_status is ReviewStatus.CORRECTED
    assert (result.family.family, result.type.indicator_type) == (Family.PRICE_VALUE, IndicatorType.PRICE)
    assert result.final_review is not None
    assert result.final_review.corrections_applied == {"family": "price-value", "indicator_type": "price"}
    assert (result.family.confidence, result.family.reasoning) == (0.9, "corrected: The cost of money.")
    assert usage == USAGE
    assert words.heard["final-review"][0]["contested"] == ["family", "indicator_type"]


async def test_rules_are_told_to_the_model_and_never_outvoted_by_its_first_word() -> None:
    words = Words(
        boolean_review=[RIGHT],
        final_review=[AS_INTEREST],
    )
    result, _ = await reviewed(await typed("Bank Lending Rate", "%", **WRONG_RATE), words)
    assert "rule 4" in str(words.heard["boolean-review"][0]["rule_hits"])
    assert "rule 4" in result.boolean_review.reasoning
    assert "the review says: All values fit." in result.boolean_review.reasoning
    assert result.review_status is ReviewStatus.CORRECTED
    assert result.type.temporal_aggregation is TemporalAggregation.PERIOD_AVERAGE


async def test_an_objection_that_names_nothing_goes_to_a_person_unasked() -> None:
    words = Words(boolean_review=[objects_to()], final_review=[KEEPS])
    result, _ = await reviewed(await typed("Balance of Trade", "USD Million"), words, "all")
    assert result.review_status is ReviewStatus.NEEDS_HUMAN
    assert result.final_review is not None
    assert "names no field" in result.final_review.final_reasoning
    assert not words.heard["final-review"]


async def test_a_rejected_objection_leaves_the_values_and_the_row_completes() -> None:
    words = Words(boolean_review=[objects_to("heat_map_orientation")], final_review=[KEEPS])
    item = await typed("Widget position", "USD Million", family={"confidence": 0.7})
    result, _ = await reviewed(item, words)
    assert result.review_status is ReviewStatus.FAILED
    assert result.type == item.type
    assert result.final_review is not None
    assert (result.final_review.review_makes_sense, result.final_review.corrections_applied) == (False, {})


async def test_model_against_rule_is_a_contradiction_that_a_person_settles() -> None:
    words = Words(boolean_review=[RIGHT], final_review=[KEEPS])
    item = await typed("Bank Lending Rate", "%", **WRONG_RATE)
    result, _ = await reviewed(item, words)
    assert result.review_status is ReviewStatus.NEEDS_HUMAN
    assert (result.family, result.type) == (item.family, item.type)
    assert result.final_review is not None
    assert "rejects the objection" in result.final_review.final_reasoning
    assert "rule 4" in result.final_review.final_reasoning


async def test_a_correction_that_breaks_a_rule_gets_one_more_attempt() -> None:
    words = Words(
        boolean_review=[objects_to("family")],
        final_review=[
            corrects(family="temporal"),
            AS_INTEREST,
        ],
    )
    result, usage = await reviewed(await typed("Bank Lending Rate", "%", **WRONG_RATE), words)
    assert result.review_status is ReviewStatus.CORRECTED
    second = words.heard["final-review"][1]
    assert second["proposed"] == {"family": "temporal"}
    assert "rule 1 (illegal_pair)" in str(second["still_wrong"])
    assert usage == Usage("openai", "small", tokens_in=200, tokens_out=20, cost_usd=1.0)


@pytest.mark.parametrize(
    ("second", "why"),
    [(corrects(family="temporal"), "still contradictory"), (KEEPS, "rejects"), (None, "no second answer")],
    ids=["the same again", "withdrawn", "silence"],
)
async def test_after_the_second_attempt_a_person_decides(second: dict[str, Any] | None, why: str) -> None:
    item = await typed("Bank Lending Rate", "%", **WRONG_RATE)
    words = Words(boolean_review=[objects_to("family")], final_review=[corrects(family="temporal"), second])
    result, _ = await reviewed(item, words)
    assert result.review_status is ReviewStatus.NEEDS_HUMAN
    assert (result.family, result.type) == (item.family, item.type)
    assert result.final_review is not None
    assert why in result.final_review.final_reasoning
    assert len(words.heard["final-review"]) == 2


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        (corrects(), "nothing is offered"),
        (corrects(indicator_type="flow"), "nothing is offered"),
        (corrects(0.4, indicator_type="stock"), "no better than a guess"),
    ],
    ids=["empty", "what is there already", "guess"],
)
async def test_an_objection_that_holds_without_a_replacement_goes_to_a_person(reply: dict[str, Any], why: str) -> None:
    item = await typed("Widget position", "USD Million", family={"confidence": 0.7})
    kind = item.type.model_copy(
        update={"indicator_type": IndicatorType.FLOW, "temporal_aggregation": TemporalAggregation.PERIOD_AVERAGE}
    )
    item = item.model_copy(
        update={"type": kind, "family": item.family.model_copy(update={"family": Family.PHYSICAL_FUNDAMENTAL})}
    )
    result, _ = await reviewed(item, Words(boolean_review=[objects_to("indicator_type")], final_review=[reply]))
    assert result.review_status is ReviewStatus.NEEDS_HUMAN
    assert result.final_review is not None
    assert why in result.final_review.final_reasoning


async def test_without_an_answer_the_rules_verdict_stands_and_says_so() -> None:
    silent = Words(boolean_review=[None], final_review=[None])
    corrected, usage = await reviewed(await typed("Bank Lending Rate", "%", **WRONG_RATE), silent)
    assert corrected.review_status is ReviewStatus.CORRECTED
    assert corrected.family.family is Family.PRICE_VALUE
    assert "no language model reviewed it: the model is silent" in corrected.boolean_review.reasoning
    assert corrected.final_review is not None
    assert "no language model judged it: the model is silent" in corrected.final_review.final_reasoning
    assert usage == USAGE
    doubtful, _ = await reviewed(await typed("Widget position", "USD Million", family={"confidence": 0.3}), silent)
    assert doubtful.review_status is ReviewStatus.NEEDS_HUMAN
    passed, _ = await reviewed(await typed("Balance of Trade", "USD Million"), silent, "all")
    assert passed.review_status is ReviewStatus.PASSED
    assert "no language model reviewed it" in passed.boolean_review.reasoning


class _Away(Provider):
    async def answer(self, question: Any, facts: Any) -> Any:
        return [Down("the vendor is away")] * len(facts)


async def test_where_the_fallback_is_the_embedded_model_the_rules_review() -> None:
    item = await typed("Bank Lending Rate", "%", **WRONG_RATE)
    ask, settings = gateway(_Away(), fallback=("embedded",)), LlmSettings()
    (contested,) = await review([item], ask("boolean-review", 1), settings)
    message = contested.messages[0]
    assert isinstance(message, ContestedIndicator)
    (settled,) = await settle([message], ask("final-review", 1), settings)
    (by_rules,) = await settle([message], ask("final-review", 1), LlmSettings.model_validate({"review": "rules"}))
    assert settled == by_rules
    assert settled.usage == Usage()


async def test_each_item_of_a_batch_gets_its_own_answers() -> None:
    """Rows that are asked stand between rows that are not; second attempts are about the right ones."""
    plain = await typed("Balance of Trade", "USD Million")
    unsure = await typed("Widget position", "USD Million", family={"confidence": 0.7})
    wrong = await typed("Bank Lending Rate", "%", **WRONG_RATE)
    words = Words(
        boolean_review=[RIGHT, objects_to("family")],
        final_review=[
            corrects(family="temporal"),
            KEEPS,
            AS_INTEREST,
        ],
    )
    ask, settings = gateway(words), LlmSettings()
    items = [plain, unsure, plain, wrong, plain, wrong]
    messages = [emit.messages[0] for emit in await review(items, ask("boolean-review", 6), settings)]
    contested = [message for message in messages if isinstance(message, ContestedIndicator)]
    assert [type(message) for message in messages].count(ContestedIndicator) == 2
    results = [emit.messages[0] for emit in await settle(contested, ask("final-review", 2), settings)]
    assert [result.review_status for result in results if isinstance(result, ReviewedIndicator)] == [
        ReviewStatus.CORRECTED,
        ReviewStatus.NEEDS_HUMAN,
    ]
