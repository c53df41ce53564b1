"""Scores: the formula of the tool that came before to the point, and the scores of the new one."""

import re
from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz import fuzz
from rapidfuzz.distance import OSA

from services.deduplication.names.compare import compare_all, compare_pairs
from services.deduplication.names.name import NameReader
from services.deduplication.names.typos import neighbours
from services.deduplication.rules import Rules
from tests.unit.deduplication.runs import BALANCED, REPEATABLY, STRICT, together

WORDS = st.lists(
    st.sampled_from(["zentrix", "foods", "food", "the", "of", "20", "21", "inc", "silver", "llc"]),
    min_size=1,
    max_size=5,
)


def formula(one: Mapping[str, str], other: Mapping[str, str]) -> int:
    """The score as the specification gives it, word for word."""
    weak = set(STRICT.names.weak_tokens)
    ours, theirs = ({word for word in name["form"].split() if word not in weak} for name in (one, other))
    jaccard = len(ours & theirs) / len(ours | theirs) if ours | theirs else 0
    sort, whole = (scorer(one["form"], other["form"]) for scorer in (fuzz.token_sort_ratio, fuzz.token_set_ratio))
    penalties = 25 * (one["suffix_class"] != other["suffix_class"])
    penalties += 5 * (sorted(re.findall(r"\d+", one["form"])) != sorted(re.findall(r"\d+", other["form"])))
    penalties += 3 * (one["marks"] != other["marks"])
    return min(100, max(0, round(0.45 * sort + 0.35 * whole + 20 * jaccard - penalties)))


def test_scores_of_profile_strict_are_those_of_the_formula(strict: Mapping[str, pa.Table]) -> None:
    names, edges = strict["names"].to_pylist(), strict["edges"].to_pylist()
    assert len(edges) > 200
    for edge in edges:
        one, other = names[edge["a"]], names[edge["b"]]
        assert edge["score"] == formula(one, other) >= STRICT.medium
        assert fuzz.token_set_ratio(one["name_core"], other["name_core"]) >= STRICT.scoring.gate


@REPEATABLY
@given(WORDS, WORDS)
def test_any_two_names_have_the_score_of_the_formula(ours: list[str], theirs: list[str]) -> None:
    names = [" ".join(ours), " ".join(theirs)]
    edge = compare_pairs(names[:1], names[1:], STRICT).to_pylist()[0]
    parts = [{"form": form, "suffix_class": c, "marks": ""} for form, c in map(_read, names)]
    assert edge["score"] == formula(*parts)


def _read(name: str) -> tuple[str, str]:
    reading = NameReader(STRICT.names).read(name)
    return reading.form, reading.suffix_class


@pytest.mark.parametrize(
    ("one", "other", "score"),
    [
        ("Zentrix Foods Inc", "Zentrix Foods", 98),
        ("Zentrix Foods", "Foods Zentrix", 100),
        ("Zentrix Foods 12", "Zentrix Foods 13", 46),
        ("International Business Machines", "IBM Corporation", 80),
        ("Procter & Gamble", "P&G", 80),
    ],
)
def test_scores_of_balanced_rules(one: str, other: str, score: int) -> None:
    assert compare_pairs([one], [other], BALANCED)["score"].to_pylist() == [score]


def test_words_that_only_one_name_has_cost_less_where_rules_say_so() -> None:
    whole, part = ["Zentrix Silver Foods"], ["Zentrix Foods"]
    (balanced,), (screening,) = (
        compare_pairs(whole, part, Rules.of(profile))["score"].to_pylist() for profile in ("balanced", "screening")
    )
    assert balanced < Rules().medium <= screening


@pytest.mark.parametrize(
    ("one", "other", "least", "most"),
    [
        ("zentrix silver foods", "zentrxi silver foods", 0.9, 0.99),  # two letters exchanged
        ("zentrix silver foods", "zentrixsilver foods", 0.99, 1),  # two words run together
        ("northwestern foods", "nortwestern foods", 0.9, 0.99),
        ("zentrix silver foods", "zentrix golden foods", 0.2, 0.8),
        ("abc foods", "abd foods", 0.1, 0.6),  # short words are another, not misspelt
        ("zentrix 1234 foods", "zentrix 1235 foods", 0.1, 0.7),  # numbers are never misspelt
    ],
)
def test_words_that_are_nearly_the_same(one: str, other: str, least: float, most: float) -> None:
    (jaccard,) = compare_pairs([one], [other], BALANCED)["jaccard"].to_pylist()
    assert least <= jaccard <= most


