"""What an answer is shared by: not the country, not the currency; and never two items with different labels."""

import gzip
import json
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import services.cli
from schemas.classification import IndicatorWithType, NormalizedIndicator
from schemas.enums import Family, ReviewField, TimeBasis
from schemas.indicator import Indicator
from services.classification.boolean_review import BOOLEAN_REVIEW, by_rules
from services.classification.currency import CURRENCY
from services.classification.family import FAMILY
from services.classification.final_review import FINAL_REVIEW
from services.classification.in_memory import classify_in_memory
from services.classification.indicator_type import TYPE
from services.classification.model.dataset import LabelledRow, read_labelled
from services.classification.normalize import normalized
from services.classification.prompts.boolean_review import ReviewCase
from services.classification.prompts.final_review import SettlementCase
from services.classification.prompts.wording import impersonal
from services.classification.review_row import hits
from services.classification.scale import SCALE
from services.classification.time_basis import TIME
from shared.llm.question import Question
from tests.unit.classification.model_of_words import indicator

LOAD = Path(services.cli.__file__).parent / "demo" / "load_10k.jsonl.gz"
QUESTIONS: Mapping[str, Question[Any, Any]] = {
    question.name: question for question in (TIME, SCALE, CURRENCY, FAMILY, TYPE, BOOLEAN_REVIEW)
}
SHARED = {"time": 870, "scale": 600, "currency": 2_110, "family": 600, "type": 600, "boolean-review": 600}
"""Question -> most distinct ones among the 10,000 rows, which hold 593 pairs of name and unit without currency."""


async def classified(records: list[Indicator]) -> list[IndicatorWithType]:
    items = await classify_in_memory(records)
    fields = IndicatorWithType.model_fields
    return [IndicatorWithType(**{field: getattr(item, field) for field in fields}) for item in items]


def case_of(item: IndicatorWithType) -> ReviewCase:
    judged = by_rules(item)
    return ReviewCase(item=item, rule_hits=hits(judged.found), by_rules=judged.verdict)


def identity(name: str, item: IndicatorWithType, start: NormalizedIndicator) -> str:
    prompt = QUESTIONS[name].prompt
    assert prompt is not None
    about: Any = start if name in ("time", "scale", "currency") else item
    return json.dumps(prompt.identity(case_of(item) if name == "boolean-review" else about), sort_keys=True)


async def both(name: str, first: Indicator, second: Indicator) -> tuple[str, str]:
    items = await classified([first, second])
    one, two = (identity(name, item, normalized(record)) for item, record in zip(items, (first, second), strict=True))
    return one, two


async def test_ten_thousand_indicators_are_six_hundred_questions() -> None:
    records = [Indicator.model_validate_json(line) for line in gzip.decompress(LOAD.read_bytes()).splitlines()]
    items = await classified(records)
    starts = [normalized(record) for record in records]
    found = {
        name: len({identity(name, item, start) for item, start in zip(items, starts, strict=True)})
        for name in QUESTIONS
    }
    assert all(found[name] <= most for name, most in SHARED.items()), found
    assert min(found.values()) > 500, found


async def test_no_two_rows_with_different_labels_share_an_answer() -> None:
    rows = read_labelled()
    items = await classified([Indicator.model_validate(row.record) for row in rows])
    contradictions = []
    for name, fields in {
        "family": ("family",),
        "type": ("family", "indicator_type", "temporal_aggregation", "heat_map_orientation"),
        "boolean-review": ("family", "indicator_type", "temporal_aggregation", "heat_map_orientation", "time_basis"),
    }.items():
        labels = defaultdict(set)
        for row, item in zip(rows, items, strict=True):
            labels[identity(name, as_labelled(item, row.label.family), normalized_row(row))].add(
                tuple(getattr(row.label, field) for field in fields)
            )
        contradictions += [(name, key) for key, found in labels.items() if len(found) > 1]
    assert not contradictions


def as_labelled(item: IndicatorWithType, family: Family) -> IndicatorWithType:
    """Chosen within the labelled family, as after a family stage that is right."""
    return item.model_copy(update={"family": item.family.model_copy(update={"family": family})})


