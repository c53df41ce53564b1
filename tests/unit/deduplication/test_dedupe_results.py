"""Results as files: formulas are harmless, lists are readable, a folder that cannot be filled is refused at once."""

import csv
import io
from pathlib import Path

import pyarrow as pa
import pytest

from services.deduplication.runs.results import check_folder, csv_parts
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
