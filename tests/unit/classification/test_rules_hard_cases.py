"""The hard cases of the classification spec (section 7): what the settled cases decide, and that reviews agree."""

from typing import NamedTuple

import pytest

from schemas.enums import Family, IndicatorType, Orientation, TemporalAggregation, TimeBasis
from services.classification.rules.known_cases import Verdict, decide
from services.classification.rules.review import Row, apply, violations
from services.classification.rules.review_tables import basis_of
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
_ORIENTATIONS = {
    "+": Orientation.HIGHER_IS_POSITIVE,
    "-": Orientation.LOWER_IS_POSITIVE,
    "0": Orientation.NEUTRAL,
}


class HardCase(NamedTuple):
    """`pairs`, `aggregations` and `orientations` list what is accepted, the right answer first."""

    name: str
    units: str
    pairs: str
    aggregations: str
    orientations: str
    description: str = ""


_TABLE = """
Bank Lending Rate | % | pv/rate | PA | 0
Interbank Rate | % | pv/rate | PA | 0
Deposit Interest Rate | % | pv/rate | PA | 0
SOFR | % | pv/rate | PA | 0
Policy Interest Rate | % | pv/rate | PIT | 0
Lending rate, end-of-period | % | pv/rate | PIT | 0
Balance of Trade | USD Million | pf/balance | PT | 0
Balance of Trade | AWG Million | pf/balance | PT | 0
Current account balance | % of GDP | pf/balance | PT | 0
Net lending/borrowing | % of GDP | pf/balance | PT | 0
GDP | USD Billion | pf/flow | PT | +
GDP | National currency | pf/flow | PT | +
GDP per capita | USD | pf/flow | PT | +
GDP per capita PPP | International dollars | pf/flow | PT | +
GDP per capita, constant prices | National currency | pf/flow | PT | +
GDP from Manufacturing | AFN Million | pf/flow | PT | +
GDP Growth Rate | % | cm/rate | PR | +
Inflation Rate | % | cm/rate | PR | 0
Core Inflation | % | cm/rate | PR | 0
Food Inflation | % | cm/rate | PR | 0
Consumer Price Index | points | cd/index | PA | 0
Consumer price index (2010 = 100) | Index, 2010=100 | cd/index | PA | 0
Producer Prices | points | cd/index | PA | 0
CPI Trimmed-Mean | Percent | cm/rate | PR | 0
Producer Prices Change | Percent | cm/rate | PR | 0
Global Dairy Trade Price Index | % weekly | cm/rate, cd/index | PR, PA | 0
CFNAI Production Index | % | cd/index | PA | +
GDP Deflator | points | cd/index | PA | 0
Unemployment Rate | % | nm/ratio, nm/percentage | PIT | -
Labor Force Participation Rate | % | nm/ratio | PIT | +
Employment Rate | % | nm/ratio | PIT | +
Corporate Tax Rate | % | nm/ratio, nm/percentage | PIT | 0
Personal Income Tax Rate | % | nm/ratio, nm/percentage | PIT | 0
Sales Tax Rate | % | nm/ratio, nm/percentage | PIT | 0
Statutory Tax Rate | % | nm/ratio, nm/percentage | PIT | 0
Social Security Rate | % | nm/ratio | PIT | 0
Social Security Rate For Companies | % | nm/ratio | PIT | 0
Social Security Rate For Employees | % | nm/ratio | PIT | 0
Capacity Utilization | % | nm/percentage | PIT, PA | +
Industrial Production | % | cm/rate | PR | +
Mining Production | % | cm/rate | PR | +
Manufacturing Production | % | cm/rate | PR | +
Residential Property Prices | Percent | cm/rate | PR | 0, +
Private Sector Credit | % | cm/rate | PR | +
Factory Orders | % | cm/rate | PR | +
Private Investment | % | cm/rate | PR | +
Cement Production | Tonnes | pf/volume | PT | +
Steel Production | Thousand Tonnes | pf/volume | PT | +
Crude Oil Production | BBL/D/1K | nm/rate | PA | +
API Cushing Number | BBL/1Million | pf/stock | PIT | 0
Natural Gas Imports | Terajoule | pf/volume | PT | 0
Motorbike Sales | Units | pf/volume, nm/count | PT | +
Total Vehicle Sales | Units | pf/volume, nm/count | PT | +
Gold Reserves | Tonnes | pf/stock | PIT | +
Gross Foreign Reserves | USD Million | pf/stock | PIT | +
Official reserves assets | USD Million | pf/stock | PIT | +
Change in reserves | USD Million | pf/flow | PT | + | Net accumulation of reserve assets in the period
Government Debt | USD Million | pf/stock | PIT | -
External debt stocks (DOD, current USD) | DOD, current USD | pf/stock | PIT | -
Principal repayments | AMT, current US$ | pf/flow | PT | 0
Use of IMF Credit and SDR allocations | DOD, current USD | pf/stock | PIT | -
Direct Investment Liabilities | USD Hundred Million | pf/stock | PIT | 0
Net Long-term TIC Flows | USD Million | pf/balance | PT | 0
Capital Flows | USD Million | pf/balance | PT | 0
Changes in Inventories | DZD Million | pf/balance | PT | 0
Foreign Direct Investment | USD Million | pf/flow | PT | +
Consumer Spending | USD Million | pf/flow | PT | +
Oil Exports | CAD Million | pf/flow | PT | +
Non Oil Exports | USD Billions | pf/flow | PT | +
Market capitalization | USD Million | pf/stock | PIT | +
Money Supply M0 | USD Million | pf/stock | PIT | 0
Money Supply M1 | EUR Million | pf/stock | PIT | 0
Money Supply M2 | XAF Billion | pf/stock | PIT | 0
Money Supply M3 | TRY Million | pf/stock | PIT | 0
Government Spending to GDP | percent of GDP | nm/ratio | PIT | 0
Government Debt to GDP | percent of GDP | nm/ratio | PIT | -
Personal Consumption as Share of GDP | % | nm/share | PIT | 0
Labor Share of Income | % | nm/share | PIT | 0
Foreign Exchange Reserve Adequacy Ratio | months of imports | nm/ratio | PIT | +
S&P 500 Price-to-Earnings Ratio | ratio | nm/ratio | PIT | 0
Nurses | per 1000 people | nm/ratio | PIT | +
Hospitals | per 1000 people | nm/ratio | PIT | +
Gross savings | % of GDP | nm/ratio | PIT | +
Revenue, excluding grants | % of GDP | nm/ratio | PIT | +
Labor Force | thousands of persons | nm/count | PIT | +
Employment Change | Persons | nm/balance | PT | +
ADP Employment Change | Thousand | nm/balance | PT | +
Claimant Count Change | Thousand | nm/balance | PT | -
Jobless Claims 4-week Average | Thousand | nm/count | PA | -
Population | Number | nm/count | PIT | 0
Employed Persons | Thousand | nm/count | PIT | +
Temperature | celsius | nm/count | PIT, PA | 0
Precipitation | mm | nm/count | PT | 0
Wages | USD/Month | pf/flow, pv/price | PT | 0
Average Weekly Earnings | USD/Week | pf/flow, pv/price | PT | 0
Average Hourly Earnings YoY | % | cm/rate | PR | +
Wages | Index 2015=100 | cd/index | PA | +
Corruption Rank | Rank | nm/count, cd/index | PIT | -
World Happiness Index Score | score (0-10) | cd/index | PIT | +
Physical Climate Risk Score | score (0-100) | cd/index | PIT | -
Retirement Age Men | Years | te/duration | PIT | 0
Retirement Age Women | Years | te/duration | PIT | 0
Poverty Threshold (family of 4) | USD per year | te/threshold | PIT | 0
Terms of Trade | points | cd/index | PA | +
Manufacturing PMI | points | cd/index | PA, PIT | +
Services PMI | points | cd/index | PA, PIT | +
Business Confidence | points | cd/index | PA, PIT | +
Economy Watchers Survey Outlook | points | qu/sentiment | PIT | +
Tankan Large Manufacturers Outlook | points | qu/sentiment | PIT | +
Consumer Sentiment Index | index | cd/index, qu/sentiment | PA, PIT | +
Michigan Inflation Expectations | % | qu/sentiment | PIT | 0
Michigan 5 Year Inflation Expectations | % | qu/sentiment | PIT | 0
ISM Manufacturing Prices Paid | points | cd/index | PA | -
Philly Fed Prices Paid | points | cd/index | PA | -
Alternative Official FX Rate | XOF | pv/price, pv/rate | PIT | 0
Alternative Official FX Rate | MWK | pv/price, pv/rate | PIT | 0
Average House Prices | AUD Thousands | pv/price | PIT, PA | 0
Crude Oil Production (Year-to-Date) | million barrels | pf/volume, pf/flow | PC | +
YTD tourist arrivals | Thousands | nm/count | PC | +
Core Consumer Prices | points | cd/index | PA | 0
"""


