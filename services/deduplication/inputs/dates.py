"""Dates as exports write them."""

import re
from datetime import date, timedelta
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

UNPARSABLE, OTHER_ORDER = "unparsable_date", "other_date_order"
"""Flaws of dates: it names no day; it can only be read in the order that its column does not have."""

FLAWS = pa.schema([("value", pa.string()), ("reason", pa.string()), ("rows", pa.int64())])

_YEAR_FIRST = re.compile(r"^(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[T\s].*)?$")
_YEAR_LAST = re.compile(r"^(\d{1,2})[-/.](\d{1,2})[-/.](\d{4})(?:[T\s,].*)?$")
_COMPACT = re.compile(r"^(\d{4})(\d{2})(\d{2})$")
_SERIAL = re.compile(r"^(\d{1,7})(?:\.\d+)?$")

_TWO_FIRST = r"^\s*(?P<first>\d{1,2})[-/.](?P<second>\d{1,2})[-/.]\d{4}"
_MONTHS = 12

_FALSE_LEAP_DAY = 60  # Excel counts a 29 February 1900
_LAST_SERIAL = 2_958_465  # 9999-12-31


class Day(NamedTuple):
    """What a text says of a day."""

    day: date | None
    flaw: str | None = None


def parse_date(text: str, *, day_first: bool = False) -> Day:
    """The day that a text names, whatever its time of day; 3/4/2024 is in March, 13/4/2024 can only be in April."""
    text = text.strip()
    if match := _YEAR_FIRST.match(text) or _COMPACT.match(text):
        year, month, day = map(int, match.groups())
        return _found(_date(year, month, day))
    if match := _YEAR_LAST.match(text):
        first, second, year = map(int, match.groups())
        month, day = (second, first) if day_first else (first, second)
        if usual := _date(year, month, day):
            return Day(usual)
        other = _date(year, day, month)
        return Day(other, OTHER_ORDER) if other else Day(None, UNPARSABLE)
    match = _SERIAL.match(text)
    return _found(_from_serial(int(match[1])) if match else None)


def _found(day: date | None) -> Day:
    return Day(day, None if day else UNPARSABLE)


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _from_serial(serial: int) -> date | None:
    """Day 1 is 1900-01-01; day 60 never was."""
    if not 1 <= serial <= _LAST_SERIAL or serial == _FALSE_LEAP_DAY:
        return None
    return date(1899, 12, 31 if serial < _FALSE_LEAP_DAY else 30) + timedelta(days=serial)


def is_day_first(texts: pa.ChunkedArray) -> bool:
    """Whether a column writes the day before the month: more of its dates can be read only so than only otherwise."""
    parts = pc.extract_regex(pc.unique(texts), _TWO_FIRST)
    first, second = (
        pc.greater(pc.cast(pc.struct_field(parts, name), pa.int8()), _MONTHS) for name in ("first", "second")
    )
    days, months = (pc.sum(pc.and_not(*both)).as_py() or 0 for both in ((first, second), (second, first)))
    return bool(days > months)


def parse_dates(texts: pa.Array, *, day_first: bool = False) -> tuple[pa.Array, pa.Table]:
    """The days of a column, null where there is none; and the texts that are flawed, with how many rows have them.

    Exports repeat few days, so each is parsed once. A blank is no flaw.
    """
    encoded = pc.dictionary_encode(texts)
    values = encoded.dictionary.to_pylist()
    read = [parse_date(value, day_first=day_first) for value in values]
    days = pa.array([one.day for one in read], pa.date32()).take(encoded.indices)
    rows = pc.value_counts(encoded.indices.drop_null())
    counts = dict(zip(rows.field("values").to_pylist(), rows.field("counts").to_pylist(), strict=True))
    flawed = [
        (value, one.flaw, counts[place])
        for place, (value, one) in enumerate(zip(values, read, strict=True))
        if one.flaw and value.strip()
    ]
    columns = zip(*flawed, strict=True) if flawed else ([], [], [])
    return days, pa.table([pa.array(column, kind.type) for column, kind in zip(columns, FLAWS, strict=True)], FLAWS)
