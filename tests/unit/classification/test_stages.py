"""The deciding stages as functions of their messages, and the reviews that check them."""

import json
import math
from datetime import UTC, datetime

import pytest

from schemas.classification import ContestedIndicator, IndicatorWithType, ReviewedIndicator
from schemas.enums import Family, IndicatorType, Orientation, ReviewField, ReviewStatus, TemporalAggregation
from schemas.indicator import Indicator
from services.classification.boolean_review import review
from services.classification.final_review import settle
from services.classification.final_row import Effort, final_row, overall_confidence
from services.classification.in_memory import by_embedded_model, classify_in_memory
from services.classification.normalize import normalized
from services.classification.store import queries
from shared.llm.gateway import Ask, EmbeddedProvider
from shared.runtime.envelope import parse_trail
from shared.settings import LlmSettings

CURRENCIES = ("AWG", "USD", "XCD", "TRY", "ALL", "TOP", "XDR")
KNOWN = {"embedded": EmbeddedProvider()}
COUNTRIES = ("Aruba", "Türkiye", "Côte d'Ivoire", "Albania")


def indicator(name: str, units: str = "", **fields: object) -> Indicator:
    return Indicator.model_validate({"indicator_id": f"{name}/{units}", "name": name, "units": units, **fields})


async def typed(name: str, units: str, **changes: object) -> IndicatorWithType:
    """A classified item with some of its decisions overridden."""
    (item,) = await classify_in_memory([indicator(name, units)])
    values = {field: getattr(item, field) for field in IndicatorWithType.model_fields}
    for part, update in changes.items():
        values[part] = values[part].model_copy(update=update)
    return IndicatorWithType(**values)


async def reviewed(item: IndicatorWithType) -> ReviewedIndicator:
    """What the two reviews make of an item."""
    message = (await review([item], by_embedded_model("boolean-review", 1), LlmSettings()))[0].messages[0]
    if isinstance(message, ContestedIndicator):
        message = (await settle([message], by_embedded_model("final-review", 1), LlmSettings()))[0].messages[0]
    assert isinstance(message, ReviewedIndicator)
    return message


@pytest.mark.parametrize("country", COUNTRIES)
@pytest.mark.parametrize("currency", CURRENCIES)
async def test_seed_validated_cases_hold_for_any_country_and_currency(country: str, currency: str) -> None:
    balance, rate = await classify_in_memory(
        [
            indicator(
                "Balance of Trade", f"{currency} Million", long_name=f"{country} Balance of Trade", country=country
            ),
            indicator("Bank Lending Rate", "%", long_name=f"{country} Bank Lending Rate", country=country),
        ]
    )
    assert (balance.family.family, balance.type.indicator_type) == (Family.PHYSICAL_FUNDAMENTAL, IndicatorType.BALANCE)
    assert balance.type.temporal_aggregation is TemporalAggregation.PERIOD_TOTAL
    assert (balance.currency.is_currency_denominated, balance.currency.detected_currency) == (True, currency)
    assert (rate.family.family, rate.type.indicator_type) == (Family.PRICE_VALUE, IndicatorType.RATE)
    assert rate.type.temporal_aggregation is TemporalAggregation.PERIOD_AVERAGE
    assert rate.type.heat_map_orientation is Orientation.NEUTRAL


async def test_a_wrong_decision_is_contested_corrected_and_checked_again() -> None:
    wrong = await typed(
        "Bank Lending Rate",
        "%",
        family={"family": Family.CHANGE_MOVEMENT},
        type={"indicator_type": IndicatorType.RATE, "temporal_aggregation": TemporalAggregation.PERIOD_RATE},
    )
    result = await reviewed(wrong)
    assert result.review_status is ReviewStatus.CORRECTED
    assert result.family.family is Family.PRICE_VALUE
    assert result.type.temporal_aggregation is TemporalAggregation.PERIOD_AVERAGE
    assert result.final_review is not None
    assert ReviewField.FAMILY in result.final_review.corrections_applied
    assert result.family.reasoning.startswith("corrected: rule 4")
    assert not result.boolean_review.is_correct


