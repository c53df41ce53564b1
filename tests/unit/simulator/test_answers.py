import json
from typing import Any

import pytest

from services.simulator.replies import plan_of, valid_value
from services.simulator.wire import fenced_items
from tests.unit.simulator.asking import Bench, answers_of, items_text, schema


def test_each_item_is_answered_under_its_id_with_the_fields_asked_for() -> None:
    reply, body = Bench().openai("gold price", "retirement age")
    assert reply.status == 200
    assert answers_of(body) == [
        {"id": "m1", "family": "price-value", "confidence": 0.95, "reasoning": "gold price"},
        {"id": "m2", "family": "temporal", "confidence": 0.95, "reasoning": "retirement age"},
    ]


def test_anthropic_hands_the_same_answers_in_as_the_input_of_the_tool() -> None:
    _, openai = Bench().openai("gold price", "retirement age")
    _, anthropic = Bench().anthropic("gold price", "retirement age")
    (block,) = anthropic["content"]
    assert (block["type"], block["name"], anthropic["stop_reason"]) == ("tool_use", "colour", "tool_use")
    assert block["input"]["answers"] == answers_of(openai)


def test_anthropic_answers_in_text_where_a_format_is_given() -> None:
    form = {"format": {"type": "json_schema", "schema": _without_sizes(schema(1))}}
    reply, body = Bench().anthropic("gold price", tools=None, tool_choice=None, output_config=form)
    assert reply.status == 200, body
    assert json.loads(body["content"][0]["text"])["answers"][0]["family"] == "price-value"


def test_the_question_is_recognised_by_a_schema_inside_the_instructions() -> None:
    instructions = f"Answer in JSON like {{a: b}}. Schema: {json.dumps(schema(1))}"
    _, body = Bench().openai("gold price", instructions=instructions, response_format={"type": "json_object"})
    assert answers_of(body)[0]["family"] == "price-value"


def test_required_fields_of_an_unknown_question_get_values_that_the_schema_allows() -> None:
    body: dict[str, Any] = {
        "type": "json_schema",
        "json_schema": {
            "name": "other",
            "strict": True,
            "schema": _whole(
                {
                    "id": {"type": "string"},
                    "choice": {"enum": ["a", "b"], "type": "string"},
                    "maybe": {"anyOf": [{"type": "string"}, {"type": "null"}]},
                    "level": {"type": "number", "minimum": 3},
                    "list": {"type": "array", "items": {"type": "integer"}, "minItems": 2},
                }
            ),
        },
    }
    _, answer = Bench().openai("anything", response_format=body)
    assert answers_of(answer) == [{"id": "m1", "choice": "a", "maybe": None, "level": 3, "list": [0, 0]}]


def test_values_follow_references_and_enums_that_may_be_null() -> None:
    whole = {
        **_whole({"id": {"type": "string"}, "kind": {"$ref": "#/$defs/Kind"}}),
        "$defs": {"Kind": {"anyOf": [{"enum": ["x"], "type": "string"}, {"type": "null"}]}},
    }
    plan = plan_of("q", whole)
    assert plan.choices("kind") == ["x", None]
    assert plan.reply({}) == {"kind": None}
    assert valid_value({"const": 7}) == 7


def test_the_last_user_message_with_a_fence_counts() -> None:
    first, second = items_text("old"), items_text("new")
    assert fenced_items(
        [
            {"role": "user", "content": first},
            {"role": "user", "content": [{"type": "text", "text": second}]},
            {"role": "assistant", "content": first},
            {"role": "user", "content": "do better"},
        ]
    ) == [("m1", {"name": "new"})]


@pytest.mark.parametrize("text", ["no fence", "<items>\nnot json\n</items>", '<items>\n{"name":"no id"}\n</items>'])
def test_a_broken_fence_is_plain_text(text: str) -> None:
    assert fenced_items([{"role": "user", "content": text}]) == []


def test_an_answer_is_cut_where_the_call_allows_no_more_tokens() -> None:
    _, whole = Bench().openai("gold price")
    allowed = whole["usage"]["completion_tokens"] - 5
    _, body = Bench().openai("gold price", max_completion_tokens=allowed)
    assert body["choices"][0]["finish_reason"] == "length"
    assert body["usage"]["completion_tokens"] == allowed
    with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
        answers_of(body)


def _whole(properties: dict[str, Any]) -> dict[str, Any]:
    item = {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
    return {
        "type": "object",
        "properties": {"answers": {"type": "array", "items": item}},
        "required": ["answers"],
        "additionalProperties": False,
    }


def _without_sizes(value: Any) -> Any:
    """As Anthropic's strict formats want it."""
    if isinstance(value, list):
        return [_without_sizes(part) for part in value]
    if not isinstance(value, dict):
        return value
    return {
        name: _without_sizes(part)
        for name, part in value.items()
        if name not in ("minItems", "maxItems", "minimum", "maximum")
    }
