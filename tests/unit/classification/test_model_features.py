"""Text to tokens, and facts to features."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.classification.model.dataset import LABELLED, SUPPLEMENT, facts_of_record, read_labelled
from services.classification.model.features import Facts, extract, word_features
from services.classification.model.group_weights import GROUP_WEIGHTS
from services.classification.model.reading import concepts_of, read
from services.classification.model.text import MONEY, phrase, tokens, unit_tokens


def test_a_phrase_is_cut_at_punctuation_and_brackets_are_kept_apart() -> None:
    found = phrase("Current account: Goods, exports - total (BoP, current US$)")
    assert found.segments == (("current", "account"), ("goods",), ("exports",), ("total",))
    assert found.brackets == ("bop", "current", "us", MONEY)


@pytest.mark.parametrize(
    "text", ["Exports, Kenya", "South Africa Exports", "Exports in the United States", "Exports: Hong Kong"]
)
def test_places_are_dropped(text: str) -> None:
    words = [word for segment in phrase(text).segments for word in segment]
    assert [word for word in words if word != "in"] == ["exports"]


def test_numbers_are_folded() -> None:
    assert tokens("2010 = 100, 15-24 years, 1,000 people") == [
        "<year>",
        "<n3>",
        "<n2>",
        "<n2>",
        "years",
        "<n4>",
        "people",
    ]


@pytest.mark.parametrize(
    "unit", ["USD Million", "AWG Million", "US$ Million", "€ Million", "Dollars Million", "LCU Million", "ALL Million"]
)
def test_every_currency_reads_alike_in_a_unit(unit: str) -> None:
    assert unit_tokens(unit) == [MONEY, "million"]


def test_own_currency_is_a_currency() -> None:
    assert unit_tokens("National currency") == [MONEY]
    assert unit_tokens("current LCU") == ["current", MONEY]


def test_words_that_spell_a_currency_code_stay_words() -> None:
    assert tokens("All items, top 10") == ["all", "items", "top", "<n2>"]


@pytest.mark.parametrize(
    ("name", "pattern", "kind", "news"),
    [
        ("Balance of Trade", "currency-code", "named balance", "net"),
        ("Net primary income", "currency-code", "net amount", "net"),
        ("Loans to total assets", "percent", "one to other", "neutral"),
        ("Consumer price index", "index", "index", "price or interest"),
        ("Exports YoY", "empty", "change", "good"),
        ("Households without internet", "percent-of", "part of people", "good denied"),
        ("Crude oil stocks change", "empty", "stock change", "neutral"),
    ],
)
def test_first_reading(name: str, pattern: str, kind: str, news: str) -> None:
    words = tuple(word for segment in phrase(name).segments for word in segment)
    assert read(words, (), phrase(name).segments[0][-1], concepts_of(words), pattern) == (kind, news)


def test_concepts_come_from_words_and_from_pairs() -> None:
    assert "goods" in concepts_of(["motorcycles"])
    assert "net" in concepts_of(["trade", "balance"])
    assert concepts_of([]) == set()


def test_word_features_are_the_word_its_parts_and_its_letters() -> None:
    assert word_features("gdp") == ("n:gdp",)
    assert " ".join(word_features("debt")) == "n:debt c:<de c:deb c:ebt c:bt> c:<deb c:debt c:ebt> c:<debt c:debt>"
    assert {"n:long-term", "n:long", "n:term"} <= set(word_features("long-term"))


def test_golden_features() -> None:
    facts = Facts(
        name="Balance of Trade", units="AWG Million", unit_type="currency-amount", pattern="currency-code",
        periodicity="Monthly", is_currency=True,
    )  # fmt: skip
    found = extract(facts)
    assert found.words == ("balance", "of", "trade")
    assert found.others == {
        "ut:money", "up:currency-amount", "um:currency-code", "uw:<cur> million", "u:<cur>", "u:million",
        "u2:^ <cur>", "u2:<cur> million",
        "p:monthly", "n2:^ balance", "n2:balance of", "n2:of trade", "n2:trade $", "n3:^ ^ balance",
        "n3:^ balance of", "n3:balance of trade", "n3:of trade $", "sc:1", "z:trade", "s0:balance of trade",
        "h:balance", "hf:balance", "hl:trade", "hy:currency-code|balance", "ly:currency-code|trade",
        "y:currency-code|balance", "y:currency-code|of", "y:currency-code|trade",
        "k:flow", "k:net", "k:neutralish", "ky:currency-code|flow", "ky:currency-code|net",
        "ky:currency-code|neutralish", "kk:flow&net", "kk:flow&neutralish", "kk:net&neutralish", "kh:net",
        "kyh:currency-code|net", "kl:flow", "o:flat2", "oo:flat", "oh:flat", "ol:flat",
        "rk:named balance", "rn:net", "rku:named balance|currency-code", "rkn:named balance|net",
        "rkw:named balance|balance", "rkw:named balance|of", "rkw:named balance|trade", "rnw:net|balance",
        "rnw:net|of", "rnw:net|trade", "rnk:net|flow", "rnk:net|net", "rnk:net|neutralish",
        "vs:+", "vf:+", "vl:+", "vy:currency-code|+", "v:balance", "v:activity", "vt:currency-code|balance",
        "vt:currency-code|activity", "vv:balance&activity", "vh:balance",
    }  # fmt: skip


def test_currency_and_own_country_leave_no_trace() -> None:
    plain = facts_of_record({"name": "Exports", "units": "USD Million"})
    there = facts_of_record(
        {"name": "Exports", "units": "TRY Million", "long_name": "Isle of Man Exports", "country": "Isle of Man"}
    )
    assert extract(plain) == extract(there)


def test_the_identifier_is_no_feature() -> None:
    one = facts_of_record({"indicator_id": "A", "name": "GDP", "units": "USD"})
    assert one == facts_of_record({"indicator_id": "B", "name": "GDP", "units": "USD"})


def test_every_group_of_features_has_a_weight_and_every_weight_a_group() -> None:
    seen = {"c", "n"}
    for row in [*read_labelled(LABELLED), *read_labelled(SUPPLEMENT)[:200]]:
        seen |= {feature.partition(":")[0] for feature in extract(facts_of_record(row.record)).others}
    assert seen == set(GROUP_WEIGHTS)


@given(name=st.text(max_size=400), units=st.text(max_size=60), description=st.text(max_size=300))
def test_any_text_has_features(name: str, units: str, description: str) -> None:
    found = extract(facts_of_record({"name": name, "units": units, "description": description}))
    assert all(feature.partition(":")[1] for feature in found.others)
    assert len(found.others) < 2_000
