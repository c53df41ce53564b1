"""Dates, frequency and time basis."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.classification import TimeInference
from schemas.enums import ReportingFrequency, TimeBasis, TimeSource
from services.classification.rules import periods
from services.classification.rules.time_inference import infer_time
from services.classification.rules.units import parse_units


def _infer(name: str, units: str = "", periodicity: str = "", dates: tuple[str, ...] = ()) -> TimeInference:
    unit = parse_units(units, name=name)
    return infer_time(name=name, units=units, unit=unit, periodicity=periodicity, dates=dates)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2023-Q1", date(2023, 1, 1)),
        ("2023Q4", date(2023, 10, 1)),
        ("Q2 2021", date(2021, 4, 1)),
        ("2017", date(2017, 1, 1)),
        ("2024-01", date(2024, 1, 1)),
        ("2024M03", date(2024, 3, 1)),
        ("2024-H2", date(2024, 7, 1)),
        ("2024-W05", date(2024, 1, 29)),
        ("2024-01-31T00:00:00.000Z", date(2024, 1, 31)),
        ("2024-01-31 00:00", date(2024, 1, 31)),
        ("20240131", date(2024, 1, 31)),
        ("Jan 2024", date(2024, 1, 1)),
        ("March 5, 2024", date(2024, 3, 5)),
        ("13/02/2024", date(2024, 2, 13)),
        ("2019/20", date(2019, 1, 1)),
        ("last10YearsAvg", None),
        ("2024-13-01", None),
        ("2023-Q9", None),
        ("", None),
    ],
)
def test_dates(text: str, expected: date | None) -> None:
    assert periods.parse_date(text) == expected


@given(st.text(max_size=30))
def test_any_text_may_be_a_date(text: str) -> None:
    found = periods.parse_date(text)
    assert found is None or isinstance(found, date)


@pytest.mark.parametrize(
    ("dates", "expected"),
    [
        (("2024-01-01", "2024-01-02", "2024-01-03"), ReportingFrequency.DAILY),
        (("2024-01-05", "2024-01-12", "2024-01-19"), ReportingFrequency.WEEKLY),
        (("2024-01", "2024-02", "2024-03"), ReportingFrequency.MONTHLY),
        (("2023-Q1", "2023-Q2", "2023-Q3"), ReportingFrequency.QUARTERLY),
        (("2023-06-30", "2023-12-31", "2024-06-30"), ReportingFrequency.SEMIANNUAL),
        (("2015", "2016", "2017"), ReportingFrequency.ANNUAL),
        (("2000", "2010", "2020"), ReportingFrequency.POINT_IN_TIME),
    ],
)
def test_frequency_from_spacing(dates: tuple[str, ...], expected: ReportingFrequency) -> None:
    found = _infer("Anything", periodicity="Daily", dates=(*dates, "last10YearsAvg"))
    assert found.reporting_frequency is expected
    assert found.source_used is TimeSource.TIME_SERIES


def test_one_date_is_no_spacing() -> None:
    found = _infer("Anything", periodicity="Weekly", dates=("2024-01-01", "last10YearsAvg"))
    assert (found.reporting_frequency, found.source_used) == (ReportingFrequency.WEEKLY, TimeSource.PERIODICITY)


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("Biannually", ReportingFrequency.SEMIANNUAL),
        ("Semiannual", ReportingFrequency.SEMIANNUAL),
        ("Yearly", ReportingFrequency.ANNUAL),
        ("Biweekly", ReportingFrequency.WEEKLY),
        ("10-yearly", ReportingFrequency.POINT_IN_TIME),
        ("weekly ", ReportingFrequency.WEEKLY),
    ],
)
def test_frequency_from_periodicity(word: str, expected: ReportingFrequency) -> None:
    assert _infer("Anything", periodicity=word).reporting_frequency is expected


def test_unit_gives_the_frequency_only_without_a_better_source() -> None:
    assert _infer("Wages", "USD/Month").source_used is TimeSource.UNITS
    assert _infer("Wages", "USD/Month", "Quarterly").reporting_frequency is ReportingFrequency.QUARTERLY


def test_nothing_known() -> None:
    found = _infer("Anything")
    assert (found.reporting_frequency, found.source_used) == (ReportingFrequency.POINT_IN_TIME, TimeSource.UNKNOWN)


@pytest.mark.parametrize(
    ("name", "units", "expected"),
    [
        ("GDP Growth Rate", "%", TimeBasis.PER_PERIOD),
        ("Inflation Rate", "%", TimeBasis.PER_PERIOD),
        ("Balance of Trade", "USD Million", TimeBasis.PER_PERIOD),
        ("Current Account", "USD Million", TimeBasis.PER_PERIOD),
        ("Current account balance", "% of GDP", TimeBasis.PER_PERIOD),
        ("Industrial Production", "%", TimeBasis.PER_PERIOD),
        ("Retail Sales YoY", "", TimeBasis.PER_PERIOD),
        ("Exports", "USD Million", TimeBasis.PER_PERIOD),
        ("GDP", "USD Billion", TimeBasis.PER_PERIOD),
        ("Housing Starts", "Thousand units", TimeBasis.PER_PERIOD),
        ("Employment Change", "Thousand", TimeBasis.PER_PERIOD),
        ("Steel Production", "Thousand Tonnes", TimeBasis.PER_PERIOD),
        ("Bank Lending Rate", "%", TimeBasis.POINT_IN_TIME),
        ("Unemployment Rate", "%", TimeBasis.POINT_IN_TIME),
        ("Consumer Price Index", "points", TimeBasis.POINT_IN_TIME),
        ("Government Debt", "USD Million", TimeBasis.POINT_IN_TIME),
        ("Gross Foreign Reserves", "USD Million", TimeBasis.POINT_IN_TIME),
        ("Money Supply M2", "USD Million", TimeBasis.POINT_IN_TIME),
        ("Population", "Million", TimeBasis.POINT_IN_TIME),
        ("Crude oil, Brent", "$/bbl", TimeBasis.POINT_IN_TIME),
        ("Exports of goods and services (% of GDP)", "% of GDP", TimeBasis.POINT_IN_TIME),
        ("Crude Oil Production (Year-to-Date)", "million barrels", TimeBasis.CUMULATIVE),
        ("YTD tourist arrivals", "Thousands", TimeBasis.CUMULATIVE),
        ("Urban investment (YTD) (YoY)", "", TimeBasis.PER_PERIOD),
    ],
)
def test_time_basis(name: str, units: str, expected: TimeBasis) -> None:
    assert _infer(name, units).time_basis is expected


@given(st.text(max_size=80), st.text(max_size=40), st.text(max_size=20), st.lists(st.text(max_size=20), max_size=5))
def test_inference_never_raises(name: str, units: str, periodicity: str, dates: list[str]) -> None:
    found = _infer(name, units, periodicity, tuple(dates))
    assert 0.0 <= found.confidence <= 1.0
