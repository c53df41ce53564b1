"""What stages take from a language model, what they refuse, and who is asked."""

from typing import Any

import pytest
from pydantic import ValidationError

from schemas.enums import Family, Orientation
from services.classification.in_memory import classify_in_memory, classify_with_usage
from shared.llm.gateway import Ask, EmbeddedProvider, Provider
from tests.unit.classification.model_of_words import Words, gateway, indicator
from tests.unit.classification.reviewing import KEEPS, RIGHT, corrects, objects_to, reviewed, typed


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
