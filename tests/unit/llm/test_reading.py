"""A model's answer is read item by item; nothing that is missing, doubtful or wrong gets through."""

import json
from typing import Annotated, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from schemas.base import Contract
from shared.llm.reading import Read, read_answers


class Reply(Contract):
    """One item's reply."""

    colour: Literal["red", "green"]
    note: str = ""
    confidence: Annotated[float, Field(ge=0, le=1)]


def reply(item_id: str, colour: str = "red", confidence: float = 0.9) -> dict[str, object]:
    return {"id": item_id, "colour": colour, "confidence": confidence}


def read(text: str, count: int = 3, *, cut: bool = False) -> Read:
    def accept(item_id: str, parsed: Contract) -> None:
        if item_id == "m3" and isinstance(parsed, Reply) and parsed.colour == "green":
            raise ValueError("m3 cannot be green")

    return read_answers(text, [f"m{n}" for n in range(1, count + 1)], Reply, accept, cut=cut)


def answers(*objects: object) -> str:
    return json.dumps({"answers": objects})


def test_replies_belong_to_items_by_id_in_any_order() -> None:
    found = read(answers(reply("m3"), reply("m1", "green"), reply("m2")))
    assert not found.problems
    assert {key: value.model_dump()["colour"] for key, value in found.replies.items()} == {
        "m1": "green",
        "m2": "red",
        "m3": "red",
    }


def test_what_is_missing_is_named_and_the_others_count() -> None:
    found = read(answers(reply("m1"), reply("m3")))
    assert set(found.replies) == {"m1", "m3"}
    assert found.problems == {"m2": "no answer for this item"}


def test_an_id_nobody_asked_about_is_dropped() -> None:
    found = read(answers(reply("m1"), reply("m2"), reply("m3"), reply("m4"), {"colour": "red"}, reply("M1")))
    assert set(found.replies) == {"m1", "m2", "m3"}
    assert found.dropped == {"unknown-id": 3}


def test_an_id_that_comes_twice_counts_only_if_both_say_the_same() -> None:
    same = read(answers(reply("m1"), reply("m1"), reply("m2"), reply("m3")))
    assert set(same.replies) == {"m1", "m2", "m3"}
    differing = read(answers(reply("m1"), reply("m1", "green"), reply("m1"), reply("m2"), reply("m3")))
    assert set(differing.replies) == {"m2", "m3"}
    assert "two different answers" in differing.problems["m1"]


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        (reply("m1", "blue"), "colour"),
        (reply("m1", confidence=90), "confidence"),
        ({"id": "m1", "colour": "red"}, "confidence"),
    ],
)
def test_a_reply_outside_the_schema_is_refused_with_the_field(wrong: dict[str, object], problem: str) -> None:
    found = read(answers(wrong, reply("m2"), reply("m3")))
    assert set(found.replies) == {"m2", "m3"}
    assert problem in found.problems["m1"]
    assert f"m1: {problem}" in found.complaint()


def test_what_the_database_cannot_store_is_no_reply() -> None:
    found = read(answers({**reply("m1"), "note": "a\x00b"}, {**reply("m2"), "note": "fine"}, reply("m3")))
    assert set(found.replies) == {"m2", "m3"}
    assert "NUL" in found.problems["m1"]
    lone = read(answers(reply("m1"), reply("m2"), reply("m3")).replace("red", "\\ud800", 1))
    assert not lone.replies


def test_the_stage_has_the_last_word() -> None:
    assert read(answers(reply("m1"), reply("m2"), reply("m3", "green"))).problems == {"m3": "m3 cannot be green"}


@pytest.mark.parametrize(
    "text", ["", "null", "[]", "I cannot", '{"answers": 5}', '{"answers": [1, null]}', "{", "\x00"]
)
def test_what_is_no_answer_leaves_every_item_open(text: str) -> None:
    found = read(text)
    assert not found.replies
    assert set(found.problems) == {"m1", "m2", "m3"}


def test_prose_and_fences_around_the_answer_do_not_matter() -> None:
    text = "Sure! Here it is:\n```json\n" + answers(reply("m1"), reply("m2"), reply("m3")) + "\n```\nAnything else?"
    assert not read(text).problems


def test_of_a_cut_answer_the_whole_objects_count() -> None:
    text = answers(reply("m1"), reply("m2"), reply("m3", "green", 0.25))
    cut = read(text[: text.index('"confidence": 0.25')], cut=True)
    assert set(cut.replies) == {"m1", "m2"}
    assert set(read(text[:-2]).problems) == {"m1", "m2", "m3"}, "cut without saying so: nothing of it is trusted"


@given(st.text(max_size=300))
def test_no_text_breaks_the_reader(text: str) -> None:
    assert set(read(text).problems) | set(read(text).replies) == {"m1", "m2", "m3"}


@given(st.integers(0, 200))
def test_a_cut_anywhere_never_gives_a_reply_that_was_not_written(place: int) -> None:
    text = answers(reply("m1", "red", 0.125), reply("m2", "green", 0.25), reply("m3", "red", 0.5))
    for item_id, parsed in read(text[:place], cut=True).replies.items():
        written = {"m1": ("red", 0.125), "m2": ("green", 0.25), "m3": ("red", 0.5)}[item_id]
        assert (parsed.model_dump()["colour"], parsed.model_dump()["confidence"]) == written
