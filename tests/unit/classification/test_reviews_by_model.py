"""Reviews with a language model: rules first, the model's word checked by them, contradictions left to people."""

from typing import Any

import pytest
from pydantic import ValidationError

from schemas.classification import ContestedIndicator, IndicatorWithType, ReviewedIndicator
from schemas.enums import Family, IndicatorType, Orientation, ReviewField, ReviewStatus, TemporalAggregation
from services.classification.boolean_review import review
from services.classification.final_review import settle
from services.classification.in_memory import classify_in_memory, classify_with_usage
from shared.llm.gateway import Ask, Down, EmbeddedProvider, Provider
from shared.runtime.outcome import Usage
from shared.settings import LlmSettings
from tests.unit.classification.model_of_words import USAGE, Words, gateway, indicator

RIGHT = {"is_correct": True, "incorrect_fields": [], "confidence": 0.95, "reasoning": "All values fit."}
KEEPS = {"review_makes_sense": False, "corrections_applied": [], "confidence": 0.9, "final_reasoning": "It fits."}
WRONG_RATE: dict[str, Any] = {
    "family": {"family": Family.CHANGE_MOVEMENT},
    "type": {"indicator_type": IndicatorType.RATE, "temporal_aggregation": TemporalAggregation.PERIOD_RATE},
}


def objects_to(*fields: str, confidence: float = 0.9) -> dict[str, Any]:
    reasoning = "These do not fit."
    return {"is_correct": False, "incorrect_fields": fields, "confidence": confidence, "reasoning": reasoning}


def corrects(confidence: float = 0.9, **values: str) -> dict[str, Any]:
    pairs = [{"field": field, "value": value} for field, value in values.items()]
    return {
        "review_makes_sense": True,
        "corrections_applied": pairs,
        "confidence": confidence,
        "final_reasoning": "The cost of money.",
    }


AS_INTEREST = corrects(family="price-value", temporal_aggregation="period-average", time_basis="point-in-time")


async def typed(name: str, units: str, **changes: Any) -> IndicatorWithType:
    """A classified item with some of its decisions overridden."""
    (item,) = await classify_in_memory([indicator(name, units)])
    values = {field: getattr(item, field) for field in IndicatorWithType.model_fields}
    for part, update in changes.items():
        values[part] = values[part].model_copy(update=update)
    return IndicatorWithType(**values)


async def reviewed(item: IndicatorWithType, words: Provider, mode: str = "flagged") -> tuple[ReviewedIndicator, Usage]:
    """The item after both reviews, and what the last one took."""
    ask, settings = gateway(words), LlmSettings.model_validate({"review": mode})
    (first,) = await review([item], ask("boolean-review", 1), settings)
    message, usage = first.messages[0], first.usage
    if isinstance(message, ContestedIndicator):
        (second,) = await settle([message], ask("final-review", 1), settings)
        message, usage = second.messages[0], second.usage
    assert isinstance(message, ReviewedIndicator)
    return message, usage


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