def normalized_row(row: LabelledRow) -> NormalizedIndicator:
    return normalized(Indicator.model_validate(row.record))


@pytest.mark.parametrize("name", ["family", "type", "boolean-review", "scale"])
@pytest.mark.parametrize(
    "other",
    [
        {"units": "XOF Million"},
        {"country": "Aruba", "long_name": "Aruba  Balance of Trade"},
        {"source_url": "https://elsewhere.example", "source_name": "Another bank"},
        {"name": "BALANCE  of trade"},
        {"periodicity": "Quarterly"},
    ],
    ids=str,
)
async def test_what_does_not_matter_does_not_split_a_question(name: str, other: dict[str, str]) -> None:
    given = {"name": "Balance of Trade", "units": "AWG Million", "periodicity": "Monthly"}
    one, two = await both(name, indicator(**given), indicator(**(given | other)))
    assert one == two


@pytest.mark.parametrize(
    "other",
    [
        {"units": "AWG"},
        {"units": "%"},
        {"name": "Balance of Payments"},
        {"description": "A stock position at the end of the year."},
        {"dataset": "WDI"},
        {"long_name": "Balance of trade with Mars"},
        {"aggregation_method": "Average"},
        {"sample_values": [-1.0, 2.0]},
    ],
    ids=str,
)
async def test_what_may_decide_does(other: dict[str, Any]) -> None:
    given: dict[str, Any] = {"name": "Balance of Trade", "units": "AWG Million"}
    one, two = await both("family", indicator(**given), indicator(**(given | other)))
    assert one != two


async def test_the_look_of_the_figures_counts_not_the_figures() -> None:
    first, second = ([{"date": str(year), "value": base + year % 7} for year in range(2000, 2012)] for base in (30, 31))
    one, two = await both(
        "type", indicator("Index", "points", sample_values=first), indicator("Index", "points", sample_values=second)
    )
    assert one == two


async def test_a_type_is_shared_within_one_family_only() -> None:
    (item,) = await classified([indicator("Wages", "USD/Month")])
    other = as_labelled(item, Family.PRICE_VALUE)
    start = normalized(indicator("Wages", "USD/Month"))
    assert identity("type", item, start) != identity("type", other, start)
    assert identity("family", item, start) == identity("family", other, start)


async def test_a_review_is_shared_where_the_values_under_review_are_the_same() -> None:
    (item,) = await classified([indicator("Exports", "USD Million")])
    start = normalized(indicator("Exports", "USD Million"))
    time = item.time.model_copy(update={"time_basis": TimeBasis.CUMULATIVE})
    unsure = item.family.model_copy(update={"confidence": 0.4})
    assert identity("boolean-review", item, start) != identity(
        "boolean-review", item.model_copy(update={"time": time}), start
    )
    assert identity("boolean-review", item, start) == identity(
        "boolean-review", item.model_copy(update={"family": unsure}), start
    )


async def test_where_the_currency_is_contested_it_belongs_to_the_question() -> None:
    assert FINAL_REVIEW.prompt is not None
    found = {}
    for field in (ReviewField.DETECTED_CURRENCY, ReviewField.HEAT_MAP_ORIENTATION):
        identities = set()
        for item in await classified([indicator("Exports", "USD Million"), indicator("Exports", "XOF Million")]):
            review = by_rules(item).verdict.model_copy(update={"is_correct": False, "incorrect_fields": (field,)})
            from_item = SettlementCase.model_validate(
                {"item": {**item.model_dump(), "boolean_review": review.model_dump()}, "rule_hits": ()}
            )
            identities.add(json.dumps(FINAL_REVIEW.prompt.identity(from_item), sort_keys=True))
        found[field] = len(identities)
    assert found == {ReviewField.DETECTED_CURRENCY: 2, ReviewField.HEAT_MAP_ORIENTATION: 1}


async def test_a_shared_reasoning_names_neither_country_nor_currency() -> None:
    item = normalized(indicator("Exports", "XOF Million", country="Burkina Faso"))
    said = impersonal("Exports of Burkina Faso in XOF, a flow.", item.subject, item.unit)
    assert said == "Exports of the country in the currency, a flow."
