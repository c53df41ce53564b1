"""What the tool that came before did wrong, one test a defect, by the number it has in the specification."""

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pytest

from services.deduplication.names.name import NameReader
from services.deduplication.rules import Rules
from services.deduplication.steps.disposition import DETAILS
from services.deduplication.steps.grouping import CANOPY, Groups
from services.deduplication.steps.statistics import group_stats
from tests.companies import account_id
from tests.unit.deduplication.runs import BALANCED, STRICT, groups, named, review, run, together

APART = Rules.model_validate({"suffix_constraint": False, "scoring": {"suffix_penalty": 2}})
"""Rules by which legal forms may mix, so that somebody has to look."""


def dispositions(names: Sequence[str], **given: Any) -> list[str]:
    return [f"{row['disposition']}: {row['disposition_reason']}" for row in review(named(*names), **given)]


def test_defect_01_exact_duplicates_do_not_vanish() -> None:
    rows = review(named("Zentrix Foods", "Zentrix Foods", "Zentrix  Foods", "Lorvane Realty"))
    assert [row["group_size"] for row in rows] == [3, 3, 3, 1]
    assert [row["exact_representative"] for row in rows] == [*[rows[0]["account_id"]] * 3, None]
    assert [row["group_join_reason"] for row in rows] == ["primary", "exact_equal", "exact_equal", "singleton"]


def test_defect_02_a_name_meets_itself_with_a_legal_form() -> None:
    assert together("Zentrix", "Zentrix Inc")
    assert not together("Zentrix Inc", "Zentrix LLC")


def test_defect_02_mixed_legal_forms_of_a_group_are_seen() -> None:
    found = dispositions(["Zentrix Foods Inc", "Zentrix Foods LLC", "Lorvane", "Lorvane Inc"], rules=APART)
    assert found == [*["Verify: suffix_mismatch"] * 2, "Keep: primary_record", "Update: duplicate_record"]


def test_defect_03_aliases_are_matched_before_dispositions() -> None:
    found = dispositions(["Zentrix Foods (Lorvane Realty)", "Lorvane Realty", "Other (Zentrix Foods; Zentrix Foods)"])
    assert found[0] == "Verify: alias_matches_1_groups_via_parentheses"
    assert found[1] == "Keep: clean_singleton"


@pytest.mark.parametrize(
    ("name", "verdict"),
    [
        ("HP", "Delete: blacklisted_name"),
        ("Zentrix " * 15, "Delete: blacklisted_name"),
        ("A....?!....!!..?? B", "Delete: blacklisted_name"),
        ("The And Of In", "Delete: blacklisted_name"),
        ("Zentrix Do Not Use", "Delete: blacklisted_name"),
        ("1099 Design", "Keep: clean_singleton"),
        ("None Such Records", "Verify: suspicious_singleton"),
        ("Badword Holdings", "Delete: blacklisted_name"),
        ("Example Foods", "Verify: suspicious_singleton"),
    ],
)
def test_defect_04_all_checks_decide(name: str, verdict: str) -> None:
    assert dispositions([name, "Lorvane Realty"], blacklist=["badword"])[0] == verdict


def test_defect_04_no_later_rule_overwrites_a_reason() -> None:
    assert dispositions(["Zentrix Do Not Use"] * 2) == ["Delete: blacklisted_name"] * 2


def test_defect_05_overrides_belong_to_accounts_not_to_rows() -> None:
    rows = named("Zentrix Foods", "Lorvane Realty", "Kamoto Steel")
    override = {"account_id": account_id(1), "reason": "", "timestamp": "2024-02-01"}
    decided = [override | {"override": "Delete"}, override | {"override": "Keep", "timestamp": "2024-01-01"}]
    for order in (rows, rows[::-1]):
        found = {row["Account Name"]: row["disposition_reason"] for row in review(order, overrides=decided)}
        assert found == {
            "Zentrix Foods": "clean_singleton",
            "Lorvane Realty": "manual_override:Delete",
            "Kamoto Steel": "clean_singleton",
        }


def test_defect_06_a_group_is_counted_as_a_whole_after_it_merged() -> None:
    chain = ["Zentrixale", "Zentrixal", "Zentrixa", "Zentrix"]
    assert {row["group_size"] for row in review(named(*chain))} == {4}


def test_defect_06_the_canopy_looks_at_both_sides() -> None:
    eight = [(n, n + 1, 95, 1) for n in range(7)]
    for edge in ((7, 8, 90, 1), (8, 0, 90, 1)):
        found = Groups(["NONE"] * 9, [frozenset()] * 9, BALANCED)
        found.join(*zip(*[*eight, edge], strict=True))
        assert (found.refused[CANOPY], found.roots()) == (1, [0] * 8 + [8])


def test_defect_06_the_best_score_of_a_group_is_that_of_its_best_pair() -> None:
    assert run(named("Zentrix Foods", "Zentrix Foods", "Zentrx Foods"))["group_stats"]["max_score"].to_pylist() == [100]


def test_defect_06_the_primary_is_not_the_smaller_id() -> None:
    rows = review(named("Zentrix Foods", "Zentrx Foods", relationship=["", "Company Name on W-2"]))
    assert [row["is_primary"] for row in rows] == [False, True]


def test_defect_07_dotted_legal_forms_and_accents_are_read() -> None:
    reader = NameReader(BALANCED.names)
    assert [reader.read(name).suffix_class for name in ("Acme L.L.C.", "Acme, P.C.", "Acme L L C", "Acme S.A.")] == [
        *("LLC", "PC", "LLC", "SA")
    ]
    assert reader.read("Café Müller").core == "cafe muller"


