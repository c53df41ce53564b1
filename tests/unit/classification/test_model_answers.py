"""What the shipped model must answer, whatever the country and the currency (classification spec 4.4 T2 and 7)."""

from collections.abc import Callable, Sequence
from functools import cache
from typing import NamedTuple

import pytest

from schemas.classification import (
    CumulativeDetection,
    CumulativeEvidence,
    CurrencyCheck,
    FamilyAssignment,
    IndicatorWithFamily,
    JoinedIndicator,
    NormalizedIndicator,
    ScaleInference,
    Subject,
    TimeInference,
    TypeClassification,
)
from schemas.enums import (
    CumulativePattern,
    Family,
    IndicatorType,
    Orientation,
    ReportingFrequency,
    Scale,
    TemporalAggregation,
    TimeBasis,
    TimeSource,
)
from schemas.taxonomy import is_legal
from services.classification.model import EmbeddedModel
from services.classification.rules.units import parse_units

_FAMILIES = {
    "pf": Family.PHYSICAL_FUNDAMENTAL,
    "nm": Family.NUMERIC_MEASUREMENT,
    "pv": Family.PRICE_VALUE,
    "cm": Family.CHANGE_MOVEMENT,
    "cd": Family.COMPOSITE_DERIVED,
    "te": Family.TEMPORAL,
    "qu": Family.QUALITATIVE,
}
_AGGREGATIONS = {
    "PIT": TemporalAggregation.POINT_IN_TIME,
    "PT": TemporalAggregation.PERIOD_TOTAL,
    "PA": TemporalAggregation.PERIOD_AVERAGE,
    "PR": TemporalAggregation.PERIOD_RATE,
    "PC": TemporalAggregation.PERIOD_CUMULATIVE,
}
_COUNTRIES = (
    "Armenia",
    "Burkina Faso",
    "China",
    "Aruba",
    "United States",
    "Lao PDR",
    "Zimbabwe",
    "Trinidad and Tobago",
)
_CURRENCIES = (
    *("AWG", "AFN", "USD", "EUR", "XOF", "XCD", "XDR", "ALL", "TRY", "TOP", "CUP"),
    *("BGN", "JPY", "INR", "AMD", "ILS", "TWD", "TTD", "ZWL", "VES", "SLE"),
)


def normalized(name: str, units: str, *, description: str = "", country: str = "") -> NormalizedIndicator:
    """As the ingest edge would send it on."""
    return NormalizedIndicator(
        subject=Subject(
            indicator_id="any",
            name=name,
            units=units,
            description=description,
            long_name=f"{country} {name}" if country else "",
            country=country,
        ),
        unit=parse_units(units, name=name),
    )


def joined(name: str, units: str, *, description: str = "", country: str = "", ytd: float = 0.0) -> JoinedIndicator:
    """As the join would send it on; `ytd` is how sure the detector is of a year-to-date pattern."""
    item = normalized(name, units, description=description, country=country)
    return JoinedIndicator(
        subject=item.subject,
        unit=item.unit,
        time=TimeInference(
            reporting_frequency=ReportingFrequency.MONTHLY,
            time_basis=TimeBasis.PER_PERIOD,
            source_used=TimeSource.UNKNOWN,
            confidence=0.5,
            reasoning="test",
        ),
        scale=ScaleInference(scale=Scale.RAW_UNITS, confidence=1.0, reasoning="test"),
        currency=CurrencyCheck(is_currency_denominated=False, detected_currency=None, confidence=1.0, reasoning="test"),
        cumulative=CumulativeDetection(
            is_cumulative=bool(ytd),
            pattern_type=CumulativePattern.YTD if ytd else CumulativePattern.UNKNOWN,
            confidence=ytd,
            evidence=CumulativeEvidence(),
            reasoning="test",
        ),
    )


@cache
def shipped() -> EmbeddedModel:
    """The model in the repository."""
    return EmbeddedModel.load()


def both(items: Sequence[JoinedIndicator]) -> list[tuple[FamilyAssignment, TypeClassification]]:
    """Family stage, then type stage on what the first one sends."""
    families = shipped().assign_families(items)
    sent = [IndicatorWithFamily(**dict(item), family=family) for item, family in zip(items, families, strict=True)]
    return list(zip(families, shipped().classify_types(sent), strict=True))


