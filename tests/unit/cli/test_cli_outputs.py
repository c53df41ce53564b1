"""Result files: whole or not at all, one row an input row, the same in every format."""

import csv
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.enums import Family
from services.cli.inputs import Rejected, read_indicators
from services.cli.outputs import SCHEMA, UnwritableOutput, check_output, write_rejects, write_results
from services.cli.results import ResultRow, RowStatus, in_input_order

FIELDS = [
    "indicator_id",
    "name",
    "units",
    "family",
    "indicator_type",
    "temporal_aggregation",
    "time_basis",
    "reporting_frequency",
    "scale",
    "is_currency_denominated",
    "detected_currency",
    "is_cumulative",
    "heat_map_orientation",
    "overall_confidence",
    "review_status",
    "provider",
    "model",
    "cost_usd",
    "batch_id",
    "status",
    "error",
]
FULL = ResultRow(
    indicator_id="A",
    name="GDP, “real”\nyes",
    units="EUR Billion",
    family=Family.PHYSICAL_FUNDAMENTAL,
    indicator_type="flow",
    is_currency_denominated=True,
    is_cumulative=False,
    overall_confidence=0.9,
    cost_usd=0.001,
    status=RowStatus.COMPLETED,
)
BARE = ResultRow(None, None, status=RowStatus.REJECTED, error="row 2: name is missing")
TEXT = st.none() | st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)
NUMBER = st.none() | st.floats(0, 1)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "is_currency_denominated": st.none() | st.booleans(),
    "is_cumulative": st.none() | st.booleans(),
}
VALUES |= {"overall_confidence": NUMBER, "cost_usd": NUMBER, "status": st.sampled_from(RowStatus)}
ROWS = st.lists(st.builds(ResultRow, **{field: VALUES.get(field, TEXT) for field in ResultRow._fields}), max_size=5)


def test_the_fields_are_those_that_were_promised() -> None:
    assert list(ResultRow._fields) == FIELDS == SCHEMA.names


def test_jsonl(tmp_path: Path) -> None:
    assert write_results(tmp_path / "out.jsonl", [FULL, BARE]) == 2
    first, second = map(json.loads, (tmp_path / "out.jsonl").read_text().splitlines())
    assert list(first) == FIELDS
    assert ResultRow(**first) == FULL
    assert ResultRow(**second) == BARE


def test_csv(tmp_path: Path) -> None:
    write_results(tmp_path / "out.csv", [FULL, BARE])
    with (tmp_path / "out.csv").open(newline="", encoding="utf-8") as file:
        header, first, second = csv.reader(file)
    assert header == FIELDS
    row = dict(zip(header, first, strict=True))
    assert (row["name"], row["family"], row["is_currency_denominated"]) == (FULL.name, "physical-fundamental", "true")
    assert (row["is_cumulative"], row["overall_confidence"], row["detected_currency"]) == ("false", "0.9", "")
    assert second[-2:] == ["rejected", "row 2: name is missing"]


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("=1+1", "'=1+1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0"),
        ("-2+3", "'-2+3"),
        ("\tx", "'\tx"),
        ("-5.1%", "-5.1%"),
        ("-", "-"),
        ("% change", "% change"),
        ("a=b", "a=b"),
    ],
)
def test_csv_holds_no_formulas_and_is_otherwise_left_alone(tmp_path: Path, text: str, written: str) -> None:
    write_results(tmp_path / "out.csv", [ResultRow("A", text)])
    with (tmp_path / "out.csv").open(newline="", encoding="utf-8") as file:
        assert list(csv.reader(file))[1][1] == written
    write_results(tmp_path / "out.jsonl", [ResultRow("A", text)])
    assert json.loads((tmp_path / "out.jsonl").read_text())["name"] == text


def test_parquet_types_do_not_depend_on_the_rows(tmp_path: Path) -> None:
    for name, rows in (("full", [FULL, BARE]), ("bare", [BARE]), ("none", [])):
        path = tmp_path / f"{name}.parquet"
        assert write_results(path, rows) == len(rows)
        table = pq.read_table(path)
        assert table.schema.equals(SCHEMA)
        assert [ResultRow(**row) for row in table.to_pylist()] == rows


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=ROWS)
def test_jsonl_and_parquet_give_back_what_was_written(tmp_path: Path, rows: list[ResultRow]) -> None:
    write_results(tmp_path / "out.jsonl", rows)
    write_results(tmp_path / "out.parquet", rows)
    lines = (tmp_path / "out.jsonl").read_text(encoding="utf-8").split("\n")[:-1]
    assert [ResultRow(**json.loads(line)) for line in lines] == rows
    assert [ResultRow(**row) for row in pq.read_table(tmp_path / "out.parquet").to_pylist()] == rows


@pytest.mark.parametrize("name", ["out.jsonl", "out.csv", "out.parquet"])
def test_a_failed_run_leaves_the_old_file(tmp_path: Path, name: str) -> None:
    def failing() -> Iterator[ResultRow]:
        yield FULL
        raise KeyboardInterrupt

    path = tmp_path / name
    path.write_text("old")
    with pytest.raises(KeyboardInterrupt):
        write_results(path, failing())
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_outputs_that_cannot_be_written_are_refused_beforehand(tmp_path: Path) -> None:
    for name, reason in (
        ("out.xlsx", "unknown suffix"),
        ("out", "unknown suffix"),
        ("no/out.csv", "directory does not exist"),
    ):
        with pytest.raises(UnwritableOutput, match=reason):
            check_output(tmp_path / name)
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(UnwritableOutput, match="this is a directory"):
        check_output(tmp_path / "folder.csv")
    with pytest.raises(UnwritableOutput, match="unknown suffix"):
        check_output(tmp_path / "out.parquet", rejects=True)


REJECTS = [Rejected(3, "in.jsonl", "the row is not UTF-8 text", "save as UTF-8", b'{"a": "\xe9"}')]


def test_rejects_as_jsonl(tmp_path: Path) -> None:
    assert write_rejects(tmp_path / "bad.jsonl", REJECTS) == 1
    assert json.loads((tmp_path / "bad.jsonl").read_text()) == {
        "row_number": 3,
        "source": "in.jsonl",
        "reason": "the row is not UTF-8 text",
        "remedy": "save as UTF-8",
        "raw": '{"a": "\\xe9"}',
    }


def test_rejects_as_csv(tmp_path: Path) -> None:
    write_rejects(tmp_path / "bad.csv", REJECTS)
    lines = (tmp_path / "bad.csv").read_text().splitlines()
    assert lines[0] == "row_number,source,reason,remedy,raw"
    assert lines[1].startswith("3,in.jsonl,")


def test_every_input_row_has_a_result_in_input_order(lines_file: Callable[..., Path]) -> None:
    path = lines_file(
        {"indicator_id": "A", "name": "GDP"},
        {"indicator_id": "X"},
        {"indicator_id": "B", "name": "CPI", "units": "%"},
    )
    results = list(in_input_order(read_indicators([str(path)]), {"A": FULL}))
    assert results[0] == FULL
    assert results[1] == ResultRow(
        "X", None, status=RowStatus.REJECTED, error='row 2: name is missing; add a non-empty "name"'
    )
    assert results[2] == ResultRow("B", "CPI", "%", status=RowStatus.PENDING)
