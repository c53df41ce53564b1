"""`sluice evaluate-dedupe` on files, and what it counts."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from hypothesis import given, strategies

from services.deduplication.commands import evaluate as evaluate_command
from services.deduplication.commands.evaluate import evaluate_dedupe
from services.deduplication.evaluation.calibration import Calibration, probability
from services.deduplication.evaluation.evaluating import pairs_within
from services.deduplication.evaluation.truth import true_groups
from services.deduplication.rules import Rules
from shared.errors import UsageError
from tests.companies import write_csv
from tests.unit.deduplication.runs import REPEATABLY

ROWS = [
    ("a", "Falcon", "Roofing Inc"),
    ("b", "Falcon", "Roofing Incorporated"),
    ("c", "Falcon", "Rofing Inc"),
    ("d", "Totally", "Other Words"),
    ("e", "Cedar", "Bakery LLC"),
    ("f", "Cedar", "Bakery LLC"),
    ("g", "n/a", ""),
]
TRUE = [("a", "b"), ("b", "c"), ("c", "d"), ("e", "g")]
"""So a, b, c, d are one, e and g another, f is alone."""


@pytest.fixture
def files(tmp_path: Path) -> Path:
    write_csv(tmp_path / "records.csv", ("key", "first", "rest"), ROWS)
    write_csv(tmp_path / "pairs.csv", ("id_a", "id_b"), TRUE)
    labelled = [("Falcon Inc", "Falcon", 1), ("Falcon", "Cedar", 0), ("Acme", "Zenith", 1)]
    write_csv(tmp_path / "names.csv", ("name_a", "name_b", "is_match"), labelled)
    return tmp_path


def evaluated(*arguments: object) -> Any:
    found = invoked(*arguments, "--json")
    assert found.exit_code == 0, found.output
    return json.loads(found.output)


def invoked(*arguments: object) -> Result:
    return CliRunner().invoke(evaluate_dedupe, [str(argument) for argument in arguments])


def records(files: Path) -> list[object]:
    columns = ["--map", "account_id=key", "--name-columns", "first,rest"]
    return [files / "records.csv", "--truth", files / "pairs.csv", *columns]


def test_records_of_any_ids_and_names_in_two_columns_are_evaluated(files: Path) -> None:
    found = evaluated(*records(files))
    assert found["records"] == len(ROWS)
    assert found["true_pairs"] == 7
    # found: a, b, c together, e and f
    assert found["pairwise"] == pytest.approx({"precision": 3 / 4, "recall": 3 / 7, "f1": 6 / 11})
    assert found["b_cubed"]["precision"] == pytest.approx(6 / 7)
    assert found["b_cubed"]["recall"] == pytest.approx((3 * 3 / 4 + 1 / 4 + 3 * 1 / 2 - 1 / 2 + 1) / 7)
    assert found["completeness"] == pytest.approx(3 / 7)


def test_errors_are_shown_with_their_names_scores_and_reasons(files: Path) -> None:
    found = evaluated(*records(files), "--worst", 2)
    (wrong,) = found["false_positives"]
    assert (wrong["id_a"], wrong["id_b"], wrong["name_a"]) == ("e", "f", "Cedar Bakery LLC")
    assert wrong["score"] == 100
    assert "spelt alike" in wrong["reason"]
    junk, missed = found["false_negatives"]
    assert (junk["id_a"], junk["id_b"], junk["score"]) == ("e", "g", None)
    assert "noise" in junk["reason"]
    assert missed["id_b"] == "d"
    assert missed["score"] < found["threshold"]


@pytest.mark.parametrize("headers", [("id", "cluster"), ("Account ID", "true_cluster_id")])
def test_records_that_clusters_do_not_list_are_not_judged(files: Path, headers: tuple[str, str]) -> None:
    write_csv(files / "pairs.csv", headers, [("a", 1), ("b", 1), ("c", 2), ("d", 3), ("e", 4)])
    found = evaluated(*records(files))
    assert (found["records"], found["true_pairs"]) == (5, 1)
    assert found["pairwise"] == {"precision": pytest.approx(1 / 3), "recall": 1, "f1": 0.5}
    assert found["completeness"] == 1
    assert {(row["id_a"], row["id_b"]) for row in found["false_positives"]} == {("a", "c"), ("b", "c")}


def test_a_lower_threshold_never_finds_less(files: Path) -> None:
    recalls = [point["recall"] for point in evaluated(*records(files))["sweep"]]
    assert recalls == sorted(recalls, reverse=True)
    assert recalls[0] == pytest.approx(3 / 7)


def test_another_threshold_makes_other_groups(files: Path) -> None:
    found = evaluated(*records(files), "--threshold", 100)
    assert found["pairwise"]["recall"] == pytest.approx(1 / 7)  # a and b are the same name, c is misspelt


def test_records_of_one_source_stay_apart_if_people_say_which_column_that_is(files: Path) -> None:
    rows = [("a", "Falcon Roofing Works", "x"), ("b", "Falcon Roofing Wrks", "y"), ("c", "Falcn Rofing Works", "y")]
    write_csv(files / "lists.csv", ("id", "name", "source"), rows)
    write_csv(files / "pairs.csv", ("id_a", "id_b"), [("a", "b")])
    command = [files / "lists.csv", "--truth", files / "pairs.csv"]
    assert evaluated(*command)["pairwise"] == {"precision": pytest.approx(1 / 3), "recall": 1, "f1": 0.5}
    assert evaluated(*command, "--map", "source=source")["pairwise"]["f1"] == 1


def test_each_record_of_a_list_is_linked_to_one_of_the_other(files: Path) -> None:
    rows = [("a", "Editor's notes", "x"), ("b", "Editor's notes", "x"), ("c", "Editor's notes", "y"), ("d", "", "y")]
    write_csv(files / "lists.csv", ("id", "name", "source"), rows)
    write_csv(files / "pairs.csv", ("id_a", "id_b"), [("a", "c")])
    write_csv(files / "swapped.csv", ("id_a", "id_b"), [("b", "c")])
    command = [files / "lists.csv", "--truth", files / "pairs.csv", "--map", "source=source"]
    assert evaluated(*command)["pairwise"]["precision"] == pytest.approx(1 / 3)  # what is spelt alike is one company
    found = evaluated(*command, "--profile", "general")
    assert found["threshold"] == Rules.of("general", linking=True).medium < Rules.of("general").medium
    assert found["pairwise"]["f1"] == 1
    wrong = evaluated(*command[:2], files / "swapped.csv", *command[3:], "--profile", "general")
    assert "more than once" in wrong["false_negatives"][0]["reason"]


def test_labelled_names_are_evaluated_without_records(files: Path) -> None:
    found = evaluated("--truth", files / "names.csv")
    assert found["pairwise"] == {"precision": 1, "recall": 0.5, "f1": pytest.approx(2 / 3)}
    assert found["b_cubed"] is None
    assert [row["name_a"] for row in found["false_negatives"]] == ["Acme"]


def test_tables_and_a_picture(files: Path) -> None:
    shown = invoked(*records(files), "--plot", files / "thresholds.png")
    assert shown.exit_code == 0, shown.output
    assert "pair completeness" in shown.output
    assert (files / "thresholds.png").read_bytes().startswith(b"\x89PNG")


def test_a_picture_needs_matplotlib(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluate_command, "find_spec", lambda name: None if name == "matplotlib" else name)
    found = invoked(*records(files), "--plot", files / "thresholds.png")
    assert isinstance(found.exception, UsageError)
    assert "extra `dev`" in found.exception.remedy


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--truth", "pairs.csv"], "about records"),
        (["records.csv", "--truth", "records.csv"], "tells no truth"),
        (["records.csv", "--truth", "pairs.csv", "--map", "account_id=first", "--name-columns", "rest"], "names a,"),
        (["records.csv", "--truth", "pairs.csv", "--name-columns", "first,last"], "no column 'last'"),
    ],
)
def test_what_cannot_be_evaluated_is_told(files: Path, arguments: list[str], complaint: str) -> None:
    found = invoked(*(files / argument if argument.endswith(".csv") else argument for argument in arguments))
    assert isinstance(found.exception, UsageError)
    assert complaint in str(found.exception)


@REPEATABLY
@given(strategies.lists(strategies.integers(0, 4), max_size=12))
def test_pairs_within_are_every_two_of_a_label(labels: list[int]) -> None:
    every = {(a, b) for b in range(len(labels)) for a in range(b) if labels[a] == labels[b]}
    assert {(int(pair) >> 32, int(pair) & 0xFFFFFFFF) for pair in pairs_within(np.array(labels, np.int64))} == every


def test_truth_reaches_along_its_pairs() -> None:
    assert true_groups("abcd", [("c", "a"), ("d", "c")]).tolist() == [0, 1, 0, 0]


def test_scores_are_calibrated_and_the_file_is_read_back(tmp_path: Path) -> None:
    rows = [("Falcon Roofing Inc", "Falcon Rofing Inc", 1), ("Falcon Roofing", "Falcon Ruling", 0)] * 40
    rows += [("Cedar Bakery", "Cedar Bakeri", 1)] * 30 + [("Cedar Bakery", "Cedar Bakers", 0)] * 10
    write_csv(tmp_path / "names.csv", ("name_a", "name_b", "is_match"), rows)
    found = evaluated("--truth", tmp_path / "names.csv", "--calibrate", tmp_path / "c.json")["reliability"]
    assert found["pairs"] == len(rows)
    assert found["brier"] < found["brier_of_base_rate"] / 2
    assert sum(one["pairs"] for one in found["bins"]) == len(rows)
    calibration = Calibration.read(tmp_path / "c.json", Rules(medium=80))
    points = calibration.table()
    ends = [probability(points, score) for score in (0, 100)]
    assert ends[0] == 0
    assert 0.7 < (ends[1] or 0) <= 1
    assert (probability(points, None), probability(points.slice(0, 0), 90)) == (None, None)
    with pytest.raises(UsageError, match="other rules"):
        Calibration.read(tmp_path / "c.json", Rules.of("strict"))
    with pytest.raises(UsageError, match="is no calibration"):
        Calibration.read(tmp_path / "names.csv", Rules())


def test_pairs_that_are_all_alike_calibrate_nothing(tmp_path: Path) -> None:
    write_csv(tmp_path / "names.csv", ("name_a", "name_b", "is_match"), [("Falcon", "Falcon", 1)] * 3)
    found = invoked("--truth", tmp_path / "names.csv", "--calibrate", tmp_path / "c.json")
    assert isinstance(found.exception, UsageError)
    assert not (tmp_path / "c.json").exists()
