"""Themes of words, and which way a text leans."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.classification.model.stance import stance
from services.classification.model.themes import DENIALS, SIGN_OF_THEME, THEMES_OF_WORD, UNDOERS


@pytest.mark.parametrize(
    ("text", "lean"),
    [
        ("mortality", "-"),
        ("people with access to electricity", "+"),
        ("people without access to electricity", "-"),
        ("children not in school", "-"),
        ("out of school children", "-"),
        ("reduction of poverty", "+"),
        ("prevention of disease", "+"),
        ("not reduced poverty", "-"),
        ("population", ""),
        ("consumer prices", ""),
        ("poverty and employment", "+-"),
    ],
)
def test_a_text_leans_by_its_words_and_what_denies_them(text: str, lean: str) -> None:
    assert stance(text.split()).lean == lean


def test_a_denial_reaches_two_words() -> None:
    assert stance(["no", "formal", "school"]).themes == ("not learning",)
    assert stance(["no", "formal", "or", "other", "school"]).themes == ("learning",)


def test_plurals_and_compounds_share_the_themes_of_their_parts() -> None:
    assert stance(["diseases"]).themes == stance(["disease"]).themes == ("illness",)
    assert stance(["taxes"]).themes == stance(["tax"]).themes == ("levy",)
    assert stance(["subsidies"]).themes == stance(["subsidy"]).themes == ("state",)
    assert stance(["crime-prevention"]).themes == ("wrong",)


def test_first_and_last_sign() -> None:
    found = stance(["employment", "of", "the", "poor"])
    assert (found.first, found.last, found.lean) == ("+", "-", "+-")


def test_themes_are_in_order_and_each_once() -> None:
    assert stance(["school", "import", "teacher", "imports"]).themes == ("learning", "purchase abroad")


@given(st.lists(st.sampled_from([*sorted(THEMES_OF_WORD), *sorted(DENIALS), *sorted(UNDOERS), "of", ""])))
def test_any_words_have_a_stance(words: list[str]) -> None:
    found = stance(words)
    assert len(set(found.themes)) == len(found.themes)
    assert {theme.removeprefix("not ") for theme in found.themes} <= set(SIGN_OF_THEME)
    assert bool(found.lean) == bool(found.first) == bool(found.last)
