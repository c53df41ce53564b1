"""Account ids in their long form, and the dates of exports."""

import string
from datetime import date, timedelta

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.deduplication.inputs.account_ids import extended, valid_ids
from services.deduplication.inputs.dates import parse_date, parse_dates
from tests.unit.deduplication.runs import REPEATABLY

IDS = st.text(string.ascii_letters + string.digits, min_size=15, max_size=15)
DAYS = st.dates(date(1900, 3, 1), date(2099, 12, 31))


def long_id(short: str) -> str:
    """The rule as it is published, one character at a time."""
    chunks = (short[start : start + 5] for start in range(0, 15, 5))
    codes = (
        sum(1 << place for place, letter in enumerate(chunk) if letter in string.ascii_uppercase) for chunk in chunks
    )
    return short + "".join((string.ascii_uppercase + "012345")[code] for code in codes)


def test_a_known_id() -> None:
    assert extended(pa.array(["001A0000006Vm9r"])).to_pylist() == ["001A0000006Vm9rIAC"]


@REPEATABLY
@given(st.lists(IDS, min_size=1, max_size=5))
def test_short_ids_get_the_three_characters_of_the_rule(ids: list[str]) -> None:
    assert extended(pa.array(ids)).to_pylist() == [long_id(short) for short in ids]


@REPEATABLY
@given(st.lists(IDS, min_size=1, max_size=5))
def test_long_ids_stay_and_differ_even_where_case_is_lost(ids: list[str]) -> None:
    made = extended(pa.array(ids))
    assert extended(made).equals(made)
    assert len({i.lower() for i in made.to_pylist()}) == len(set(ids))


@pytest.mark.parametrize(
    "text", ["", "001A0000006Vm9", "001A0000006Vm9r1", "001A0000006Vm9-", "001A0000006Vm9ré", None]
)
def test_other_lengths_and_signs_are_no_ids(text: str | None) -> None:
    assert valid_ids(pa.array([text], pa.string())).to_pylist() == [False]


@REPEATABLY
@given(DAYS)
def test_a_day_is_read_in_every_way_it_is_written(day: date) -> None:
    serial = (day - date(1899, 12, 30)).days
    written = (
        f"{day:%Y-%m-%d}",
        f"{day:%Y/%m/%d}",
        f"{day:%m/%d/%Y}",
        f"{day:%Y-%m-%d}T10:00:00Z",
        f"{day:%m/%d/%Y} 1:00 PM",
    )
    for text in (*written, str(serial), f"{serial}.75", f" {day.isoformat()} "):
        assert parse_date(text) == day
    if day.day > 12:
        assert parse_date(f"{day:%d/%m/%Y}") == day


@pytest.mark.parametrize(
    ("serial", "day"), [("1", date(1900, 1, 1)), ("59", date(1900, 2, 28)), ("60", None), ("61", date(1900, 3, 1))]
)
def test_excel_counts_a_day_that_never_was(serial: str, day: date | None) -> None:
    assert parse_date(serial) == day


@pytest.mark.parametrize("text", ["", "yesterday", "13/13/2024", "2024-02-30", "0", "12345678901", "-5", "2024"])
def test_what_is_no_day_is_none(text: str) -> None:
    assert parse_date(text) in (None, date(1899, 12, 30) + timedelta(2024))


def test_a_column_keeps_its_order_and_its_gaps() -> None:
    days = parse_dates(pa.array(["2024-01-02", "", "2024-01-02", "1/3/2024", None]))
    assert days.to_pylist() == [date(2024, 1, 2), None, date(2024, 1, 2), date(2024, 1, 3), None]