@pytest.mark.parametrize("country", _COUNTRIES)
@pytest.mark.parametrize("currency", _CURRENCIES)
def test_balance_of_trade_is_a_balance_in_every_country_and_currency(country: str, currency: str) -> None:
    items = [
        joined("Balance of Trade", f"{currency} {scale}", country=country)
        for scale in ("Million", "Billion", "Thousand")
    ]
    for family, found in both(items):
        assert (family.family, found.indicator_type) == (Family.PHYSICAL_FUNDAMENTAL, IndicatorType.BALANCE)
        assert found.temporal_aggregation is TemporalAggregation.PERIOD_TOTAL
        assert found.heat_map_orientation is Orientation.NEUTRAL


@pytest.mark.parametrize("country", _COUNTRIES)
@pytest.mark.parametrize("units", ["%", "percent", "Percent"])
def test_bank_lending_rate_is_the_cost_of_money_in_every_country(country: str, units: str) -> None:
    [(family, found)] = both([joined("Bank Lending Rate", units, country=country)])
    assert (family.family, found.indicator_type) == (Family.PRICE_VALUE, IndicatorType.RATE)
    assert found.temporal_aggregation is TemporalAggregation.PERIOD_AVERAGE
    assert found.heat_map_orientation is Orientation.NEUTRAL


class HardCase(NamedTuple):
    """`pairs`, `aggregations`, `orientations`: what is accepted, the right answer first."""

    name: str
    units: str
    pairs: str
    aggregations: str
    orientations: str


_HARD = """
Interbank Rate | % | pv/rate | PA | neutral
SOFR | % | pv/rate | PA | neutral
Current account balance | % of GDP | pf/balance | PT | neutral
GDP | national currency | pf/flow | PT | higher
GDP per capita, constant prices | National currency | pf/flow | PT | higher
GDP from Manufacturing | AFN Million | pf/flow | PT | higher
GDP Growth Rate | % | cm/rate | PR | higher
Food Inflation | % | cm/rate | PR | neutral
Consumer price index (2010 = 100) | Index, 2010=100 | cd/index | PA PIT | neutral
GDP Deflator | points | cd/index | PA PIT | neutral
Unemployment Rate | % | nm/ratio nm/percentage | PIT | lower
Labor Force Participation Rate | % | nm/ratio | PIT | higher
Corporate Tax Rate | % | nm/ratio nm/percentage | PIT | neutral
Social Security Rate For Companies | % | nm/ratio | PIT | neutral
Capacity Utilization | % | nm/percentage | PIT PA | higher
Industrial Production | % | cm/rate | PR | higher
Residential Property Prices | Percent | cm/rate | PR | neutral
Cement Production | Tonnes | pf/volume | PT | higher
Crude Oil Production | BBL/D/1K | nm/rate | PA | higher
Natural Gas Imports | Terajoule | pf/volume | PT | neutral
Motorbike Sales | Units | pf/volume nm/count | PT | higher
Gold Reserves | Tonnes | pf/stock | PIT | higher
Gross Foreign Reserves | USD Million | pf/stock | PIT | higher
Government Debt | USD Million | pf/stock | PIT | lower
Net Long-term TIC Flows | USD Million | pf/balance | PT | neutral
Changes in Inventories | DZD Million | pf/balance | PT | neutral
Foreign Direct Investment | USD Million | pf/flow | PT | higher
Oil Exports | CAD Million | pf/flow | PT | higher
Money Supply M2 | XOF Billion | pf/stock | PIT | neutral
Government Debt to GDP | percent of GDP | nm/ratio | PIT | lower
Labor Force | thousands of persons | nm/count | PIT | higher
Employment Change | Persons | nm/balance | PT | higher
Claimant Count Change | Thousand | nm/balance | PT | lower
Temperature | celsius | nm/count | PIT PA | neutral
Average Hourly Earnings YoY | % | cm/rate | PR | higher neutral
Retirement Age Men | Years | te/duration | PIT PA | neutral
Terms of Trade | points | cd/index | PA PIT | higher
Manufacturing PMI | points | cd/index | PA PIT | higher
Services PMI | points | cd/index | PA PIT | higher
Alternative Official FX Rate | MWK | pv/price pv/rate | PIT | neutral
Core Consumer Prices | points | cd/index | PA PIT | neutral
"""
_CASES = [HardCase(*(part.strip() for part in line.split("|"))) for line in _HARD.strip().splitlines()]


@pytest.mark.parametrize("case", _CASES, ids=lambda case: f"{case.name}, {case.units}")
def test_hard_cases(case: HardCase) -> None:
    [(family, found)] = both([joined(case.name, case.units)])
    accepted = [(_FAMILIES[pair[:2]], IndicatorType(pair[3:])) for pair in case.pairs.split()]
    assert (family.family, found.indicator_type) in accepted
    assert found.temporal_aggregation in [_AGGREGATIONS[key] for key in case.aggregations.split()]
    assert found.heat_map_orientation.value.split("-")[0] in case.orientations.split()


