"""Nearly identical indicators: one is asked about, and the others take over what depends on the concept alone."""

from typing import Any

import pytest
from pydantic import ValidationError

from schemas.indicator import Indicator
from services.classification.in_memory import classify_with_usage
from services.classification.taking_over import TAKEN_OVER, concept
from services.deduplication.names.near import group_names
from shared.concepts import describer, grouper, stand_ins
from shared.llm.gateway import Ask, EmbeddedProvider
from shared.settings import EMBEDDED_PROVIDER, LlmSettings

KNOWN = {
    "indicator_id": "BOT:AF",
    "family": "physical-fundamental",
    "indicator_type": "balance",
    "temporal_aggregation": "period-total",
    "heat_map_orientation": "neutral",
    "confidence": 0.9,
}


def _indicator(name: str, units: str = "", **more: Any) -> Indicator:
    return Indicator.model_validate({"indicator_id": f"{name}:{units}", "name": name, "units": units, **more})


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("Balance of Trade", "TRADE BALANCE", True),
        ("Exports of goods and services", "Export of Goods & Services", True),
        ("Imports", "Exports", False),
        ("Exports (% of GDP)", "Exports (of GDP)", False),
        ("Exports (constant US$)", "Exports (current US$)", False),
        ("GDP", "GDP per capita", False),
        ("Inflation Rate MoM", "Inflation Rate YoY", False),
        ("%", "$", False),
        ("The", "Of", False),
    ],
)
def test_names_are_nearly_identical_or_not(one: str, other: str, alike: bool) -> None:
    first, second = group_names([one, other])
    assert (first == second) is alike


def test_the_one_that_tells_most_stands_for_those_of_its_kind() -> None:
    indicators = [
        _indicator("Balance of Trade", "AWG Million", country="Aruba"),
        _indicator("Trade balance of Cuba", "Billion CUP", country="Cuba", description="exports less imports"),
        _indicator("Balance of Trade", "% of GDP"),
        _indicator("Trade Balance", "USD"),
        _indicator("Imports", "USD"),
    ]
    assert describer("classification") is concept
    assert stand_ins([concept(one) for one in indicators], grouper()) == [1, 1, 2, 1, 4]


async def test_what_is_taken_over_is_not_asked_and_what_is_its_own_stays() -> None:
    asked: dict[str, list[str]] = {}

    class Listening(EmbeddedProvider):
        async def answer(self, question: Any, facts: Any) -> Any:
            asked.setdefault(question.name, []).extend(fact.subject.indicator_id for fact in facts if question.prompt)
            return await super().answer(question, facts)

    own = _indicator("Trade Balance", "Million AWG", same_as=KNOWN, periodicity="Monthly")
    other = _indicator("Bank Lending Rate", "%")
    provider = {EMBEDDED_PROVIDER: Listening()}
    found = await classify_with_usage(
        [own, other], lambda _, count: Ask(provider, [""] * count), LlmSettings(review="all")
    )
    (item, usages), _ = found
    assert asked["family"] == asked["type"] == [other.indicator_id]
    assert (item.family.family, item.type.indicator_type) == ("physical-fundamental", "balance")
    assert (item.type.heat_map_orientation, item.type.confidence) == ("neutral", 0.9)
    assert "taken over from BOT:AF" in item.family.reasoning
    assert {usage.provider for usage in usages[:2]} == {TAKEN_OVER}
    assert (item.currency.detected_currency, item.scale.scale, item.time.reporting_frequency) == (
        "AWG",
        "millions",
        "monthly",
    )


def test_only_a_legal_decision_can_be_taken_over() -> None:
    with pytest.raises(ValidationError, match="has no type"):
        _indicator("GDP", same_as={**KNOWN, "family": "temporal"})
