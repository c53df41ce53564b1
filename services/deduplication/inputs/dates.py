"""Dates as exports write them."""

import re
from datetime import date, timedelta

import pyarrow as pa
import pyarrow.compute as pc

_YEAR_FIRST = re.compile(r"^(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[T\s].*)?$")
_YEAR_LAST = re.compile(r"^(\d{1,2})[-/.](\d{1,2})[-/.](\d{4})(?:[T\s,].*)?$")
_COMPACT = re.compile(r"^(\d{4})(\d{2})(\d{2})$")
_SERIAL = re.compile(r"^(\d{1,7})(?:\.\d+)?$")

_FALSE_LEAP_DAY = 60  # Excel counts a 29 February 1900
_LAST_SERIAL = 2_958_465  # 9999-12-31


def parse_date(text: str) -> date | None:
    """The day that a text names, whatever its time of day; 3/4/2024 is in March, 13/4/2024 can only be in April."""
    text = text.strip()
    if match := _YEAR_FIRST.match(text) or _COMPACT.match(text):
        year, month, day = map(int, match.groups())
        return _date(year, month, day)
    if match := _YEAR_LAST.match(text):
        first, second, year = map(int, match.groups())
        return _date(year, first, second) or _date(year, second, first)
    return _from_serial(int(match[1])) if (match := _SERIAL.match(text)) else None


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


def parse_dates(texts: pa.Array) -> pa.Array:
    """The days of a column; null where there is none. Exports repeat few days, so each is parsed once."""
    encoded = pc.dictionary_encode(texts)
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    days = [None if text is None else parse_date(text) for text in encoded.dictionary.to_pylist()]
    return pa.array(days, pa.date32()).take(encoded.indices)
