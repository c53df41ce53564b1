"""Does a series add up over the year, or forever (classification spec 2.4)?

A year-to-date series of N periods is recognised by its arithmetic, not by a dip in the first period: at the end of the
year it stands at about N times its first value, grows by similar steps, and starts the next year at about one N-th of
the sum. Seasonal flows, prices and stocks fail at least one of these. A running total cannot be told from any growing
level by its values, so it needs a word in the name or the unit.
"""

from collections.abc import Sequence
from itertools import pairwise
from math import isfinite
from typing import Final, NamedTuple

from schemas.classification import (
    CumulativeDetection,
    CumulativeEvidence,
    IncreasePoint,
    Normalization,
    ResetPoint,
)
from schemas.enums import CumulativePattern, ReportingFrequency, UnitType
from services.classification.rules.names import Phrases, read_name
from services.classification.rules.periods import frequency_of_gap, parse_date, spacing

_PERIODS: Final = {ReportingFrequency.MONTHLY: 12, ReportingFrequency.QUARTERLY: 4}
_MONTHS: Final = 12
_FISCAL_STARTS: Final = (0, 3, 6, 9)
"""Months by which the year may start late: January, April, July, October."""

_GROWTH: Final = (0.6, 1.6)
"""Last over first value of a year, in multiples of N."""
_FIRST: Final = (0.4, 2.0)
"""First value of a year over the N-th part of the year before: wider, because flows grow."""
_STEADY: Final = 0.6
_RESET: Final = 0.6
_BOUNDARIES: Final = 2
_FEWEST: Final = 3
_SHOWN: Final = 3

_YEAR_TO_DATE: Final = Phrases("ytd|year to date|cumulated|cumulative since january|since the beginning of the year")
_RUNNING: Final = Phrases("cumulative|cumulative total|running total|total to date|since inception|to date")
_NEVER_ADDED: Final = frozenset((UnitType.PERCENTAGE, UnitType.INDEX, UnitType.RATIO, UnitType.RATE, UnitType.DURATION))

_PERIODIC_CONFIDENCE: Final = 0.85
_NAMED_CONFIDENCE: Final = 0.9
_DOUBTED_CONFIDENCE: Final = 0.6
_MOST: Final = 0.95


class Point(NamedTuple):
    """A dated value: `month` counts months since year 0, `text` is the date as published."""

    month: int
    day: int
    value: float
    text: str


class Boundary(NamedTuple):
    """Last point of one year, first point of the next."""

    last: Point
    first: Point


def detect(points: Sequence[tuple[str, float]], *, name: str, units: str, unit: Normalization) -> CumulativeDetection:
    """Pattern of a series of (date as published, value) in any order; text sentinels and NaN are dropped."""
    series = _read(points)
    claims_year = _claims(_YEAR_TO_DATE, name, units)
    claims_forever = not claims_year and _claims(_RUNNING, name, units)
    if unit.unit_type in _NEVER_ADDED or unit.matched_pattern.endswith("currency-per-unit"):
        return _not_added(series, f"{unit.unit_type} values are not added up")
    found = _year_to_date(series)
    if found is not None:
        return found
    if claims_year:
        return _claimed(series, CumulativePattern.YTD, contradicted=_never_resets(series))
    if claims_forever:
        return _claimed(series, CumulativePattern.RUNNING_TOTAL, contradicted=_falls(series))
    return _not_added(series, "no year adds up and starts again")


def _claims(phrases: Phrases, name: str, units: str) -> bool:
    return phrases.found(read_name(name)) or phrases.found(read_name(units))


def _read(points: Sequence[tuple[str, float]]) -> list[Point]:
    """Dated finite values in order of time; of several values for one date the largest, whatever their order."""
    kept: dict[tuple[int, int], Point] = {}
    for text, value in points:
        day = parse_date(text)
        if day is None or not isfinite(value):
            continue
        point = Point(day.year * _MONTHS + day.month - 1, day.day, value, text)
        other = kept.get((point.month, point.day))
        if other is None or (point.value, point.text) > (other.value, other.text):
            kept[point.month, point.day] = point
    return [kept[key] for key in sorted(kept)]


def _year_to_date(series: list[Point]) -> CumulativeDetection | None:
    gap = spacing(point.text for point in series)
    periods = _PERIODS.get(frequency_of_gap(gap.days)) if gap else None
    if periods is None or any(point.value < 0 for point in series):
        return None
    for start in _FISCAL_STARTS:
        boundaries = _adds_up(series, periods, start)
        if boundaries:
            return _detected(series, boundaries, start)
    return None


def _adds_up(series: list[Point], periods: int, start: int) -> list[Boundary]:
    """The year boundaries of a series that passes every test for years starting `start` months late; else none."""
    years = _by_year(series, periods, start)
    full = [list(year.values()) for year in years.values() if len(year) == periods]
    if not full or not all(_grows_evenly(year, periods) for year in full):
        return []
    if not all(earlier.value <= later.value for year in years.values() for earlier, later in pairwise(year.values())):
        return []
    boundaries = _boundaries(years, periods)
    if len(boundaries) < _BOUNDARIES or not all(_resets(boundary, periods) for boundary in boundaries):
        return []
    return boundaries