def _case(line: str) -> HardCase:
    name, units, pairs, aggregations, orientations, *description = (part.strip() for part in line.split("|"))
    return HardCase(name, units, pairs, aggregations, orientations, *description)


CASES = [_case(line) for line in _TABLE.strip().splitlines()]


def _verdict(case: HardCase) -> Verdict:
    verdict = decide(case.name, case.units, parse_units(case.units, name=case.name), case.description)
    assert verdict is not None
    return verdict


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.name} [{case.units}]")
def test_hard_case_is_decided_right(case: HardCase) -> None:
    verdict = _verdict(case)
    pairs = [pair.split("/") for pair in case.pairs.split(", ")]
    assert (verdict.family, verdict.indicator_type) in [(_FAMILIES[f], IndicatorType(t)) for f, t in pairs]
    assert verdict.temporal_aggregation in [_AGGREGATIONS[a] for a in case.aggregations.split(", ")]
    if verdict.orientation is not None:
        assert verdict.orientation in [_ORIENTATIONS[o] for o in case.orientations.split(", ")]


def _right_row(case: HardCase) -> Row:
    family, _, kind = case.pairs.split(", ", maxsplit=1)[0].partition("/")
    aggregation = _AGGREGATIONS[case.aggregations.split(", ", maxsplit=1)[0]]
    return Row(
        name=case.name,
        units=case.units,
        unit=parse_units(case.units, name=case.name),
        family=_FAMILIES[family],
        indicator_type=IndicatorType(kind),
        temporal_aggregation=aggregation,
        heat_map_orientation=_ORIENTATIONS[case.orientations[0]],
        time_basis=basis_of(aggregation),
        description=case.description,
    )


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.name} [{case.units}]")
def test_right_answer_passes_the_review(case: HardCase) -> None:
    assert violations(_right_row(case)) == ()


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.name} [{case.units}]")
def test_wrong_answer_is_put_right(case: HardCase) -> None:
    row = apply(_right_row(case), {})
    wrong = Row(
        name=row.name,
        units=row.units,
        unit=row.unit,
        family=Family.TEMPORAL,
        indicator_type=IndicatorType.PROBABILITY,
        temporal_aggregation=TemporalAggregation.NOT_APPLICABLE,
        heat_map_orientation=row.heat_map_orientation,
        time_basis=TimeBasis.POINT_IN_TIME,
        description=row.description,
    )
    for violation in violations(wrong):
        wrong = apply(wrong, violation.expected)
    assert violations(wrong) == ()
    assert (wrong.family, wrong.indicator_type) != (Family.TEMPORAL, IndicatorType.PROBABILITY)
