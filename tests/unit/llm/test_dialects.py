"""Schemas in the words of each vendor."""

from enum import StrEnum
from typing import Any, Literal

import pytest
from pydantic import Field

from schemas.base import Contract
from shared.llm.rendering import reply_schema
from shared.llm.vendors import dialects


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Part(Contract):
    size: int = Field(ge=0, le=9, description="how big")
    kind: Literal["part"] = "part"


class Reply(Contract):
    title: str = Field(min_length=1, max_length=40, description="what it is called")
    colour: Colour = Field(default=Colour.RED, description="the colour by day")
    night: Colour | None = None
    note: str = ""
    parts: list[Part] = Field(default=[], max_length=3)


@pytest.fixture
def schema() -> dict[str, Any]:
    return reply_schema(Reply, ["m1", "m2"])


def item(schema: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = schema["properties"]["answers"]["items"]
    return found


def keywords(node: Any) -> set[str]:
    """Every keyword in a schema; names of properties do not count."""
    if isinstance(node, list):
        return set().union(*map(keywords, node)) if node else set()
    if not isinstance(node, dict):
        return set()
    inner = [keywords(part) for name, part in node.items() if name not in {"properties", "enum", "const"}]
    properties = [keywords(part) for part in node.get("properties", {}).values()]
    return set(node).union(*inner, *properties)


def test_strict_demands_every_property_and_allows_no_other(schema: dict[str, Any]) -> None:
    strict = dialects.openai_strict(schema)
    part = item(strict)["properties"]["parts"]["items"]

    for node in (strict, item(strict), part):
        assert node["required"] == list(node["properties"])
        assert node["additionalProperties"] is False
    assert part["properties"] == {
        "size": {"type": "integer", "minimum": 0, "maximum": 9, "description": "how big"},
        "kind": {"type": "string", "const": "part"},
    }


def test_strict_has_only_words_that_strict_mode_knows(schema: dict[str, Any]) -> None:
    assert keywords(dialects.openai_strict(schema)) <= {
        "type", "properties", "required", "additionalProperties", "items", "enum", "const", "anyOf", "description",
        "minItems", "maxItems", "minimum", "maximum",
    }  # fmt: skip


def test_strict_keeps_the_number_of_answers_and_their_ids(schema: dict[str, Any]) -> None:
    answers = dialects.openai_strict(schema)["properties"]["answers"]

    assert (answers["minItems"], answers["maxItems"]) == (2, 2)
    assert answers["items"]["properties"]["id"] == {"type": "string", "enum": ["m1", "m2"]}


@pytest.mark.parametrize("dialect", [dialects.openai_strict, dialects.plain, dialects.local, dialects.gemini])
def test_references_are_written_out_with_the_words_beside_them(schema: dict[str, Any], dialect: Any) -> None:
    written = dialect(schema)
    properties = item(written)["properties"]

    assert not keywords(written) & {"$ref", "$defs", "title", "default"}
    assert properties["colour"] == {"type": "string", "enum": ["red", "blue"], "description": "the colour by day"}
    assert properties["night"]["anyOf"] == [{"type": "string", "enum": ["red", "blue"]}, {"type": "null"}]
    assert properties["title"]["description"] == "what it is called", "a property may be called like a keyword"


def test_plain_keeps_lengths(schema: dict[str, Any]) -> None:
    title = item(dialects.plain(schema))["properties"]["title"]

    assert (title["minLength"], title["maxLength"]) == (1, 40)


def test_local_bounds_every_free_string(schema: dict[str, Any]) -> None:
    properties = item(dialects.local(schema))["properties"]

    assert properties["note"]["maxLength"] == 300
    assert properties["title"]["maxLength"] == 40
    assert "maxLength" not in properties["id"]
    assert item(dialects.local(schema, 50))["properties"]["note"]["maxLength"] == 50


def test_gemini_knows_no_constants_and_no_additional_properties(schema: dict[str, Any]) -> None:
    written = dialects.gemini(schema)

    assert not keywords(written) & {"additionalProperties", "const", "maxLength"}
    assert item(written)["properties"]["parts"]["items"]["properties"]["kind"]["enum"] == ["part"]


def test_alternatives_are_told_in_one_way() -> None:
    written = dialects.openai_strict({"oneOf": [{"type": "string"}, {"allOf": [{"type": "null"}]}]})

    assert written == {"anyOf": [{"type": "string"}, {"type": "null"}]}


def test_a_schema_that_refers_to_itself_is_refused() -> None:
    schema = {"$ref": "#/$defs/Tree", "$defs": {"Tree": {"type": "array", "items": {"$ref": "#/$defs/Tree"}}}}

    with pytest.raises(ValueError, match="refers to itself at Tree"):
        dialects.plain(schema)


def test_the_schema_given_is_left_as_it_was(schema: dict[str, Any]) -> None:
    for dialect in (dialects.openai_strict, dialects.plain, dialects.local, dialects.gemini):
        dialect(schema)

    assert schema == reply_schema(Reply, ["m1", "m2"])
