"""What is asked about a finished run: one new record, why two records are together, clusters, ids, quality."""

from collections.abc import Mapping

import pyarrow as pa
import pytest

from services.deduplication.evaluation.labelled import judge_pairs, judge_records
from services.deduplication.evaluation.measures import (
    Quality,
    b_cubed,
    best_threshold,
    completeness,
    of_pairs,
    pairwise,
    sweep,
)
from services.deduplication.explain import explain
from services.deduplication.increments.lookup import Lookup
from services.deduplication.rules import Rules
from services.deduplication.similar import similar
from services.deduplication.steps.clusters import Clusters, Policy, clusters
from tests.companies import account_id
from tests.unit.deduplication.conftest import KEPT
from tests.unit.deduplication.runs import BALANCED, named, review, run

NAMES = (
    "Zentrix Silver Foods Inc",
    "Zentrix Silver Foods",
    "Lorvane Realty LLC",
    "Kamoto Steel",
    "Kamoto Steel",
    "test",
)


@pytest.fixture(scope="module")
def small() -> Mapping[str, pa.Table]:
    return run(named(*NAMES), keep=KEPT)


@pytest.mark.parametrize(
    ("name", "like"),
    [
        ("Zentrix Silver Foods, Inc.", 0),
        ("ZENTRIX SILVER FOOD", 0),
        ("Zentrxi Silver Foods", 0),
        ("Silver Zentrix Foods", 0),
        ("Zentrixsilver Foods", 0),
        ("Lorvane Realty", 2),
        ("Lorvanne Realty L.L.C.", 2),
        ("Kamoto Steele", 3),
        ("Lorvane Realty Inc", None),
        ("Bristane Media", None),
        ("Zentrix Manufacturing of International Instruments", None),
        ("", None),
    ],
)
def test_a_new_record_finds_its_group(small: Mapping[str, pa.Table], name: str, like: int | None) -> None:
    groups = {row["account_id_src"]: row["group_id"] for row in small["review_ready"].to_pylist()}
    found = Lookup(small, BALANCED).find(name, account_id(99))
    assert found.is_new == (like is None)
    assert found.group_id == (groups[account_id(like)] if like is not None else found.group_id)
    assert (found.group_id in groups.values()) == (like is not None)


def test_placeholders_make_no_group_however_many_records_have_one() -> None:
    made = run(named("employees", "Employees", "do not use", "Kamoto Steel (Temp)", "Kamoto Steel"), keep=KEPT)
    *alone, one, other = made["review_ready"].to_pylist()
    assert len({row["group_id"] for row in alone}) == len(alone)
    assert {row["disposition"] for row in alone} == {"Delete"}
    assert [row["exact_representative"] for row in alone] == [None] * len(alone)
    assert one["group_id"] == other["group_id"]
    assert Lookup(made, BALANCED).find("employees", account_id(99)).is_new
    assert "'employees' names no company" in explain(made, account_id(0), account_id(1), BALANCED).verdict


def test_looking_up_the_records_of_a_run_finds_their_groups(finished: Mapping[str, pa.Table]) -> None:
    lookup = Lookup(finished, BALANCED)
    rows = finished["review_ready"].slice(0, 300).to_pylist()
    assert [lookup.find(row["Account Name"], row["account_id"]).group_id for row in rows] == [
        r["group_id"] for r in rows
    ]


def test_a_record_that_begins_a_group_has_the_id_that_a_run_gives_it() -> None:
    rows = named("Kamoto Steel", "Bristane Media")
    found = Lookup(run(rows[:1], keep=KEPT), BALANCED).find("Bristane Media", review(rows)[1]["account_id"])
    assert (found.group_id, found.is_new) == (review(rows)[1]["group_id"], True)


@pytest.mark.parametrize(
    ("one", "other", "verdict"),
    [
        (0, 1, "one group: the names are similar"),
        (3, 4, "one group: the names are spelt alike"),
        (0, 2, "apart: INC and LLC"),
        (1, 3, "apart: score"),
        (0, 5, "is in no group: noise_string"),
        (0, 8, "is in no group: not in the input"),
    ],
)
def test_why_two_records_are_together_or_not(small: Mapping[str, pa.Table], one: int, other: int, verdict: str) -> None:
    found = explain(small, account_id(one), account_id(other), BALANCED)
    assert verdict in found.verdict
    assert found.together == verdict.startswith("one")


def test_what_is_no_account_id_is_in_no_group(small: Mapping[str, pa.Table]) -> None:
    assert "is in no group: not in the input" in explain(small, "Ä" * 15, account_id(0), BALANCED).verdict