def _by_year(series: list[Point], periods: int, start: int) -> dict[int, dict[int, Point]]:
    """Points by year and by position in the year; the last point of a position counts."""
    length = _MONTHS // periods
    years: dict[int, dict[int, Point]] = {}
    for point in series:
        year, month = divmod(point.month - start, _MONTHS)
        years.setdefault(year, {})[month // length] = point
    return years


def _grows_evenly(year: list[Point], periods: int) -> bool:
    values = [point.value for point in year]
    low, high = _GROWTH
    if values[0] <= 0 or not low * periods <= values[-1] / values[0] <= high * periods:
        return False
    steps = [values[0], *(later - earlier for earlier, later in pairwise(values))]
    mean = values[-1] / periods
    variance = sum((step - mean) * (step - mean) for step in steps) / periods
    return variance < _STEADY * _STEADY * mean * mean


def _boundaries(years: dict[int, dict[int, Point]], periods: int) -> list[Boundary]:
    found = []
    for year, positions in years.items():
        following = years.get(year + 1, {})
        if periods - 1 in positions and 0 in following:
            found.append(Boundary(positions[periods - 1], following[0]))
    return found


def _resets(boundary: Boundary, periods: int) -> bool:
    annual, first = boundary.last.value, boundary.first.value
    low, high = _FIRST
    return first <= (1 - _RESET) * annual and low * annual <= first * periods <= high * annual


def _never_resets(series: list[Point]) -> bool:
    """Whether more than a year of values goes by without a fall: no year-to-date series does that."""
    return len(series) > _MONTHS and not _falls(series)


def _falls(series: list[Point]) -> bool:
    return any(later.value < earlier.value for earlier, later in pairwise(series))


def _detected(series: list[Point], boundaries: list[Boundary], start: int) -> CumulativeDetection:
    begins = "" if start == 0 else f" of a year starting in month {start + 1}"
    return CumulativeDetection(
        is_cumulative=True,
        pattern_type=CumulativePattern.YTD,
        confidence=min(_MOST, 0.82 + 0.03 * len(boundaries)),
        evidence=_evidence(series, boundaries),
        reasoning=f"values add up over the periods{begins} and start again at {len(boundaries)} year boundaries",
    )


def _claimed(series: list[Point], pattern: CumulativePattern, *, contradicted: bool) -> CumulativeDetection:
    doubt = ", but the values do not show it" if contradicted else ""
    return CumulativeDetection(
        is_cumulative=not contradicted,
        pattern_type=CumulativePattern.PERIODIC if contradicted else pattern,
        confidence=_DOUBTED_CONFIDENCE if contradicted else _NAMED_CONFIDENCE,
        evidence=_evidence(series, []),
        reasoning=f"name or unit says {pattern.value.replace('_', ' ')}{doubt}",
    )


def _not_added(series: list[Point], reason: str) -> CumulativeDetection:
    if len(series) < _FEWEST:
        return _unknown(series)
    return CumulativeDetection(
        is_cumulative=False,
        pattern_type=CumulativePattern.PERIODIC,
        confidence=_PERIODIC_CONFIDENCE,
        evidence=_evidence(series, []),
        reasoning=reason,
    )


def _unknown(series: list[Point]) -> CumulativeDetection:
    return CumulativeDetection(
        is_cumulative=False,
        pattern_type=CumulativePattern.UNKNOWN,
        confidence=0.0,
        evidence=_evidence(series, []),
        reasoning=f"only {len(series)} dated values",
    )


def _evidence(series: list[Point], boundaries: list[Boundary]) -> CumulativeEvidence:
    rises = [(a, b) for a, b in pairwise(series) if a.month // _MONTHS == b.month // _MONTHS and b.value > a.value]
    resets = [
        ResetPoint(from_date=last.text, to_date=first.text, dropped_by=_percent(last.value, first.value))
        for last, first in boundaries[:_SHOWN]
    ]
    increases = [
        IncreasePoint(from_date=a.text, to_date=b.text, increased_by=-_percent(a.value, b.value))
        for a, b in rises[:_SHOWN]
    ]
    return CumulativeEvidence(
        year_resets_detected=len(boundaries),
        within_year_increases=len(rises),
        total_periods_analyzed=len(series),
        reset_points=tuple(resets),
        increase_points=tuple(increases),
    )


def _percent(before: float, after: float) -> float:
    """The fall from `before` to `after` in percent of the size of `before`; 0 where that has no meaning."""
    if before == 0:
        return 0.0
    fall = (before - after) / abs(before) * 100.0
    return round(fall, 1) if isfinite(fall) else 0.0
