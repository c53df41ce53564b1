"""Results as files: formulas are harmless, lists are readable, a folder that cannot be filled is refused at once."""

import csv
import io
from pathlib import Path

import pyarrow as pa
import pytest

from services.deduplication.runs.results import check_folder, csv_parts, set_aside
from shared.errors import UsageError


def test_no_cell_of_the_csv_is_a_formula() -> None:
    names = ["=cmd|'/c calc'!A1", "+1 555", "-2.5", "@SUM(A1)", "\tx", 'Acme, "Bolt"', None, "-Acme"]
    table = pa.table({"name": names, "size": range(8), "aliases": [["=1"], [], None, *[["b"]] * 5], "=1": range(8)})
    text = b"".join(csv_parts([table.slice(0, 3), table.slice(3)])).decode()
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["name"] for row in rows] == [
        *("'=cmd|'/c calc'!A1", "+1 555", "-2.5", "'@SUM(A1)", "'\tx", 'Acme, "Bolt"', "", "'-Acme")
    ]
    assert [row["aliases"] for row in rows[:3]] == ['["=1"]', "[]", ""]
    assert [row["size"] for row in rows] == [row["'=1"] for row in rows] == [str(number) for number in range(8)]


def test_a_folder_is_made_and_a_file_in_its_place_refused(tmp_path: Path) -> None:
    check_folder(tmp_path / "new" / "folder")
    assert (tmp_path / "new" / "folder").is_dir()
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="name another folder"):
        check_folder(tmp_path / "file")


def test_results_of_another_run_are_set_aside(tmp_path: Path) -> None:
    (tmp_path / "perf_summary.json").write_text('{"run_id": "first"}')
    (tmp_path / "review.csv").write_text("its rows")
    (tmp_path / "notes.txt").touch()
    set_aside(tmp_path, "first")
    assert not (tmp_path / "first").exists()
    set_aside(tmp_path, "second")
    assert {path.name for path in tmp_path.iterdir()} == {"first", "notes.txt"}
    assert (tmp_path / "first" / "review.csv").read_text() == "its rows"


@pytest.mark.parametrize("text", ["", "[]", '{"run_id": "../elsewhere"}'])
def test_what_is_no_result_is_left_alone(tmp_path: Path, text: str) -> None:
    (tmp_path / "perf_summary.json").write_text(text)
    set_aside(tmp_path, "second")
    assert [path.name for path in tmp_path.iterdir()] == ["perf_summary.json"]
