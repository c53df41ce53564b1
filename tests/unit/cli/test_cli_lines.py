"""JSON Lines: what is accepted, and what each bad row is told."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.indicator import SamplePoint
from services.cli.inputs import Accepted, Rejected, count_rows, read_indicators
from services.cli.inputs.rows import MAX_ROW_BYTES, RAW_EXCERPT

Write = Callable[..., Path]
GOOD = {"indicator_id": "A", "name": "GDP"}


def test_rows_are_accepted_with_their_raw_line_and_unknown_fields(read: Any, lines_file: Write) -> None:
    row = {**GOOD, "units": "%", "definition": "All of it", "region": {"code": 7}, "sample_values": [1, 2.5]}
    accepted, rejected = read(lines_file(row))
    indicator = accepted[0].indicator
    assert (accepted[0].row_number, accepted[0].raw, rejected) == (1, json.dumps(row).encode(), [])
    assert indicator.description == "All of it"
    assert indicator.model_extra == {"region": {"code": 7}}


def test_text_dates_and_null_values_are_legal(read: Any, lines_file: Write) -> None:
    samples = [{"date": "last10YearsAvg", "value": 3}, {"date": "2023-Q1", "value": None}]
    accepted, _ = read(lines_file({**GOOD, "sample_values": samples}))
    assert accepted[0].indicator.sample_values == [
        SamplePoint(date="last10YearsAvg", value=3.0),
        SamplePoint(date="2023-Q1"),
    ]


SENTENCES = [
    ({"indicator_id": "A"}, 'row 1: name is missing; add a non-empty "name"'),
    ({"indicator_id": "A", "name": "  "}, 'row 1: name is empty; add a non-empty "name"'),
    ({"name": "GDP"}, 'row 1: indicator_id is missing; add a non-empty "indicator_id"'),
    ({"indicator_id": None, "name": "GDP"}, 'row 1: indicator_id is missing; add a non-empty "indicator_id"'),
    ({"id": "A", "name": "GDP"}, 'row 1: indicator_id is missing; rename "id" to "indicator_id"'),
    ({"indicator_id": "A", "title": "GDP"}, 'row 1: name is missing; rename "title" to "name"'),
    (
        {"indicator_id": 17, "name": "GDP"},
        'row 1: indicator_id is a number, not text; put it in quotes: "indicator_id": "17"',
    ),
    (
        {"indicator_id": True, "name": "GDP"},
        'row 1: indicator_id is a boolean, not text; write "indicator_id" as text in quotes',
    ),
    (
        {**GOOD, "units": ["%"]},
        'row 1: units is a list, not text; write "units" as text, or leave it out',
    ),
    ({**GOOD, "units": float("nan")}, "row 1: units is NaN, not text; write null or leave it out"),
    (
        {**GOOD, "definition": "x" * 20_001},
        "row 1: description is too long (20,001 characters, limit 20,000); shorten description",
    ),
    ({**GOOD, "name": "x" * 1_001}, "row 1: name is too long (1,001 characters, limit 1,000); shorten name"),
    (
        {**GOOD, "sample_values": {"2020": 1}},
        'row 1: sample_values is an object, not a list; write a list of {"date": "2024-01", "value": 1.5}',
    ),
    (
        {**GOOD, "sample_values": [1] * 5_001},
        "row 1: sample_values has 5,001 entries (limit 5,000); keep the newest ones",
    ),
    (
        {**GOOD, "sample_values": [{"date": "2020", "value": 1}, {"date": "2021", "value": "n/a"}]},
        'row 1: the value of sample 2 is the text "n/a", not a number; write a number or null',
    ),
    (
        {**GOOD, "sample_values": [{"date": "2020", "value": float("nan")}]},
        "row 1: the value of sample 1 is NaN, not a number; write a number or null",
    ),
    (
        {**GOOD, "sample_values": [1, float("inf")]},
        "row 1: the value of sample 2 is infinite, not a number; write a number or null",
    ),
    (
        {**GOOD, "sample_values": [{"date": 2020, "value": 1}]},
        'row 1: the date of sample 1 is a number, not text; write it as text: "2020"',
    ),
    (
        {"indicator_id": 5, "units": 3},
        'row 1: indicator_id is a number, not text (also wrong: name, units); put it in quotes: "indicator_id": "5"',
    ),
    ([1, 2], 'row 1: the row is a list, not a JSON object; write {"indicator_id": …, "name": …}'),
    (
        b'{"indicator_id": "A", "name": "GDP"',
        (
            "row 1: the row is not valid JSON (EOF while parsing an object at character 35); "
            "write one complete JSON object, in one line"
        ),
    ),
    (
        b'{"indicator_id": "A", "name": "Caf\xe9"}',
        "row 1: the row is not UTF-8 text (byte 35); save the file with the encoding UTF-8",
    ),
    (
        {**GOOD, "weight": float("nan")},
        "row 1: the row holds NaN or Infinity, which JSON does not know; write null instead",
    ),
    (
        {**GOOD, "notes": [{"x": "a\0b"}]},
        "row 1: the row holds the character U+0000, which no database stores as text; remove it",
    ),
]


@pytest.mark.parametrize(("row", "sentence"), SENTENCES, ids=range(len(SENTENCES)))
def test_a_bad_row_is_told_field_problem_and_remedy(read: Any, lines_file: Write, row: Any, sentence: str) -> None:
    accepted, rejected = read(lines_file(row, {"indicator_id": "B", "name": "Exports"}))
    assert [bad.sentence for bad in rejected] == [sentence]
    assert [good.row_number for good in accepted] == [2]


def test_words_that_look_suspicious_are_not(read: Any, lines_file: Write) -> None:
    accepted, rejected = read(lines_file({**GOOD, "notes": "FiNaNce, Infinity, \\u0000"}))
    assert (len(accepted), rejected) == (1, [])


def test_a_duplicate_names_the_row_that_came_first(read: Any, lines_file: Write) -> None:
    first = lines_file(GOOD, {"indicator_id": " A ", "name": "Again"}, name="one.jsonl")
    second = lines_file({"indicator_id": "B", "name": "B"}, GOOD, name="two.jsonl")
    _, rejected = read(first, second)
    assert [bad.reason for bad in rejected] == [
        'indicator_id "A" was already used by row 1',
        f'indicator_id "A" was already used by row 1 of {first}',
    ]
    assert (rejected[0].indicator_id, rejected[0].name) == ("A", "Again")


def test_the_id_of_a_rejected_row_is_free_for_its_correction(read: Any, lines_file: Write) -> None:
    accepted, rejected = read(lines_file({"indicator_id": "A"}, GOOD))
    assert (len(accepted), len(rejected)) == (1, 1)


def test_rows_are_numbered_as_an_editor_numbers_lines(read: Any, lines_file: Write) -> None:
    path = lines_file(b"\xef\xbb\xbf" + json.dumps(GOOD).encode() + b"\r", b"", b"   ", b"?")
    accepted, rejected = read(path)
    assert ([row.row_number for row in accepted], [row.row_number for row in rejected]) == ([1], [4])


def test_a_giant_line_costs_only_itself(read: Any, lines_file: Write) -> None:
    giant = b'{"indicator_id": "G", "name": "' + b"x" * (3 * MAX_ROW_BYTES) + b'"}'
    accepted, rejected = read(lines_file(giant, GOOD, giant))
    assert [row.row_number for row in accepted] == [2]
    assert [bad.reason for bad in rejected] == ["the row is longer than 524,288 bytes"] * 2
    assert len(rejected[0].raw) == RAW_EXCERPT


@pytest.mark.parametrize(("size", "kept"), [(MAX_ROW_BYTES, 1), (MAX_ROW_BYTES + 1, 0)])
@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"])
def test_the_limit_is_exact(tmp_path: Path, read: Any, size: int, kept: int, end: bytes) -> None:
    head, tail = b'{"indicator_id": "A", "name": "GDP", "context": ["', b'"]}'
    path = tmp_path / "limit.jsonl"
    path.write_bytes(head + b"x" * (size - len(head) - len(tail)) + tail + end)
    assert len(read(path)[0]) == kept


def test_packed_files_read_alike(tmp_path: Path, read: Any) -> None:
    path = tmp_path / "rows.ndjson.gz"
    path.write_bytes(gzip.compress(json.dumps(GOOD).encode() + b"\n"))
    assert len(read(path)[0]) == 1
    assert count_rows(str(path)) == 1


LINE = st.one_of(
    st.binary(max_size=60),
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["indicator_id", "name", "sample_values", "value", "x"]), inner, max_size=4
            )
        ),
        max_leaves=8,
    ).map(lambda value: json.dumps(value).encode()),
)


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines=st.lists(LINE.map(lambda line: line.replace(b"\n", b" ")), max_size=8))
def test_every_line_is_either_accepted_or_rejected(tmp_path: Path, lines: list[bytes]) -> None:
    path = tmp_path / "any.jsonl"
    path.write_bytes(json.dumps(GOOD).encode() + b"\n" + b"\n".join(lines))
    rows = list(read_indicators([str(path)]))
    assert len(rows) == 1 + sum(bool(line.strip()) for line in lines)
    for row in rows:
        assert isinstance(row, Accepted) or (isinstance(row, Rejected) and row.reason and row.remedy and row.raw)