def test_two_words_of_many_names_are_no_misspellings_of_each_other() -> None:
    names = [f"{surname} {trade}" for surname in ("Hall", "Hill") for trade in ("foods", "toys", "books", "pizza")]
    known = [*names, "Hall Plumbing", "Hill Plumbing", "Hall Farms", "Hill Farms"]
    found = {(row["a"], row["b"]): row["score"] for row in compare_all([*known, "Hall Fqrms"], BALANCED).to_pylist()}
    assert found[10, 11] < BALANCED.medium <= found[10, 12]
    assert compare_pairs(["Hall Farms"], ["Hill Farms"], BALANCED)["score"].to_pylist()[0] >= BALANCED.medium


def test_the_order_of_words_that_most_records_have_is_compared() -> None:
    assert together(*["Thomas Plumbing Group"] * 2, "Group Thomas Plumbing", "THOMASPLUMBING GROUP")
    assert together("Burns Auto Glass", "Burnsauto Glass")
    assert together("1-800 Got Junk", "1800 Got Junk")
    assert together("Dubois and Lindqvist Foods", "Duboisand Lindqvist Foods")
    assert together("The Drocrorsan Meadow", "Thedrocrorsan Meadow", "Drocrorsan Meadow")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("John Plumbing", "Johnson Plumbing"),  # a stem and a small word make no surname
        ("Williams Construction", "Williamson Construction"),
        ("Martin Foods", "Mart Foods"),
        ("J&B Plumbing", "JC Plumbing"),  # initials have no misspellings
        ("AB Motors", "A C Motors"),
        ("Northern California Builders", "Southern California Builders"),
        ("Northwest Airlines", "Southwest Airlines"),
        ("Interior Design Group", "Exterior Design Group"),
    ],
)
def test_words_that_are_close_and_mean_another(one: str, other: str) -> None:
    assert compare_pairs([one], [other], BALANCED)["score"].to_pylist()[0] < BALANCED.medium


@REPEATABLY
@given(st.lists(st.from_regex(r"[ab]{4,9}", fullmatch=True), min_size=2, max_size=12, unique=True))
def test_words_one_edit_apart_are_all_found(words: list[str]) -> None:
    lower, higher = neighbours(words, np.arange(len(words)), two_edits_length=99)
    found = set(zip(lower.tolist(), higher.tolist(), strict=True))
    assert found == {
        (i, j) for i in range(len(words)) for j in range(i + 1, len(words)) if OSA.distance(words[i], words[j]) == 1
    }


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("palm 837 second avenue new york 10017", "palm 840 second avenue new york 10017", True),
        (
            "palm 837 second avenue new york 10017",
            "palm 840 second avenue new york 10021",
            False,
        ),  # no number in common
        ("palm 837 second avenue new york 10017", "palm second avenue new york", True),
        ("fintime - a benchmark", "fintime - another thing", False),  # of a company both would be branches
        ("fintime - a benchmark", "fintime: a benchmark", True),
        ("mesa grill (atlanta)", "mesa grill (manhattan)", False),
        ("mesa grill #102", "mesa grill #297", False),
    ],
)
def test_texts_of_other_things_than_companies(one: str, other: str, same: bool) -> None:
    rules = Rules.of("general")
    (score,) = compare_pairs([one], [other], rules)["score"].to_pylist()
    assert (score >= rules.medium) == same


def test_much_in_common_makes_up_for_what_differs_and_little_does_not() -> None:
    ours, theirs = (
        [f"adams {street} road", f"adams lindqvist braddon 2612 bowen 19770513 9692668 {street} road"]
        for street in ("martley", "francis")
    )
    rules = Rules.of("general")
    plain = rules.model_copy(update={"scoring": rules.scoring.model_copy(update={"evidence_weight": 0})})
    (short, long), (plain_short, plain_long) = (
        compare_pairs(ours, theirs, each)["score"].to_pylist() for each in (rules, plain)
    )
    assert short < plain_short < plain_long < long


def test_all_pairs_worth_comparing_are_found_and_equal_texts_have_100() -> None:
    texts = ["jane roe 12 high street", "jane row 12 high street", "john doe 7 low road", "jane roe 12 high street"]
    found = {(row["a"], row["b"]): row["score"] for row in compare_all(texts, Rules.of("general")).to_pylist()}
    assert found[0, 3] == 100
    assert found[0, 1] == found[1, 3] >= 70
    assert (0, 2) not in found or found[0, 2] < 50
