"""What holds for every run: all rows are accounted for, and into how many parts it is divided changes nothing."""

import json
import random
from collections import Counter
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from services.deduplication.evaluation import measures as evaluation
from services.deduplication.inputs.account_ids import extended
from services.deduplication.names.name import NO_SUFFIX
from services.deduplication.plan import GIVEN, PLAN
from services.deduplication.rules import Profile, Rules
from services.deduplication.runs.in_process import RESULTS
from services.deduplication.runs.summary import notices
from services.deduplication.work import Parts, Reads
from shared.errors import UsageError
from tests.companies import COMPANY, Row, account_id
from tests.unit.deduplication.runs import Cells, named, review, run


def test_a_step_reads_only_what_is_given_or_was_made_before() -> None:
    made, parts = set(GIVEN), dict.fromkeys(GIVEN, Parts.PER_INPUT)
    for step in PLAN:
        assert step.reads.keys() <= made
        assert all(parts[name] is step.parts for name, how in step.reads.items() if how is Reads.SAME)
        made |= set(step.makes)
        parts |= dict.fromkeys(step.makes, step.parts)
    assert set(RESULTS) <= made


def test_every_row_is_in_a_group_or_in_the_audit(finished: Mapping[str, pa.Table], export: list[Cells]) -> None:
    reviewed, audit = finished["review_ready"]["row"].to_pylist(), finished["audit"]["row"].to_pylist()
    assert sorted(reviewed + audit) == list(range(len(export)))
    assert Counter(finished["audit"]["reason"].to_pylist()).keys() == {
        *("repeated_account_id", "invalid_account_id", "noise_string", "empty_name_core")
    }
    figures = json.loads(finished["perf_summary"]["json"][0].as_py())
    assert figures["rows_in"] == len(export) == figures["rows_out"] + figures["rows_audited"]
    assert sum(figures["group_sizes"].values()) == figures["groups"] == finished["group_stats"].num_rows
    assert sum(json.loads(finished["review_meta"]["json"][0].as_py())["dispositions"].values()) == figures["rows_out"]


def test_the_meta_data_of_a_run_say_by_what_it_was_made() -> None:
    names = ("Zentrix Foods (Lorvane Realty)", "Lorvane Realty", "Badword Holdings", "test")
    known = [account_id(1)[:15], account_id(3), account_id(9)]
    overrides = [{"account_id": one, "override": "Keep", "reason": "", "timestamp": "2024-02-01"} for one in known]
    made = run(named(*names), overrides=overrides, blacklist=["badword"])
    meta = json.loads(made["review_meta"]["json"][0].as_py())
    assert meta["version"] == version("sluice")
    assert meta["thresholds"] == {"high": 92, "medium": 86, "canopy": 8, "alias_score": 92, "gate": 76}
    assert (meta["blacklist"]["of_people"], meta["blacklist"]["records"]) == (1, 1)
    nowhere = extended(pa.array([account_id(3), account_id(9)])).to_pylist()  # one is noise, one is not there
    assert meta["overrides"] == {"accounts": 3, "applied": 1, "unmatched": nowhere}
    assert meta["aliases"] == {"found": {"parentheses": 1}, "matches": {"parentheses": 1}}
    assert [notice.partition(": ")[2] for notice in notices(meta)] == [", ".join(nowhere)]
    assert notices({}) == []
    as_kept = Rules.model_validate_json(Rules().model_dump_json())
    again = run(named(*names), as_kept, overrides=overrides, blacklist=["badword"])
    assert again["review_meta"].equals(made["review_meta"])


@pytest.mark.parametrize("profile", ["balanced", "strict"])
@pytest.mark.parametrize(("shards", "slice_rows"), [(2, 1_700), (8, 400)])
def test_results_are_the_same_in_any_number_of_parts(
    request: pytest.FixtureRequest, export: list[Cells], profile: Profile, shards: int, slice_rows: int
) -> None:
    whole = request.getfixturevalue("finished" if profile == "balanced" else "strict")
    divided = run(export, Rules.of(profile), shards=shards, slice_rows=slice_rows)
    for name in RESULTS:
        assert divided[name].combine_chunks().equals(whole[name].combine_chunks()), name


@pytest.mark.parametrize("profile", ["balanced", "strict"])
def test_parts_may_have_nothing_to_do(profile: Profile) -> None:
    rows = named("Zentrix Foods", "test", "Zentrix Food", "Lorvane (Zentrix Foods)")
    whole, divided = run(rows, Rules.of(profile)), run(rows, Rules.of(profile), shards=8, slice_rows=1)
    assert all(divided[name].combine_chunks().equals(whole[name].combine_chunks()) for name in RESULTS)


@pytest.mark.parametrize("threads", [1, 8])
def test_results_are_the_same_with_any_number_of_threads(
    finished: Mapping[str, pa.Table], export: list[Cells], threads: int
) -> None:
    before = pa.cpu_count()
    pa.set_cpu_count(threads)
    try:
        again = run(export)
    finally:
        pa.set_cpu_count(before)
    assert all(again[name].equals(finished[name]) for name in RESULTS)


