"""Account ids in their long form, and the dates of exports."""

import string
from datetime import date, timedelta

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.deduplication.inputs.account_ids import extended, valid_ids
from services.deduplication.inputs.dates import OTHER_ORDER, UNPARSABLE, is_day_first, parse_date, parse_dates
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
        assert parse_date(text).day == day
    if day.day > 12:
        assert parse_date(f"{day:%d/%m/%Y}").day == day
    assert parse_date(f"{day:%d/%m/%Y}", day_first=True) == (day, None)


@pytest.mark.parametrize(
    ("serial", "day"), [("1", date(1900, 1, 1)), ("59", date(1900, 2, 28)), ("60", None), ("61", date(1900, 3, 1))]
)
def test_excel_counts_a_day_that_never_was(serial: str, day: date | None) -> None:
    assert parse_date(serial).day == day


@pytest.mark.parametrize("text", ["", "yesterday", "13/13/2024", "2024-02-30", "0", "12345678901", "-5", "2024"])
def test_what_is_no_day_is_none(text: str) -> None:
    assert parse_date(text).day in (None, date(1899, 12, 30) + timedelta(2024))


def test_a_column_keeps_its_order_and_its_gaps() -> None:
    days, flaws = parse_dates(pa.array(["2024-01-02", "", "2024-01-02", "1/3/2024", None]))
    assert days.to_pylist() == [date(2024, 1, 2), None, date(2024, 1, 2), date(2024, 1, 3), None]
    assert flaws.num_rows == 0


def test_what_is_no_date_of_its_column_is_counted() -> None:
    texts = ["Jan 5 2024", "31/31/2024", "03/15/2023", "01/12/2023", "Jan 5 2024", "60", " "]
    days, flaws = parse_dates(pa.array(texts), day_first=True)
    assert days.to_pylist() == [None, None, date(2023, 3, 15), date(2023, 12, 1), None, None, None]
    assert [tuple(row.values()) for row in flaws.to_pylist()] == [
        ("Jan 5 2024", UNPARSABLE, 2),
        ("31/31/2024", UNPARSABLE, 1),
        ("03/15/2023", OTHER_ORDER, 1),
        ("60", UNPARSABLE, 1),
    ]


@pytest.mark.parametrize(
    ("texts", "day_first"),
    [
        (["01/12/2023", "15/03/2023", None], True),
        (["01/12/2023", "15.03.2023 10:00", "03/25/2023", "16/03/2023"], True),
        (["01/12/2023", "15/03/2023", "03/25/2023"], False),
        (["01/12/2023", "2023-25-03", "Jan 5 2024"], False),
        ([], False),
    ],
)
def test_the_order_of_a_column_is_that_of_most_of_its_dates(texts: list[str | None], day_first: bool) -> None:
    assert is_day_first(pa.chunked_array([pa.array(texts, pa.string())])) is day_first
