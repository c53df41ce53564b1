"""The cumulative detector: its arithmetic, its false alarms in the origin, and what holds for any series."""

from collections.abc import Callable
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.classification import CumulativeDetection
from schemas.enums import CumulativePattern
from services.classification.rules.cumulative import detect
from services.classification.rules.units import parse_units

Series = list[tuple[str, float]]


def _detect(points: Series, name: str = "Exports", units: str = "USD Million") -> CumulativeDetection:
    return detect(points, name=name, units=units, unit=parse_units(units, name=name))


def _months(flows: Callable[[int, int], float], years: int, first: int = 2018, start: int = 1) -> Series:
    """Year-to-date sums of monthly flows; the year begins in month `start`."""
    series: Series = []
    for year in range(first, first + years):
        total = 0.0
        for position in range(12):
            total += flows(year, position)
            month = (position + start - 1) % 12 + 1
            series.append((f"{year + (position + start > 12)}-{month:02d}", total))
    return series


def _quarters(flow: float, years: int) -> Series:
    return [(f"{2015 + year}-Q{quarter}", flow * quarter) for year in range(years) for quarter in range(1, 5)]


# --- what is found ----------------------------------------------------------------------------


@given(st.floats(min_value=1e-3, max_value=1e12), st.integers(min_value=3, max_value=8))
def test_equal_flows_are_found(flow: float, years: int) -> None:
    for series in (_months(lambda _year, _month: flow, years), _quarters(flow, years)):
        found = _detect(series)
        assert found.pattern_type is CumulativePattern.YTD
        assert found.is_cumulative
        assert found.confidence > 0.8
        assert found.evidence.year_resets_detected == years - 1
        assert len(found.evidence.reset_points) == min(3, years - 1)


def test_seasonal_growing_flows_are_found() -> None:
    season = (0.8, 0.8, 1.0, 1.0, 1.1, 1.2, 1.2, 1.1, 1.0, 1.0, 1.1, 1.3)
    series = _months(lambda year, month: 100 * season[month] * 1.15 ** (year - 2018), 4)
    assert _detect(series).pattern_type is CumulativePattern.YTD


def test_fiscal_years_are_found() -> None:
    series = _months(lambda _year, _month: 10.0, 4, start=4)
    assert _detect(series).pattern_type is CumulativePattern.YTD


def test_twenty_five_newest_points_suffice() -> None:
    series = _months(lambda _year, _month: 10.0, 4)[:-5]
    assert _detect(series[-25:]).pattern_type is CumulativePattern.YTD


def test_sentinels_and_missing_values_are_dropped() -> None:
    series = [*_quarters(10.0, 4), ("last10YearsAvg", 3.0), ("2019-Q1", float("nan"))]
    assert _detect(series).pattern_type is CumulativePattern.YTD


# --- what is not ------------------------------------------------------------------------------


def test_armenian_gdp_is_seasonal_not_cumulative() -> None:
    quarters = (1_430_000.0, 1_810_000.0, 2_220_000.0, 2_410_000.0)
    growth = (1.0, 1.17, 1.27, 1.36)
    series = [
        (f"{2021 + year}-Q{q + 1}", value * growth[year]) for year in range(4) for q, value in enumerate(quarters)
    ]
    found = _detect(series, "Gross Domestic Product", "")
    assert found.pattern_type is CumulativePattern.PERIODIC
    assert not found.is_cumulative


def test_monotone_consumer_prices_are_no_running_total() -> None:
    series = [(f"{2015 + n // 12}-{n % 12 + 1:02d}", 100 * 1.004**n) for n in range(60)]
    assert not _detect(series, "Core Consumer Prices", "points").is_cumulative
    assert not _detect(series, "Labor Force", "Thousand").is_cumulative


def test_one_year_is_not_enough() -> None:
    assert not _detect(_months(lambda _year, _month: 10.0, 1)).is_cumulative


def test_negative_values_do_not_add_up() -> None:
    series = [(date, -value) for date, value in _quarters(10.0, 5)]
    assert not _detect(series).is_cumulative


def test_zeros_and_few_points() -> None:
    assert not _detect([(f"20{year}-Q{q}", 0.0) for year in range(10, 16) for q in range(1, 5)]).is_cumulative
    assert _detect([("2020", 1.0)]).pattern_type is CumulativePattern.UNKNOWN
    assert _detect([]).confidence == 0.0


@pytest.mark.parametrize("units", ["%", "points", "ratio", "USD/Liter", "per 1000 people"])
def test_levels_are_never_cumulative(units: str) -> None:
    assert not _detect(_quarters(10.0, 5), units=units).is_cumulative


# --- what names claim -------------------------------------------------------------------------


def test_a_name_may_claim_it() -> None:
    found = _detect([("2024-01", 5.0)], "Crude Oil Production (Year-to-Date)", "million barrels")
    assert (found.is_cumulative, found.pattern_type) == (True, CumulativePattern.YTD)


def test_running_total_needs_a_word() -> None:
    series = [(f"20{year}", 100.0 + year) for year in range(10, 24)]
    assert not _detect(series, "Cases", "Number").is_cumulative
    assert _detect(series, "Cumulative cases", "Number").pattern_type is CumulativePattern.RUNNING_TOTAL


def test_values_may_contradict_the_name() -> None:
    series = [(f"{2015 + n // 12}-{n % 12 + 1:02d}", 100.0 + n) for n in range(36)]
    assert not _detect(series, "Sales YTD", "USD Million").is_cumulative


# --- what holds for any series ----------------------------------------------------------------

_DATES = st.one_of(
    st.text(max_size=12),
    st.dates().map(str),
    st.builds("{}-Q{}".format, st.integers(1990, 2030), st.integers(1, 4)),
)
_POINTS = st.lists(st.tuples(_DATES, st.floats(allow_nan=True, allow_infinity=True)), max_size=40)


@given(_POINTS, st.text(max_size=40), st.text(max_size=20))
def test_never_raises(points: Series, name: str, units: str) -> None:
    found = _detect(points, name, units)
    assert found.is_cumulative == (found.pattern_type in (CumulativePattern.YTD, CumulativePattern.RUNNING_TOTAL))


@given(_POINTS, st.randoms(use_true_random=False))
def test_order_does_not_count(points: Series, random: Random) -> None:
    shuffled = list(points)
    random.shuffle(shuffled)
    assert _detect(shuffled) == _detect(points)


@given(st.integers(4, 120), st.floats(0.0, 1e6), st.floats(1e-6, 1e3))
def test_series_that_never_fall_are_not_year_to_date(count: int, first: float, step: float) -> None:
    series = [(f"{2000 + n // 12}-{n % 12 + 1:02d}", first + step * n) for n in range(count)]
    assert _detect(series).pattern_type is not CumulativePattern.YTD


@given(st.lists(st.floats(50.0, 150.0), min_size=24, max_size=72))
def test_plain_flows_are_not_cumulative(flows: list[float]) -> None:
    series = [(f"{2000 + n // 12}-{n % 12 + 1:02d}", flow) for n, flow in enumerate(flows)]
    assert not _detect(series).is_cumulative
