"""Dates of periods as publishers write them, and the frequency that their spacing shows (classification spec 2.3).

parse_date("2023-Q1") -> 2023-01-01;  parse_date("last10YearsAvg") -> None
"""

import re
from collections.abc import Iterable, Sequence
from datetime import date
from functools import lru_cache
from itertools import pairwise
from statistics import median
from typing import Final, NamedTuple

from schemas.enums import ReportingFrequency

_MONTHS: Final = {
    name: number
    for number, name in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), 1
    )
}
_ISO: Final = re.compile(r"(\d{4})[-/.](\d{1,2})(?:[-/.](\d{1,2}))?(?:[T ].*)?")
_COMPACT: Final = re.compile(r"(\d{4})(\d{2})(\d{2})")
_YEAR: Final = re.compile(r"(?:FY\s*)?(\d{4})(?:[-/]\d{2}|\.0)?", re.IGNORECASE)
_PART: Final = re.compile(r"(\d{4})[-\s:.]?([QHSMW])[-\s]?(\d{1,2})", re.IGNORECASE)
_PART_FIRST: Final = re.compile(r"([QHSMW])[-\s]?(\d{1,2})[-\s/]*(\d{4})", re.IGNORECASE)
_DAY_FIRST: Final = re.compile(r"(\d{1,2})[-/.](\d{1,2})[-/.](\d{4})")
_NAMED: Final = re.compile(r"(?:(\d{1,2})[-\s]+)?([A-Za-z]{3,9})\.?[-\s]+(?:(\d{1,2}),?\s+)?(\d{4})")
_YEAR_NAMED: Final = re.compile(r"(\d{4})[-\s]?([A-Za-z]{3,9})")
_MONTHS_IN_PART: Final = {"Q": 3, "H": 6, "S": 6, "M": 1}
_FIRST_YEAR, _LAST_YEAR = 1000, 2300
_YEAR_END: Final = 12

WORDS: Final[dict[str, ReportingFrequency]] = {
    **dict.fromkeys(("daily", "day", "d", "business daily", "working daily"), ReportingFrequency.DAILY),
    **dict.fromkeys(("weekly", "week", "w", "biweekly", "fortnightly", "bi-weekly"), ReportingFrequency.WEEKLY),
    **dict.fromkeys(("monthly", "month", "m"), ReportingFrequency.MONTHLY),
    **dict.fromkeys(("quarterly", "quarter", "q"), ReportingFrequency.QUARTERLY),
    **dict.fromkeys(
        ("semiannual", "semi-annual", "semiannually", "semi-annually", "biannual", "biannually", "half-yearly",
         "half yearly", "twice a year", "s", "h"),
        ReportingFrequency.SEMIANNUAL,
    ),
    **dict.fromkeys(("annual", "annually", "yearly", "year", "a", "y", "fiscal year"), ReportingFrequency.ANNUAL),
    **dict.fromkeys(
        ("irregular", "ad hoc", "occasional", "biennial", "10-yearly", "5-yearly", "2-yearly", "3-yearly", "one-off"),
        ReportingFrequency.POINT_IN_TIME,
    ),
}  # fmt: skip
"""Periodicity words of feeds. "Biannually" is read as twice a year: the series that carry it are half-yearly."""

_GAPS: Final = (
    (5.0, ReportingFrequency.DAILY),
    (10.5, ReportingFrequency.WEEKLY),
    (45.0, ReportingFrequency.MONTHLY),
    (150.0, ReportingFrequency.QUARTERLY),
    (210.5, ReportingFrequency.SEMIANNUAL),
    (450.0, ReportingFrequency.ANNUAL),
)


class Spacing(NamedTuple):
    """The median distance of neighbouring dates in days, and how many distinct dates it rests on."""

    days: float
    dates: int


@lru_cache(maxsize=16_384)
def parse_date(text: str) -> date | None:
    """The first day of the period a text names, None for sentinels and anything else that is no date."""
    clean = text.strip()
    for pattern, build in _FORMATS:
        match = pattern.fullmatch(clean)
        if match is not None and (found := _safely(build(match))) is not None:
            return found
    return None


def spacing(dates: Iterable[str]) -> Spacing | None:
    """Median gap in days between the distinct dates that can be read; None for fewer than two."""
    days = sorted({parsed.toordinal() for text in dates if (parsed := parse_date(text)) is not None})
    if len(days) <= 1:
        return None
    return Spacing(float(median(later - earlier for earlier, later in pairwise(days))), len(days))


def frequency_of_gap(days: float) -> ReportingFrequency:
    """The frequency that a median gap means; above 450 days it is irregular: point-in-time."""
    return next((found for limit, found in _GAPS if days < limit), ReportingFrequency.POINT_IN_TIME)


def frequency_of_word(periodicity: str) -> ReportingFrequency | None:
    """The frequency that a periodicity field names, None where it names none we know."""
    return WORDS.get(periodicity.strip().casefold().removesuffix("."))


def _safely(parts: Sequence[int] | None) -> date | None:
    if parts is None or not _FIRST_YEAR <= parts[0] <= _LAST_YEAR:
        return None
    try:
        return date(parts[0], parts[1], parts[2])
    except ValueError:
        return None


def _part(year: int, letter: str, number: int) -> tuple[int, int, int] | None:
    if letter == "W":
        try:
            start = date.fromisocalendar(year, number, 1)
        except ValueError:
            return None
        return start.year, start.month, start.day
    return year, (number - 1) * _MONTHS_IN_PART[letter] + 1, 1


def _month_named(name: str) -> int:
    return _MONTHS.get(name[:3].lower(), 0)


def _from_day_first(match: re.Match[str]) -> tuple[int, int, int]:
    first, second, year = (int(group) for group in match.groups())
    return (year, second, first) if first > _YEAR_END else (year, first, second)


_FORMATS: Final = (
    (_ISO, lambda m: (int(m[1]), int(m[2]), int(m[3] or 1))),
    (_YEAR, lambda m: (int(m[1]), 1, 1)),
    (_PART, lambda m: _part(int(m[1]), m[2].upper(), int(m[3]))),
    (_PART_FIRST, lambda m: _part(int(m[3]), m[1].upper(), int(m[2]))),
    (_COMPACT, lambda m: (int(m[1]), int(m[2]), int(m[3]))),
    (_DAY_FIRST, _from_day_first),
    (_NAMED, lambda m: (int(m[4]), _month_named(m[2]), int(m[1] or m[3] or 1))),
    (_YEAR_NAMED, lambda m: (int(m[1]), _month_named(m[2]), 1)),
)