def test_an_explanation_holds_every_part_of_the_score(small: Mapping[str, pa.Table]) -> None:
    found = explain(small, account_id(0), account_id(1), BALANCED).as_dict()
    assert found["shared_keys"] == ["rare_word", "word_pair", "prefix"]
    assert (found["edge"]["score"], found["edge"]["base_score"], found["edge"]["suffix_match"]) == (98, 100, False)


EDGES = [("a", "b", 95), ("b", "c", 95), ("a", "c", 90), ("d", "e", 91), ("c", "d", 80)]


@pytest.mark.parametrize(
    ("threshold", "policy", "expected"),
    [
        (95, "single", Clusters([["a", "b", "c"]], ["d", "e", "f"])),
        (95, "complete", Clusters([["a", "b"]], ["c", "d", "e", "f"])),
        (90, "complete", Clusters([["a", "b", "c"], ["d", "e"]], ["f"])),
        (80, "single", Clusters([["a", "b", "c", "d", "e"]], ["f"])),
        (96, "single", Clusters([], ["a", "b", "c", "d", "e", "f"])),
    ],
)
def test_clusters_at_any_threshold(threshold: float, policy: str, expected: Clusters) -> None:
    assert clusters("fedcba", EDGES, threshold, policy) == expected  # type: ignore[arg-type]  # one of the two


def test_clusters_of_a_run_are_of_records_by_scores_alone() -> None:
    names = ("Zentrix Foods Inc", "Zentrix Food LLC", "Zentrix Foods", "Kamoto Steel", "Kamoto Steel", "Lorvane")
    made = run(named(*names, "employees", "employees"), keep=KEPT)

    def found(threshold: float, policy: Policy) -> list[tuple[int | None, str]]:
        return [(one.cluster, one.account_name) for one in similar(made, threshold, policy)]

    foods, steel = [(1, name) for name in names[:3]], [(2, "Kamoto Steel")] * 2
    alone = [(None, "Lorvane"), (None, "employees"), (None, "employees")]
    assert found(90, "single") == [*foods, *steel, *alone]
    assert found(100, "complete")[:2] == [(1, "Kamoto Steel")] * 2
    assert len({one.group_id for one in similar(made, 90, "single")[:3]}) > 1


def test_quality_of_groups_and_of_pairs() -> None:
    found, truth = [1, 1, 1, 2, 2, 3], [1, 1, 2, 2, 2, 3]
    assert pairwise(found, truth) == Quality(2 / 4, 2 / 4)
    cubed = b_cubed(found, truth)
    assert cubed.precision == pytest.approx((2 / 3 + 2 / 3 + 1 / 3 + 1 + 1 + 1) / 6)
    assert cubed.recall == pytest.approx((1 + 1 + 1 / 3 + 2 / 3 + 2 / 3 + 1) / 6)
    assert of_pairs([("b", "a"), ("c", "d")], [("a", "b"), ("a", "c")]) == Quality(0.5, 0.5)
    assert completeness([("b", "a")], [("a", "b"), ("a", "c")]) == 0.5
    assert pairwise([1, 2], [1, 2]).f1 == 1


def test_labelled_records_and_pairs_are_judged() -> None:
    texts = ["zentrix foods", "zentrxi foods", "lorvane realty", "lorvane realty", "zentrix foods"]
    truth = {frozenset((0, 1)), frozenset((2, 3)), frozenset((0, 4)), frozenset((1, 4))}
    rules = Rules.of("general")
    assert judge_records(texts, truth, rules).best == Quality(1, 1)
    assert judge_records(texts, truth, rules, one_to_one=True).best == Quality(1, 0.5)
    assert judge_records(texts, truth, rules, ["a", "b", "a", "b", "b"]).best == Quality(1, 0.75)
    report = judge_pairs(["Zentrix Foods", "Zentrix"], ["Zentrix Foods Inc", "Lorvane"], [True, False], Rules())
    assert (report.threshold, report.best, report.at_medium) == (98, Quality(1, 1), Quality(1, 1))


def test_quality_at_thresholds() -> None:
    scores, matches = [95, 90, 85, 80], [True, True, False, True]
    assert sweep(scores, matches, [90, 80]) == [(90, Quality(1, 2 / 3)), (80, Quality(3 / 4, 1))]
    assert best_threshold(scores, matches) == (80, Quality(3 / 4, 1))
    assert best_threshold(scores, matches, missed=7) == (80, Quality(3 / 4, 3 / 10))
