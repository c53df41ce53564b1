"""The review rules: each fires on its violation, its correction satisfies it, and right rows pass."""

from dataclasses import replace

import pytest

from schemas.enums import (
    CumulativePattern,
    Family,
    IndicatorType,
    Orientation,
    ReviewField,
    Scale,
    TemporalAggregation,
    TimeBasis,
)
from schemas.taxonomy import TAXONOMY
from services.classification.rules.review import Row, Thresholds, apply, violations
from services.classification.rules.units import parse_units

_PF, _NM = Family.PHYSICAL_FUNDAMENTAL, Family.NUMERIC_MEASUREMENT
_CM, _PV, _CD = Family.CHANGE_MOVEMENT, Family.PRICE_VALUE, Family.COMPOSITE_DERIVED
_PIT, _TOTAL = TemporalAggregation.POINT_IN_TIME, TemporalAggregation.PERIOD_TOTAL
_AVERAGE, _RATE = TemporalAggregation.PERIOD_AVERAGE, TemporalAggregation.PERIOD_RATE
_YTD = TemporalAggregation.PERIOD_CUMULATIVE


def _row(name: str, units: str, pair: tuple[Family, IndicatorType], aggregation: TemporalAggregation) -> Row:
    spans = {_TOTAL: TimeBasis.PER_PERIOD, _RATE: TimeBasis.PER_PERIOD, _YTD: TimeBasis.CUMULATIVE}
    return Row(
        name=name,
        units=units,
        unit=parse_units(units, name=name),
        family=pair[0],
        indicator_type=pair[1],
        temporal_aggregation=aggregation,
        heat_map_orientation=Orientation.NEUTRAL,
        time_basis=spans.get(aggregation, TimeBasis.POINT_IN_TIME),
    )


_FLOW = (_PF, IndicatorType.FLOW)
_STOCK = (_PF, IndicatorType.STOCK)
_COUNT = (_NM, IndicatorType.COUNT)
_RATIO = (_NM, IndicatorType.RATIO)
_CHANGE = (_CM, IndicatorType.RATE)
_INDEX = (_CD, IndicatorType.INDEX)
_PRICE = (_PV, IndicatorType.PRICE)

_WRONG = [
    (1, _row("Made up thing", "", (_PF, IndicatorType.INDEX), _AVERAGE)),
    (2, replace(_row("Made up amount", "USD", _COUNT, _PIT), is_currency_denominated=True)),
    (3, _row("GDP Growth Rate", "%", (_PV, IndicatorType.RATE), _AVERAGE)),
    (3, _row("Inflation Rate", "%", _RATIO, _PIT)),
    (4, _row("Bank Lending Rate", "%", _CHANGE, _RATE)),
    (4, _row("Interbank Rate", "%", _RATIO, _PIT)),
    (5, _row("Unemployment Rate", "%", _CHANGE, _RATE)),
    (5, _row("Corporate Tax Rate", "%", _PRICE, _PIT)),
    (6, _row("Consumer Price Index", "points", _PRICE, _PIT)),
    (7, _row("Made up stock", "USD Million", _STOCK, _TOTAL)),
    (7, _row("Made up price", "USD/kg", _PRICE, _RATE)),
    (8, _row("Made up flow", "USD Million", _FLOW, _PIT)),
    (8, _row("Made up volume", "Tonnes", (_PF, IndicatorType.VOLUME), TemporalAggregation.NOT_APPLICABLE)),
    (9, _row("Initial Jobless Claims", "Thousand", _COUNT, _PIT)),
    (9, _row("Jobless Claims 4-week Average", "Thousand", _COUNT, _TOTAL)),
    (9, _row("Population", "Number", _COUNT, _TOTAL)),
    (10, _row("Made up index", "points", _INDEX, _TOTAL)),
    (10, _row("Made up ratio", "ratio", _RATIO, _YTD)),
    (11, _row("Made up sales YTD", "USD Million", _FLOW, _TOTAL)),
    (
        11,
        replace(
            _row("Made up sales", "USD Million", _FLOW, _TOTAL),
            cumulative=CumulativePattern.YTD,
            cumulative_confidence=0.9,
        ),
    ),
    (11, replace(_row("Made up index", "points", _INDEX, _AVERAGE), time_basis=TimeBasis.CUMULATIVE)),
    (12, replace(_row("Made up growth", "%", _CHANGE, _RATE), scale=Scale.MILLIONS)),
    (13, _row("Balance of Trade", "AWG Million", _COUNT, _PIT)),
    (13, _row("Current account balance", "% of GDP", (_CM, IndicatorType.GAP), _PIT)),
    (14, replace(_row("Unemployment Rate", "%", _RATIO, _PIT), heat_map_orientation=Orientation.HIGHER_IS_POSITIVE)),
    (14, replace(_row("Bank Lending Rate", "%", (_PV, IndicatorType.RATE), _AVERAGE),
                 heat_map_orientation=Orientation.LOWER_IS_POSITIVE)),
    (15, _row("ISM Manufacturing Prices Paid", "points", _PRICE, _PIT)),
    (15, _row("Employment Change", "Thousand", _CHANGE, _RATE)),
    (16, replace(_row("Made up thing", "", _COUNT, _PIT), family_confidence=0.5)),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "row"), _WRONG, ids=lambda value: getattr(value, "name", str(value)))
