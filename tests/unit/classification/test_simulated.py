"""The simulated model knows every label, and what it says passes every check of the stages."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from schemas.classification import ReviewedIndicator
from schemas.enums import Family, IndicatorType, ReviewStatus, TimeBasis
from schemas.indicator import Indicator
from services.classification.in_memory import classify_in_memory
from services.classification.model.dataset import Label, LabelledRow, read_labelled
from services.classification.prompts import boolean_review, facets, family, final_review, indicator_type
from services.classification.simulated import SimulatedAnswers
from services.classification.simulated_labels import Labels
from shared.llm.gateway import Answer, Ask, Down, EmbeddedProvider, Provider, Question
from shared.llm.question import Prompt
from shared.llm.rendering import parse_items, render_item, render_items
from shared.settings import EMBEDDED_PROVIDER, LlmSettings

EVERY = 24
PROMPTS: dict[str, Prompt[Any, Any]] = {
    "time": facets.TIME_PROMPT,
    "scale": facets.SCALE_PROMPT,
    "currency": facets.CURRENCY_PROMPT,
    "family": family.PROMPT,
    "type": indicator_type.PROMPT,
    "boolean-review": boolean_review.PROMPT,
    "final-review": final_review.PROMPT,
}
LABELLED = ("family", "indicator_type", "temporal_aggregation", "heat_map_orientation")


class Simulated(Provider):
    """What reaches a stage from a simulated model, without a network between them."""

    def __init__(self, answers: SimulatedAnswers) -> None:
        self._answers = answers

    async def answer(self, question: Question[Any, Any], facts: Sequence[Any]) -> Sequence[Answer[Any] | Down]:
        prompt = question.prompt
        assert prompt is not None
        shown = parse_items(render_items([render_item("m1", prompt.facts(fact)) for fact in facts]))
        replies = [prompt.reply.model_validate(self._answers.answer(question.name, item)) for _, item in shown]
        return [Answer(prompt.accept(fact, reply)) for fact, reply in zip(facts, replies, strict=True)]


@pytest.fixture(scope="module")
def answers() -> SimulatedAnswers:
    return SimulatedAnswers(Labels.read(None))


async def classified(answers: SimulatedAnswers, records: Sequence[Any]) -> list[ReviewedIndicator]:
    """By the simulated model at every stage, with every row reviewed."""
    providers: dict[str, Provider] = {"openai": Simulated(answers), EMBEDDED_PROVIDER: EmbeddedProvider()}
    settings = LlmSettings(review="all")
    indicators = [Indicator.model_validate(record) for record in records]
    return await classify_in_memory(
        indicators, lambda stage, count: Ask(providers, ["openai"] * count, stage=stage), settings
    )


def values_of(item: ReviewedIndicator) -> dict[str, Any]:
    return {
        "family": item.family.family,
        "indicator_type": item.type.indicator_type,
        "temporal_aggregation": item.type.temporal_aggregation,
        "heat_map_orientation": item.type.heat_map_orientation,
    }


def label_of(label: Label) -> dict[str, Any]:
    return {name: getattr(label, name) for name in LABELLED}


async def test_labelled_rows_get_their_labels_through_every_stage_and_review(answers: SimulatedAnswers) -> None:
    rows = read_labelled()[::EVERY]
    found = await classified(answers, [row.record for row in rows])
    wrong = [
        (row.name, values_of(item), label_of(row.label))
        for row, item in zip(rows, found, strict=True)
        if values_of(item) != label_of(row.label)
    ]
    assert not wrong


async def test_rows_without_a_label_are_answered_all_the_same(answers: SimulatedAnswers) -> None:
    record = {"indicator_id": "x", "name": "Exports of purple bicycles", "units": "XYZ Million"}
    (item,) = await classified(answers, [record])
    assert item.family.family is Family.PHYSICAL_FUNDAMENTAL
    assert item.review_status is not ReviewStatus.NEEDS_HUMAN


def row(**record: Any) -> LabelledRow:
    kind = record.pop("kind")
    return LabelledRow({"indicator_id": "x", **record}, Label(Family.PHYSICAL_FUNDAMENTAL, kind))


def test_rows_of_one_name_are_told_apart_by_every_text_they_have() -> None:
    rows = [
        row(name="Exports", units="Tonnes", kind=IndicatorType.VOLUME),
        row(name="Exports", units="USD Million", kind=IndicatorType.FLOW),
        row(name="Exports", units="USD Million", description="Net of imports", kind=IndicatorType.BALANCE),
        row(name="Exports", units="USD Million", source="A", kind=IndicatorType.STOCK),
    ]
    labels = Labels(rows)

    def kind(**facts: Any) -> IndicatorType | None:
        label = labels.of({"name": "Exports", **facts})
        return label.indicator_type if label else None

    assert kind(units="Tonnes") is IndicatorType.VOLUME
    assert kind(units="USD Million") is IndicatorType.FLOW
    assert kind(units="USD Million", description="Net of  imports") is IndicatorType.BALANCE
    assert kind(units="USD Million", source_name="A") is IndicatorType.STOCK
    assert kind(units="USD Million", source_name="B") is None
    assert kind(units="EUR Million") is None
    assert kind() is None
    assert labels.of({"name": "Imports", "units": "Tonnes"}) is None


def test_a_type_stays_within_the_family_that_was_chosen(answers: SimulatedAnswers) -> None:
    said = answers.answer("type", {"name": "Unemployment", "units": "Months", "family": "price-value"})
    assert said["indicator_type"] in {"price", "rate", "yield"}


CURRENT = {
    "family": "temporal",
    "indicator_type": "duration",
    "temporal_aggregation": "point-in-time",
    "heat_map_orientation": "lower-is-positive",
    "time_basis": "point-in-time",
    "reporting_frequency": "annual",
    "scale": "raw-units",
    "is_currency_denominated": False,
}
SHOWN = {
    "name": "Unemployment",
    "units": "Months",
    "long_name": "Average duration of unemployment: Unemployment",
    "source_name": "OECD",
    "periodicity": "Annual",
}


def test_the_boolean_review_names_exactly_what_differs_from_the_label(answers: SimulatedAnswers) -> None:
    assert answers.answer("boolean-review", {**SHOWN, "current": CURRENT})["is_correct"] is True
    wrong = CURRENT | {"family": "price-value", "is_currency_denominated": True}
    said = answers.answer("boolean-review", {**SHOWN, "current": wrong})
    assert said["is_correct"] is False
    assert said["incorrect_fields"] == ["family", "is_currency_denominated"]


def test_the_final_review_supplies_the_label_for_what_was_named(answers: SimulatedAnswers) -> None:
    wrong = CURRENT | {"family": "price-value", "is_currency_denominated": True, "detected_currency": "USD"}
    facts = {**SHOWN, "current": wrong, "contested": ["family", "is_currency_denominated"]}
    said = answers.answer("final-review", facts)
    assert said["review_makes_sense"] is True
    assert {one["field"]: one["value"] for one in said["corrections_applied"]} == {
        "family": "temporal",
        "is_currency_denominated": "false",
        "detected_currency": "none",
    }


def test_the_final_review_rejects_an_objection_to_what_the_label_says(answers: SimulatedAnswers) -> None:
    said = answers.answer("final-review", {**SHOWN, "current": CURRENT, "contested": ["indicator_type"]})
    assert said["review_makes_sense"] is False
    assert said["corrections_applied"] == []


def test_reviews_without_a_label_say_what_rules_say(answers: SimulatedAnswers) -> None:
    current = CURRENT | {"family": "change-movement", "indicator_type": "rate"}
    facts = {"name": "Bank Lending Rate of Atlantis", "units": "%", "current": current}
    said = answers.answer("boolean-review", facts)
    assert "family" in said["incorrect_fields"]
    settled = answers.answer("final-review", facts | {"contested": ["family"]})
    assert {"field": "family", "value": "price-value"} in settled["corrections_applied"]


@pytest.mark.parametrize("question", PROMPTS)
def test_replies_have_the_fields_of_the_prompts_and_are_recognised(answers: SimulatedAnswers, question: str) -> None:
    reply = PROMPTS[question].reply
    facts = {**SHOWN, "current": CURRENT, "contested": ["family"], "family": "temporal"}
    said = answers.answer(question, facts)
    assert set(reply.model_fields) <= set(said)
    assert reply.model_validate(json.loads(json.dumps(said)))
    assert answers.recognise(reply.model_fields) == question


def test_the_time_question_gets_the_basis_of_the_label_and_the_frequency_that_was_seen(
    answers: SimulatedAnswers,
) -> None:
    said = answers.answer("time", {**SHOWN, "detected_frequency": "quarterly"})
    assert (said["time_basis"], said["reporting_frequency"]) == (TimeBasis.POINT_IN_TIME, "quarterly")
    assert said["source_used"] == "time-series"


def test_questions_of_other_pipelines_are_not_answered(answers: SimulatedAnswers) -> None:
    assert answers.answer("weather", SHOWN) == {}
    assert answers.recognise(["colour"]) == ""