@pytest.mark.parametrize(
    ("name", "units", "money"),
    [
        ("Balance of Trade", "AWG Million", True),
        ("GDP", "national currency", True),
        ("Consumer Spending", "LCU", True),
        ("Bank Lending Rate", "%", False),
        ("Nurses", "per 1000 people", False),
        ("Government Debt to GDP", "percent of GDP", False),
        ("Manufacturing PMI", "points", False),
    ],
)
def test_money_is_told_from_other_quantities(name: str, units: str, money: bool) -> None:
    [(answer, confidence)] = shipped().currency_flags([normalized(name, units)])
    assert answer is money
    assert confidence > 0.8


@pytest.mark.parametrize(
    ("name", "units", "basis"),
    [
        ("Exports", "USD Million", TimeBasis.PER_PERIOD),
        ("GDP Growth Rate", "%", TimeBasis.PER_PERIOD),
        ("Government Debt", "USD Million", TimeBasis.POINT_IN_TIME),
        ("Consumer Price Index", "points", TimeBasis.POINT_IN_TIME),
        ("Bank Lending Rate", "%", TimeBasis.POINT_IN_TIME),
    ],
)
def test_the_span_of_a_value(name: str, units: str, basis: TimeBasis) -> None:
    [(answer, confidence)] = shipped().time_bases([normalized(name, units)])
    assert answer is basis
    assert confidence > 0.6


def test_the_country_in_a_name_changes_nothing() -> None:
    plain = both([joined("Exports", "USD Million")])
    for country in ("Kenya", "South Africa", "Saudi Arabia"):
        assert [(f.family, t.indicator_type) for f, t in both([joined(f"{country} Exports", "USD Million")])] == [
            (f.family, t.indicator_type) for f, t in plain
        ]


def test_measured_year_to_date_growth_decides_against_the_words() -> None:
    [(_, found)] = both([joined("Exports", "USD Million", ytd=0.95)])
    assert found.temporal_aggregation is TemporalAggregation.PERIOD_CUMULATIVE
    assert found.override_of_pattern


@pytest.mark.parametrize(("name", "units", "ytd"), [("Exports", "USD Million", 0.7), ("CPI", "points", 0.95)])
def test_doubtful_or_impossible_year_to_date_growth_decides_nothing(name: str, units: str, ytd: float) -> None:
    [(_, found)] = both([joined(name, units, ytd=ytd)])
    assert found.temporal_aggregation is not TemporalAggregation.PERIOD_CUMULATIVE
    assert not found.override_of_pattern


@pytest.mark.parametrize("name", ["Cattle exports, YTD", "Year-to-date tourist arrivals"])
def test_a_name_that_says_year_to_date_is_believed(name: str) -> None:
    [(_, found)] = both([joined(name, "Thousand")])
    assert found.temporal_aggregation is TemporalAggregation.PERIOD_CUMULATIVE


@pytest.mark.parametrize("family", list(Family))
def test_every_family_given_leads_to_a_legal_pair(family: Family) -> None:
    given = FamilyAssignment(family=family, confidence=0.5, reasoning="from elsewhere")
    items = [IndicatorWithFamily(**dict(joined(case.name, case.units)), family=given) for case in _CASES]
    for found in shipped().classify_types(items):
        assert is_legal(family, found.indicator_type)


_ODD: list[Callable[[], str]] = [
    lambda: "?",
    lambda: "()",
    lambda: "x" * 1_000,
    lambda: "y " * 500,
    lambda: "消費者物価指数",
    lambda: "Индекс потребительских цен",
    lambda: "مؤشر أسعار المستهلك",
    lambda: "GDP\x00\n\t😀",
    lambda: "((((",
    lambda: "United States",
]


@pytest.mark.parametrize("make", _ODD)
@pytest.mark.parametrize("units", ["", "%", "(" * 500, "円", "\n"])
def test_odd_input_is_answered_legally(make: Callable[[], str], units: str) -> None:
    [(family, found)] = both([joined(make(), units, description="d" * 20_000)])
    assert is_legal(family.family, found.indicator_type)
    assert 0 <= family.confidence <= 1
    assert 0 <= found.confidence <= 1
    assert 0 <= found.orientation_confidence <= 1
    assert 1 <= len(family.reasoning) <= 600
    assert 1 <= len(found.reasoning) <= 600


def test_no_items_no_answers() -> None:
    assert both([]) == []
    assert shipped().currency_flags([]) == []
    assert shipped().time_bases([]) == []