def test_rule_fires(rule: int, row: Row) -> None:
    found = {violation.rule: violation for violation in violations(row)}
    assert rule in found
    violation = found[rule]
    assert set(violation.expected) <= set(violation.fields)
    assert violation.fields
    assert 0 < len(violation.reason) <= 600


@pytest.mark.parametrize(("rule", "row"), _WRONG, ids=lambda value: getattr(value, "name", str(value)))
def test_correction_satisfies_the_rule(rule: int, row: Row) -> None:
    corrected = row
    for _ in range(2):
        for violation in violations(corrected):
            corrected = apply(corrected, violation.expected)
    left = [violation for violation in violations(corrected) if violation.rule == rule]
    assert all(not violation.expected for violation in left)


@pytest.mark.parametrize("pair", sorted(TAXONOMY), ids="/".join)
def test_legal_pairs_of_unknown_names_pass(pair: tuple[Family, IndicatorType]) -> None:
    aggregation = TAXONOMY[pair].temporal_aggregation
    assert violations(_row("Made up thing", "", pair, aggregation)) == ()


def test_aliases_pass() -> None:
    unemployment = _row("Unemployment Rate", "%", (_NM, IndicatorType.PERCENTAGE), _PIT)
    assert violations(replace(unemployment, heat_map_orientation=Orientation.LOWER_IS_POSITIVE)) == ()
    assert violations(_row("Alternative Official FX Rate", "XOF", (_PV, IndicatorType.RATE), _PIT)) == ()


def test_description_overrides_a_name() -> None:
    row = replace(
        _row("Change in reserves", "USD Million", _FLOW, _TOTAL),
        description="Net accumulation of reserves",
        heat_map_orientation=Orientation.HIGHER_IS_POSITIVE,
    )
    assert violations(row) == ()
    assert [violation.expected[ReviewField.INDICATOR_TYPE] for violation in violations(
        replace(row, indicator_type=IndicatorType.STOCK, temporal_aggregation=_PIT, time_basis=TimeBasis.POINT_IN_TIME)
    )] == ["flow"]  # fmt: skip


def test_thresholds_are_parameters() -> None:
    row = replace(_row("Made up thing", "", _COUNT, _PIT), type_confidence=0.8)
    assert violations(row) == ()
    assert violations(row, Thresholds(type=0.9))[0].fields == (ReviewField.INDICATOR_TYPE,)


def test_weak_detection_does_not_bind() -> None:
    row = _row("Made up sales", "USD Million", _FLOW, _TOTAL)
    assert violations(replace(row, cumulative=CumulativePattern.YTD, cumulative_confidence=0.7)) == ()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (ReviewField.FAMILY, "money"),
        (ReviewField.SCALE, None),
        (ReviewField.IS_CURRENCY_DENOMINATED, "yes"),
        (ReviewField.DETECTED_CURRENCY, "dollar"),
        (ReviewField.TEMPORAL_AGGREGATION, True),
    ],
)
def test_corrections_outside_the_field_are_refused(field: ReviewField, value: str | bool | None) -> None:
    row = _row("Made up thing", "", _COUNT, _PIT)
    with pytest.raises(ValueError):
        apply(row, {field: value})


def test_corrections_are_applied() -> None:
    row = _row("Made up thing", "", _COUNT, _PIT)
    corrected = apply(row, {ReviewField.DETECTED_CURRENCY: "EUR", ReviewField.IS_CURRENCY_DENOMINATED: True})
    assert (corrected.detected_currency, corrected.is_currency_denominated) == ("EUR", True)
    assert apply(row, {}) == row