def test_groups_do_not_depend_on_the_order_of_rows(export: list[Cells], reviewed: list[dict[str, Any]]) -> None:
    ids = Counter(row["Account ID"] for row in export)
    once = [row for row in export if ids[row["Account ID"]] == 1]
    shuffled = random.Random(5).sample(once, len(once))
    ours, theirs = ({row["account_id"]: row["group_id"] for row in review(rows)} for rows in (once, shuffled))
    assert ours == theirs


def test_groups_hold_one_legal_form_and_one_primary(reviewed: list[dict[str, Any]]) -> None:
    forms: dict[str, set[str]] = {}
    primaries: Counter[str] = Counter()
    for row in reviewed:
        forms.setdefault(row["group_id"], set()).add(row["suffix_class"])
        primaries[row["group_id"]] += row["is_primary"]
    assert max(len(found - {NO_SUFFIX}) for found in forms.values()) == 1
    assert set(primaries.values()) == {1}
    assert Counter(row["group_id"] for row in reviewed) == {row["group_id"]: row["group_size"] for row in reviewed}


def test_each_member_says_why_it_is_one(reviewed: list[dict[str, Any]]) -> None:
    for row in reviewed:
        assert (row["group_join_reason"] == "singleton") == (row["group_size"] == 1)
        assert (row["join_path"] is not None) == row["group_join_reason"].startswith("edge")
        if row["join_path"]:
            *steps, primary = json.loads(row["join_path"])
            assert steps[0][0] is not None
            assert row["weakest_edge_to_primary"] == min(score for _, score in steps)
            assert len(primary) == 1


def test_previews_are_with_primaries_and_name_every_conflict() -> None:
    dates = ["2024-01-01", "2024-01-02", "2024-01-01", "2024-01-01"]
    rows = named("Zentrix Foods", "Zentrix Foods Inc", "Lorvane", "Lorvane", created_date=dates)
    previews = [row["merge_preview_json"] for row in review(rows)]
    assert previews[1:] == [None] * 3
    preview = json.loads(previews[0])
    assert preview["fields"]["account_name"] == {
        "primary": "Zentrix Foods",
        "alternatives": ["Zentrix Foods Inc"],
        "has_conflict": True,
    }
    assert [name for name, field in preview["fields"].items() if field["has_conflict"]] == [
        "account_name",
        "created_date",
    ]
    assert [other["edge"] for other in preview["others"]] == [98]


def test_groups_are_near_the_truth(companies: list[Row], reviewed: list[dict[str, Any]]) -> None:
    pairs = [
        (row["group_id"], companies[row["row"]].company) for row in reviewed if companies[row["row"]].kind == COMPANY
    ]
    found, truth = zip(*pairs, strict=True)
    assert evaluation.pairwise(found, truth).f1 > 0.95
    assert evaluation.b_cubed(found, truth).f1 > 0.97


def test_columns_of_the_input_stay_as_they_came(reviewed: list[dict[str, Any]], export: list[Cells]) -> None:
    for row in reviewed[:100]:
        assert {name: row[name] or "" for name in export[0]} == export[row["row"]]


def test_a_review_table_can_be_put_in_again() -> None:
    rows = [row | {"disposition": "Keep"} for row in named("Zentrix", "Zentrxi")]
    assert [(row["disposition (input)"], row["disposition"]) for row in review(rows)] == [
        ("Keep", "Keep"),
        ("Keep", "Update"),
    ]


def test_a_run_of_which_nothing_is_left_fails() -> None:
    with pytest.raises(UsageError, match="no row is left"):
        run(named("test", "n/a"))


def test_max_score_is_that_of_the_best_pair(finished: Mapping[str, pa.Table]) -> None:
    roots, edges = np.asarray(finished["grouping"]["root"]), finished["edges"].to_pylist()
    best: dict[int, int] = {}
    for edge in edges:
        if roots[edge["a"]] == roots[edge["b"]]:
            best[roots[edge["a"]]] = max(best.get(roots[edge["a"]], 0), edge["score"])
    named = [row for row in finished["survivors"].to_pylist() if not row["placeholder"]]
    found, names = {row["name"]: row for row in named}, Counter(row["name"] for row in named)
    for name, row in found.items():
        if names[name] == row["group_size"]:
            assert row["max_score"] == (100 if names[name] > 1 else 0)
        else:
            assert row["max_score"] in (100, best[roots[name]])


def test_rules_have_a_digest_of_all_they_say() -> None:
    digests = {Rules.of(profile).digest() for profile in ("balanced", "strict", "general")}
    assert len(digests | {Rules(high=93).digest()}) == 4
    for rules in (Rules(), Rules.of("general", linking=True)):
        assert Rules.model_validate_json(rules.model_dump_json()) == rules


def test_columns_of_the_input_are_told_apart_from_ours_and_from_each_other() -> None:
    rows = [row | {"group_id": "mine", "group_id (input)": "also mine"} for row in named("Zentrix", "Lorvane")]
    for row in review(rows):
        assert (row["group_id (input)"], row["group_id (input) (2)"]) == ("mine", "also mine")
