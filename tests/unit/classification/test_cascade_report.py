"""What a cascade is worth, worked out from opinions that a test has chosen."""

from schemas.classification import FamilyAssignment, IndicatorWithType, TypeClassification
from schemas.enums import Family, IndicatorType, Orientation, TemporalAggregation
from services.classification.cascade_report import CascadeReport, Opinions, cascade_report, render_cascade
from services.classification.evaluation_by_provider import ByProvider
from services.classification.in_memory import classify_in_memory
from services.classification.model.dataset import LabelledRow, labelled_row
from shared.settings import LlmSettings
from tests.unit.classification.model_of_words import indicator

FLOW, STOCK, RATIO, PRICE = IndicatorType.FLOW, IndicatorType.STOCK, IndicatorType.RATIO, IndicatorType.PRICE
PF, NM, PV = Family.PHYSICAL_FUNDAMENTAL, Family.NUMERIC_MEASUREMENT, Family.PRICE_VALUE


def row(name: str, family: Family, kind: IndicatorType, *accept: str) -> LabelledRow:
    label = {"family": family, "indicator_type": kind, "accept": list(accept)}
    return labelled_row({"indicator_id": name, "name": name, "units": "USD", "label": label})


def opinions(family: Family, sure: float, **within: tuple[IndicatorType, float]) -> Opinions:
    first = FamilyAssignment(family=family, confidence=sure, reasoning="r")
    return Opinions(first, {Family(name.replace("_", "-")): _type(*said) for name, said in within.items()})


def _type(kind: IndicatorType, sure: float) -> TypeClassification:
    return TypeClassification(
        indicator_type=kind,
        temporal_aggregation=TemporalAggregation.POINT_IN_TIME,
        heat_map_orientation=Orientation.NEUTRAL,
        confidence=sure,
        reasoning="r",
    )


ROWS = [
    row("sure and right", PF, FLOW),
    row("sure and wrong", NM, RATIO),
    row("unsure of the family", PV, PRICE),
    row("unsure of the type", PF, STOCK, "physical-fundamental/capacity"),
]
SAID = [
    opinions(PF, 0.96, physical_fundamental=(FLOW, 0.96)),
    opinions(PF, 0.96, physical_fundamental=(FLOW, 0.96), numeric_measurement=(RATIO, 0.96)),
    opinions(PF, 0.60, physical_fundamental=(FLOW, 0.96), price_value=(PRICE, 0.96)),
    opinions(PF, 0.96, physical_fundamental=(FLOW, 0.60)),
]


async def report(measured: ByProvider | None = None) -> CascadeReport:
    return await cascade_report(ROWS, SAID, measured, LlmSettings())


async def said_by_provider(*pairs: tuple[Family, IndicatorType] | None) -> ByProvider:
    """A provider that says the pairs of the rows."""
    (item,) = await classify_in_memory([indicator("GDP")])
    found = ByProvider("cascade:anthropic")
    for pair in pairs:
        typed = IndicatorWithType(**{name: getattr(item, name) for name in IndicatorWithType.model_fields})
        changes = pair and {
            "family": item.family.model_copy(update={"family": pair[0]}),
            "type": item.type.model_copy(update={"indicator_type": pair[1]}),
        }
        found.typed.append(typed.model_copy(update=changes) if changes else None)
    return found


async def test_each_threshold_tells_what_is_kept_what_is_asked_and_what_comes_of_it() -> None:
    found = await report()
    lines = {line.threshold: line for line in found.lines}
    assert (found.provider, found.rows) == ("openai", 4)
    alone, usual, strict = lines[0.0], lines[0.9], lines[0.99]
    assert (alone.embedded_rows, alone.asked_family, alone.cost_usd) == (1.0, 0.0, 0.0)
    assert alone.embedded_accuracy == alone.accuracy_by_labels == 0.25
    assert (usual.embedded_rows, usual.embedded_accuracy) == (0.5, 0.5)
    assert (usual.asked_family, usual.asked_type) == (0.25, 0.25)
    assert usual.accuracy_by_labels == 0.75
    assert (strict.embedded_rows, strict.embedded_accuracy, strict.accuracy_by_labels) == (0.0, 0.0, 1.0)
    assert 0 < usual.cost_usd < strict.cost_usd
    assert usual.accuracy_by_provider is None


async def test_a_measured_provider_is_taken_as_it_answered() -> None:
    capacity = IndicatorType.CAPACITY
    found = await report(await said_by_provider((PF, FLOW), (NM, RATIO), (PF, STOCK), (PF, capacity)))
    lines = {line.threshold: line for line in found.lines}
    assert found.provider == "anthropic"
    assert lines[0.0].accuracy_by_provider == 0.25
    assert lines[0.9].accuracy_by_provider == 0.5  # the third row's family is wrong, the fourth type is accepted
    assert lines[0.99].accuracy_by_provider == 0.75


async def test_where_the_provider_was_silent_the_embedded_opinion_counts() -> None:
    lines = {line.threshold: line for line in (await report(await said_by_provider(None, None, None, None))).lines}
    assert {line.accuracy_by_provider for line in lines.values()} == {0.25}


async def test_the_report_is_a_table_and_json() -> None:
    found = await report()
    text = render_cascade(found)
    assert "right by labels" in text
    assert "right by openai" not in text
    assert len(text.splitlines()) == len(found.lines) + 3
    assert found.as_dict()["lines"][0]["threshold"] == 0.0
    assert "right by anthropic" in render_cascade(await report(await said_by_provider(None, None, None, None)))