async def test_a_contradiction_that_no_rule_settles_goes_to_a_person_with_its_values_kept() -> None:
    strange = await typed(
        "Widget position",
        "USD Million",
        family={"family": Family.NUMERIC_MEASUREMENT},
        type={"indicator_type": IndicatorType.RATIO},
    )
    result = await reviewed(strange)
    assert result.review_status is ReviewStatus.NEEDS_HUMAN
    assert (result.family.family, result.type.indicator_type) == (Family.NUMERIC_MEASUREMENT, IndicatorType.RATIO)
    assert result.final_review is not None
    assert "rule 2" in result.final_review.final_reasoning


async def test_a_guess_is_not_passed() -> None:
    item = await typed("Balance of Trade", "USD Million", family={"confidence": 0.3})
    result = await reviewed(item)
    assert result.review_status is ReviewStatus.NEEDS_HUMAN
    assert ReviewField.FAMILY in result.boolean_review.incorrect_fields


async def test_samples_are_cleaned_summed_up_and_dropped_after_the_facets() -> None:
    item = normalized(
        indicator(
            "GDP",
            "USD Million",
            sample_values=[
                {"date": "2020", "value": 1},
                {"date": "last10YearsAvg", "value": 5.5},
                {"date": "2021", "value": None},
                {"date": "2022-01-01", "value": 3},
            ],
        )
    )
    assert item.points == (("last10YearsAvg", 5.5), ("2020", 1.0), ("2022-01-01", 3.0))
    assert item.statistics is not None
    assert (item.statistics.count, item.statistics.first_date, item.statistics.last_date) == (3, "2020", "2022-01-01")
    assert not item.statistics.all_integers


def test_the_newest_points_are_kept_whichever_way_a_feed_lists_them() -> None:
    newest_first = [{"date": str(year), "value": year} for year in range(2024, 1824, -1)]
    item = normalized(indicator("Population", "Persons", sample_values=newest_first))
    assert (item.points[0], item.points[-1]) == (("1905", 1905.0), ("2024", 2024.0))
    assert item.statistics is not None
    assert item.statistics.latest == (2020.0, 2021.0, 2022.0, 2023.0, 2024.0)


@pytest.mark.parametrize("values", [[1e308, -1e308, 1e308], [5e-324, 0.0], [0.0, 0.0], [1.7e308, 1.7e308]])
def test_any_finite_values_can_be_summed_up(values: list[float]) -> None:
    summary = normalized(indicator("GDP", sample_values=values)).statistics
    assert summary is not None
    assert all(math.isfinite(number) for number in (summary.mean, summary.standard_deviation))


async def test_a_final_row_has_one_value_for_each_column_of_its_statement() -> None:
    (item,) = await classify_in_memory([indicator("Population", "Thousand")])
    row = final_row(item, "b1", Effort(1.0, "embedded", "m", 0, 0, 0.0), datetime.now(UTC))
    assert f"${len(row)}::" in queries()["upsert_classifications"]
    assert f"${len(row) + 1}::" not in queries()["upsert_classifications"]
    assert 0 < overall_confidence(item) <= 1


def test_effort_is_the_sum_of_the_trail_and_names_the_last_model() -> None:
    runs = [
        {
            "stage": "family",
            "started_at": 1,
            "duration_ms": 2.0,
            "provider": "openai",
            "model": "a",
            "tokens_in": 5,
            "cost_usd": 0.1,
        },
        {"stage": "type", "started_at": 2, "duration_ms": 3.0, "provider": "embedded", "model": "b", "tokens_out": 7},
        {"stage": "complete", "started_at": 3, "duration_ms": 0.5},
    ]
    effort = Effort.of(parse_trail(",".join(map(json.dumps, runs)).encode()))
    assert effort == Effort(5.5, "embedded", "b", 5, 7, 0.1)


async def test_an_item_without_an_answer_is_rejected_with_the_reason() -> None:
    with pytest.raises(RuntimeError, match="'oracle' is not available"):
        await classify_in_memory([indicator("GDP")], lambda _, count: Ask(KNOWN, ["oracle"] * count))
