"""Files with decisions of people: read whole, or refused with the place that is wrong."""

from pathlib import Path

import pytest

from services.deduplication.decisions import Override, read_overrides, read_terms
from shared.errors import UsageError


def test_decisions_are_read_as_people_write_them(tmp_path: Path) -> None:
    file = tmp_path / "overrides.csv"
    file.write_text('account_id,override,reason\n001A, keep ,"a, customer"\n001B,DELETE,\n', encoding="utf-8-sig")
    assert read_overrides(file) == [Override("001A", "Keep", "a, customer"), Override("001B", "Delete", "")]


@pytest.mark.parametrize("row", ["001A,Merge", ",Keep", "001A"])
def test_a_decision_that_is_none_is_named(tmp_path: Path, row: str) -> None:
    file = tmp_path / "overrides.csv"
    file.write_text(f"account_id,disposition\n001B,Keep\n{row}\n")
    with pytest.raises(UsageError, match=r"overrides\.csv, row 3: .*\n.*Keep, Update, Delete, Verify"):
        read_overrides(file)


def test_terms_come_one_a_line_or_in_a_column(tmp_path: Path) -> None:
    (tmp_path / "terms.txt").write_text("Do  Not Use\n\n  TEST ltd\n")
    assert read_terms(tmp_path / "terms.txt") == ["do not use", "test ltd"]
    (tmp_path / "terms.csv").write_text("term,added_by\nDo Not Use,me\n,me\n")
    assert read_terms(tmp_path / "terms.csv") == ["do not use"]


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "terms.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="give a text file"):
        read_terms(tmp_path / "terms.txt")
