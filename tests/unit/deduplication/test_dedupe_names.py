"""How names are read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.deduplication.names.judging import EMPTY, NOISE, NameJudge
from services.deduplication.names.name import Alias, NameReader, singular
from services.deduplication.rules import Rules
from services.deduplication.steps.normalize import name_key
from tests.unit.deduplication.runs import REPEATABLY

RULES = Rules()
READER = NameReader(RULES.names)
WORDS = st.lists(st.from_regex(r"[a-z]{2,9}", fullmatch=True), min_size=1, max_size=5)


def forms(*names: str) -> set[tuple[str, str]]:
    return {(reading.form, reading.suffix_class) for reading in map(READER.read, names)}


@pytest.mark.parametrize(
    "names",
    [
        ("20/20 Plumbing", "20-20 Plumbing", "20 20 PLUMBING"),
        ("Acme & Sons", "Acme and Sons", "The Acme and Sons", "Sons and Acme"),
        ("McDonald's Corp", "McDonalds Corporation", "MCDONALD\u2019S CORP."),
        ("Acme Services", "Acme Svcs", "Acme Service", "acme svc."),
        ("Main St Cafe", "Main Street Cafe"),
        ("Газпром", "Gazprom", "ГАЗПРОМ"),
        ("Café Müller", "Cafe Muller", "CAFÉ MÜLLER"),
        ("A.B.C. Roofing", "ABC Roofing", "a.b.c. roofing"),
        ("J.B. Hunt", "J. B. Hunt", "J.B Hunt", "J.B.Hunt", "JB Hunt"),
        ("Acme U.S.A.", "Acme U.S.A", "Acme USA"),
        ("Acme #123", "Acme Store 7", "Acme Store #8", "Acme", "Acme - Fresno", "_Acme"),
        ("Acme - Los Angeles, CA", "Acme - Store 12", "Acme - Fresno #12", "Acme #12 - Fresno", "Acme"),
        ("Acme dba Bravo", "Acme d/b/a Bravo", "Acme (Bravo Foods)", "Acme DBA: Bravo", "(2) Acme"),
        ("Acme Inc #12", "Acme, Inc.", "Acme Incorporated", "Acme (Delaware) Inc"),
        ("Lee & Griffin", "and Lee Griffin", "The Griffin and Lee"),
    ],
)
def test_ways_to_write_one_name(names: tuple[str, ...]) -> None:
    assert len(forms(*names)) == 1


@pytest.mark.parametrize(
    "names",
    [
        ("Teamsters Local 630", "Teamsters Local 848"),
        ("Teamsters - Local 630", "Teamsters - Local 848", "Teamsters"),
        ("California - Department of Justice", "California - Department of Motor Vehicles", "California"),
        ("The Spot - Hair Salon", "The Spot - Pizza", "The Spot"),
        ("Acme Inc", "Acme LLC", "Acme"),
        ("3 Day Blinds", "4 Day Blinds"),
        ("Valley ENT", "Valley Enterprises"),
        ("Fox News", "Fox New"),
        ("Marie Foods", "Mary Foods"),
        ("バス会社", "ハス会社"),
        ("삼성전자", "LG전자", "Samsung"),
        ("Fund 7 Partners", "Fund 8 Partners"),
        ("AT Family Dentistry", "The Family Dentistry", "A.B. Family Dentistry"),
        ("In Motion Fitness", "Motion Fitness"),
    ],
)
def test_names_that_differ(names: tuple[str, ...]) -> None:
    assert len(forms(*names)) == len(names)


@pytest.mark.parametrize(
    ("name", "core", "suffix_class"),
    [
        ("Acme, L.L.C.", "acme", "LLC"),
        ("Acme L.L.C", "acme", "LLC"),
        ("Acme P.C", "acme", "PC"),
        ("Acme Limited Liability Company", "acme", "LLC"),
        ("Acme Professional Limited Liability Company", "acme", "PLLC"),
        ("Acme Company", "acme", "CO"),
        ("Company", "company", "NONE"),
        ("Acme GmbH", "acme", "GMBH"),
        ("Acme Aktiengesellschaft", "acme", "AG"),
        ("Acme Pty. Ltd.", "acme", "LTD"),
        ("Acme Co., Ltd.", "acme", "LTD"),
        ("Acme GmbH & Co. KG", "acme", "KG"),
        ("Acme A/S", "acme", "A/S"),
        ("Acme Sp. z o.o.", "acme", "SPZOO"),
        ("Acme S.A. de C.V.", "acme", "SA"),
        ("Oakland A's", "oakland as", "NONE"),
        ("Serenity Spa", "serenity spa", "NONE"),
        ("Incline Village", "incline village", "NONE"),
    ],
)
def test_the_longest_legal_form_is_cut_off(name: str, core: str, suffix_class: str) -> None:
    reading = READER.read(name)
    assert (reading.core, reading.suffix_class) == (core, suffix_class)


@pytest.mark.parametrize(
    ("name", "aliases"),
    [
        ("Acme; Bravo Inc", (Alias("Acme", "semicolon"), Alias("Bravo Inc", "semicolon"))),
        ("1. Acme; 2) Bravo", (Alias("Acme", "semicolon"), Alias("Bravo", "semicolon"))),
        ("(1) Acme; (2) Bravo", (Alias("Acme", "semicolon"), Alias("Bravo", "semicolon"))),
        ("Acme (Bravo Foods)", (Alias("Bravo Foods", "parentheses"),)),
        ("Acme (bravo llc)", (Alias("bravo llc", "parentheses"),)),
        ("Acme (bravo)", ()),
        ("Acme (Paystub)", ()),
        ("Acme (New York)", ()),
        ("Acme (2024)", ()),
        ("Acme dba Bravo Foods", (Alias("Bravo Foods", "dba"),)),
    ],
)
def test_aliases_and_where_they_are_from(name: str, aliases: tuple[Alias, ...]) -> None:
    assert READER.read(name).aliases == aliases


@REPEATABLY
@given(WORDS)
def test_case_and_blanks_say_nothing(words: list[str]) -> None:
    one, other = READER.read(" ".join(words)), READER.read(f"  {'  '.join(words).upper()} ")
    assert other == one


@REPEATABLY
@given(st.text(max_size=60))
def test_every_text_can_be_read_and_reading_a_core_again_changes_nothing(text: str) -> None:
    reading = READER.read(text)
    assert reading.form.split() == sorted(reading.form.split())
    assert READER.read(reading.base).base == reading.base
    assert name_key(reading).count("\x1f") == 2


@REPEATABLY
@given(st.from_regex(r"[a-z]{4,12}", fullmatch=True))
def test_plurals_meet_their_singular(word: str) -> None:
    if word[-1] not in "sy":
        assert singular(word + "s") == singular(word)


@pytest.mark.parametrize(
    ("plural", "one"),
    [
        ("bodies", "body"),
        ("services", "service"),
        ("prairies", "prairy"),
        ("prairie", "prairy"),
        ("glass", "glass"),
        ("gas", "gas"),
    ],
)
def test_endings_of_the_plural(plural: str, one: str) -> None:
    assert singular(plural) == one


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        *[(name, NOISE) for name in ("1099", "123", "x", "test", "Sample", "TEMP", "unknown", "n/a", "none", "tbd")],
        *[(name, NOISE) for name in ("Inc", "LLC", "L.L.C.")],
        *[(name, EMPTY) for name in ("-", "??", "", "...")],
        *[(name, None) for name in ("3M", "The Limited", "Test Foods", "A1", "华")],
    ],
)
def test_names_of_no_company(name: str, reason: str | None) -> None:
    assert NameJudge(RULES).noise(READER.read(name)) == reason


def test_what_is_deleted_does_not_depend_on_what_is_compared() -> None:
    rules = Rules.model_validate({"blocking": {"denylist": ()}})
    assert NameJudge(rules).blacklisted("To be or not to be", READER.read("To be or not to be"))
