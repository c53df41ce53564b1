"""Files with decisions of people: read whole, or refused with the place that is wrong."""

from pathlib import Path

import pytest

from services.deduplication.commands.decisions import _as_csv
from services.deduplication.decisions import Override, read_overrides, read_terms
from services.deduplication.inputs.account_ids import long_id
from shared.errors import UsageError
from tests.companies import account_id
from tests.unit.deduplication.runs import named, review

A, B = map(long_id, (account_id(1), account_id(2)))


def test_decisions_are_read_as_people_write_them(tmp_path: Path) -> None:
    file = tmp_path / "overrides.csv"
    text = f'Account ID,Override,reason\n{A[:15]}, keep ,"a,\ncustomer"\n{B},DELETE,\n'
    file.write_text(text, encoding="utf-8-sig")
    assert read_overrides(file) == [Override(A, "Keep", "a,\ncustomer"), Override(B, "Delete", "")]


@pytest.mark.parametrize("row", [f"{A},Merge", ",Keep", A, "001A,Keep"])
def test_a_decision_that_is_none_is_named(tmp_path: Path, row: str) -> None:
    file = tmp_path / "overrides.csv"
    file.write_text(f"account_id,disposition\n{B},Keep\n{row}\n")
    with pytest.raises(UsageError, match=r"overrides\.csv, row 3: .*\n.*Keep, Update, Delete, Verify"):
        read_overrides(file)


def test_terms_come_one_a_line_or_in_a_column(tmp_path: Path) -> None:
    (tmp_path / "terms.txt").write_text("Do  Not Use\n\n  TEST ltd\n")
    assert read_terms(tmp_path / "terms.txt") == ["do not use", "test ltd"]
    (tmp_path / "terms.csv").write_text("term,added_by\nDo Not Use,me\n,me\n")
    assert read_terms(tmp_path / "terms.csv") == ["do not use"]


def test_a_file_without_the_columns_is_refused_with_those_it_has(tmp_path: Path) -> None:
    (tmp_path / "terms.csv").write_text("word,by\nDo Not Use,me\n")
    with pytest.raises(UsageError, match=r"no column term\nits columns: word, by"):
        read_terms(tmp_path / "terms.csv")
    with pytest.raises(UsageError, match="no column account_id, disposition or override\n"):
        read_overrides(tmp_path / "terms.csv")
    (tmp_path / "terms.csv").write_text("Term\nDo Not Use\n")
    assert read_terms(tmp_path / "terms.csv") == ["do not use"]


def test_what_is_exported_is_imported_as_it_was(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    terms = ["-bad name", "'tis", "=1", "plain", "'"]
    _as_csv(["term"], [[term] for term in terms])
    (tmp_path / "terms.csv").write_text(capsys.readouterr().out)
    assert read_terms(tmp_path / "terms.csv") == terms


def test_a_term_is_found_however_a_name_is_spaced_and_accented() -> None:
    rows = review(named("Acme   Bád Seeds", "Acme Good Seeds"), blacklist=["acme bad"])
    assert [row["disposition_reason"] for row in rows] == ["blacklisted_name", "clean_singleton"]


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "terms.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="give a text file"):
        read_terms(tmp_path / "terms.txt")