class TestAccept:
    """Valid in form, yet nothing a stage can use: the model is told why."""

    @pytest.mark.parametrize(
        ("reply", "why"),
        [
            (RIGHT | {"incorrect_fields": ["family"]}, "one of the two must change"),
            (objects_to("colour"), "incorrect_fields"),
        ],
    )
    async def test_boolean_review(self, reply: dict[str, Any], why: str) -> None:
        with pytest.raises((ValueError, ValidationError), match=why):
            await reviewed(await typed("Balance of Trade", "USD"), Words(boolean_review=[reply]), "all")

    @pytest.mark.parametrize(
        ("reply", "why"),
        [
            (corrects(scale="millions"), "scale is not contested; only these may be corrected: family"),
            (corrects(family="prices"), "'prices' is no value of family; it is one of physical-fundamental"),
            (corrects(time_basis="now"), "'now' is no value of time_basis"),
            (KEEPS | {"corrections_applied": corrects(family="other")["corrections_applied"]}, "must be empty"),
            (corrects() | {"corrections_applied": [{"field": "family", "value": "other"}] * 2}, "corrected twice"),
            (corrects() | {"confidence": 90}, "less than or equal to 1"),
        ],
    )
    async def test_final_review(self, reply: dict[str, Any], why: str) -> None:
        words = Words(boolean_review=[objects_to("family")], final_review=[reply])
        with pytest.raises((ValueError, ValidationError), match=why):
            await reviewed(await typed("Balance of Trade", "USD"), words, "all")

    async def test_the_currency_is_corrected_as_a_code_or_as_none(self) -> None:
        item = await typed("Exports", "USD Million", family={"confidence": 0.7})
        for value, expected in (("EUR", "EUR"), ("none", None)):
            words = Words(
                boolean_review=[objects_to("detected_currency")], final_review=[corrects(detected_currency=value)]
            )
            result, _ = await reviewed(item, words)
            assert result.currency.detected_currency == expected
        for value in ("euro", "eur", "yes"):
            words = Words(
                boolean_review=[objects_to("detected_currency")], final_review=[corrects(detected_currency=value)]
            )
            with pytest.raises(ValueError, match="no value of detected_currency"):
                await reviewed(item, words)

    async def test_a_runner_up_that_repeats_the_family_is_none(self) -> None:
        said = {"family": "temporal", "runner_up": "temporal", "confidence": 0.9, "reasoning": "Time."}
        kind = {"indicator_type": "duration", "temporal_aggregation": "point-in-time", "override_of_pattern": False}
        rest = {"heat_map_orientation": "neutral", "confidence": 0.9, "reasoning": "Time."}
        words = Words(family=[said], type=[kind | rest])
        (item,) = await classify_in_memory([indicator("Retirement Age", "Years")], gateway(words))
        assert (item.family.family, item.family.runner_up) == (Family.TEMPORAL, None)

    @pytest.mark.parametrize(
        ("kind", "aggregation", "why"),
        [
            ("price", "point-in-time", "price is no type of physical-fundamental; its types are: stock, flow"),
            ("volume", "period-total", "must be period-cumulative"),
        ],
    )
    async def test_type(self, kind: str, aggregation: str, why: str) -> None:
        monthly = [
            {"date": f"{2020 + year}-{month:02}-01", "value": 10.0 * month}
            for year in range(4)
            for month in range(1, 13)
        ]
        family = {"family": "physical-fundamental", "runner_up": "other", "confidence": 0.9, "reasoning": "Goods."}
        said = {
            "indicator_type": kind,
            "temporal_aggregation": aggregation,
            "heat_map_orientation": "neutral",
            "override_of_pattern": False,
            "confidence": 0.9,
            "reasoning": "Goods.",
        }
        words = Words(family=[family], type=[said])
        with pytest.raises(ValueError, match=why):
            await classify_in_memory([indicator("Cement output", "Tonnes", sample_values=monthly)], gateway(words))

    @pytest.mark.parametrize(
        ("stage", "reply", "why"),
        [
            ("currency", {"is_currency_denominated": False, "detected_currency": "USD"}, "must be null"),
            (
                "time",
                {"reporting_frequency": "monthly", "time_basis": "per-period", "source_used": "time-series"},
                "the item has no dates",
            ),
            (
                "time",
                {"reporting_frequency": "monthly", "time_basis": "per-period", "source_used": "periodicity"},
                "the item has none",
            ),
        ],
    )
    async def test_facets(self, stage: str, reply: dict[str, Any], why: str) -> None:
        words = Words(**{stage: [reply | {"confidence": 0.9, "reasoning": "So."}]})
        with pytest.raises(ValueError, match=why):
            await classify_in_memory([indicator("Exports", "USD")], only(stage, words))


def only(stage: str, words: Provider) -> Any:
    """A gateway in which one stage's own setting names the model."""

    class Own:
        provider, fallback, cascade, cascade_confidence = "embedded", (), False, 1.0

        def own_provider(self, name: str) -> str | None:
            return "openai" if name == stage else None

        def provider_for(self, name: str) -> str:
            return self.own_provider(name) or self.provider

    providers: dict[str, Provider] = {"embedded": EmbeddedProvider(), "openai": words}
    return lambda name, count: Ask(providers, [""] * count, Own(), name)


async def test_a_facet_stage_asks_a_model_only_by_its_own_setting() -> None:
    said = {"scale": "billions", "confidence": 0.9, "reasoning": "The name says billions."}
    (item,) = await classify_in_memory([indicator("Exports", "USD Million")], only("scale", Words(scale=[said])))
    assert (item.scale.scale, item.scale.reasoning) == ("billions", "The name says billions.")
    assert item.time.reasoning.startswith("Frequency:")


async def test_in_a_cascade_both_opinions_are_kept_and_all_costs_summed() -> None:
    family = {"family": "temporal", "runner_up": "other", "confidence": 0.9, "reasoning": "Time."}
    kind = {
        "indicator_type": "duration",
        "temporal_aggregation": "point-in-time",
        "heat_map_orientation": "neutral",
        "override_of_pattern": False,
        "confidence": 0.9,
        "reasoning": "Time.",
    }
    words = Words(family=[family], type=[kind], boolean_review=[RIGHT])
    ask = gateway(words, cascade=True, cascade_confidence=1.1)
    ((item, usages),) = await classify_with_usage([indicator("Widget position", "Tonnes")], ask)
    assert item.family.family is Family.TEMPORAL
    assert item.family_prior is not None
    assert item.family_prior.provider == "embedded"
    assert item.family_prior.values["family"] in set(Family) - {Family.TEMPORAL}
    assert item.type_prior is not None
    assert set(item.type_prior.values) == {"indicator_type", "temporal_aggregation", "heat_map_orientation"}
    assert item.type.heat_map_orientation is Orientation.NEUTRAL
    assert sum(usage.cost_usd for usage in usages) >= 1.0


async def test_an_item_that_the_model_says_nothing_of_is_rejected_with_the_reason() -> None:
    with pytest.raises(RuntimeError, match="the model is silent"):
        await classify_in_memory([indicator("GDP")], gateway(Words(family=[None])))