def test_defect_07_punctuation_counts_where_it_is_said_to() -> None:
    keep = run(named("Zentrix-Foods", "Zentrix Foods"), STRICT, keep=["edges"])
    assert keep["edges"]["punctuation_mismatch"].to_pylist() == [True]
    assert keep["edges"]["score"].to_pylist() == [97]


@pytest.mark.parametrize(
    "names",
    [
        ("The Zentrix Foods", "Zentrix Foods"),
        ("Zentrix Silver Foods", "Silver Zentrix Foods"),
        ("Zentrix Silver Foods", "Zentrxi Silver Foods"),
        ("Zentrix Silver Foods", "Zentrixsilver Foods"),
    ],
)
def test_defect_08_the_first_word_is_not_the_only_key(names: Sequence[str]) -> None:
    assert together(*names)


def test_defect_08_a_cap_keeps_the_most_similar_whatever_the_order() -> None:
    rules = STRICT.model_copy(
        update={"blocking": STRICT.blocking.model_copy(update={"block_cap": 2, "banned_candidates": 1})}
    )
    names = ["The Zentrix Foods", "The Zentrix Market Restaurant Group", "The Zentrix Food"]
    expected = [{names[0], names[2]}, {names[1]}]
    assert groups(*names, rules=rules) == expected
    assert groups(names[0], names[2], names[1], rules=rules) == expected


def test_defect_09_a_typing_error_in_a_short_name_does_not_part_it() -> None:
    assert together("Zentrix", "Zentrxi")
    assert together("Zentrix Foods", "Zentrixx Foods")


@pytest.mark.parametrize(
    "name", ["Banana Na Foods", "Nonesuch Records", "Route 1099 Diner", "NA Roofing", "Contest Media"]
)
def test_defect_10_real_names_are_not_deleted(name: str) -> None:
    assert dispositions([name]) == ["Keep: clean_singleton"]


@pytest.mark.parametrize(
    ("name", "several"),
    [
        ("Smith & Jones & Brown", False),
        ("Smith and Jones & Brown and Sons", False),
        ("Zentrix: Foods for All", False),
        ("Zentrix Inc: Lorvane LLC", True),
        ("Zentrix; Lorvane", True),
        ("(1) Zentrix (2) Lorvane", True),
        ("1. Zentrix", True),
    ],
)
def test_defect_11_partners_are_one_firm(name: str, several: bool) -> None:
    assert NameReader(BALANCED.names).read(name).has_multiple_names is several


def test_defect_12_brands_are_suggested_by_their_true_rate_of_singletons() -> None:
    trades = ["Foods", "Steel", "Realty", "Plumbing", "Roofing", "Dental", "Bakery", "Logistics", "Media", "Fitness"]
    alone = [f"Zentrix {trade}" for trade in trades]
    brands = _brands([*alone, "Lorvane Realty"])
    assert brands == {"zentrix": (10, 1.0)}
    assert _brands([*alone, *alone[:5]]) == {}


def _brands(names: Sequence[str]) -> dict[str, tuple[int, float]]:
    meta = json.loads(run(named(*names))["review_meta"]["json"][0].as_py())
    return {brand["token"]: (brand["count"], brand["singleton_rate"]) for brand in meta["brands"]}


def test_defect_13_statistics_are_of_the_data_and_not_of_its_counts() -> None:
    one, other = (run(named(*names))["group_stats"] for names in (["Zentrix", "Lorvane"], ["Kamoto", "Bristane"]))
    assert one.num_rows == other.num_rows
    assert one["primary_name"].to_pylist() != other["primary_name"].to_pylist()


def test_defect_14_statistics_need_no_loop_over_groups() -> None:
    row = dict.fromkeys(DETAILS) | {"group_size": 1, "max_score": 0.0, "is_primary": True, "disposition": "Keep"}
    details = pa.Table.from_pylist([row | {"group_id": f"{n:05}", "account_name": "x"} for n in range(3, 0, -1)])
    assert group_stats(details)["group_id"].to_pylist() == ["00001", "00002", "00003"]


def test_defect_15_nothing_of_a_run_depends_on_when_it_is_made() -> None:
    rows = named("Zentrix Foods", "Zentrix Food", "Lorvane")
    first, second = run(rows), run(rows)
    assert all(first[name].equals(second[name]) for name in first)


def test_defect_16_text_dates_break_ties() -> None:
    dates = ["03/04/2021", "2021-02-28", "44000"]
    rows = review(named("Zentrix Foods", "Zentrix Foods", "Zentrix Foods", created_date=dates))
    assert Counter(str(row["created_date"]) for row in rows) == Counter(["2021-03-04", "2021-02-28", "2020-06-18"])
    assert [row["is_primary"] for row in rows] == [False, False, True]
    assert rows[2]["survivorship_reason"] == "first_by_created_date"


def test_defect_16_the_order_of_text_dates_is_that_of_their_column() -> None:
    dates = ["01/12/2023", "15/03/2023", "Jan 5 2024"]
    made = run(named("Zentrix Foods", "Zentrix Foods", "Zentrix Foods", created_date=dates), slice_rows=1)
    rows = made["review_ready"].to_pylist()
    assert [str(row["created_date"]) for row in rows] == ["2023-12-01", "2023-03-15", "None"]
    assert [row["is_primary"] for row in rows] == [False, True, False]
    assert json.loads(made["review_meta"]["json"][0].as_py())["dates"] == {
        "order": "day first",
        "flaws": {"unparsable_date": {"records": 1, "examples": ["Jan 5 2024"]}},
    }
