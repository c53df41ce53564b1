"""The rule for changing a contract: what the previous reader or messages on their way would not survive is refused."""

import copy
from typing import Any

import pytest

from schemas.classification import Facet, JoinedIndicator, NormalizedIndicator
from schemas.indicator import Indicator
from shared.contracts import DIRECTORY, current_schemas, incompatibilities

OLD: dict[str, Any] = {
    "type": "object",
    "properties": {
        "id": {"type": "string"},
        "kind": {"$ref": "#/$defs/Kind"},
        "tags": {"type": "array", "items": {"type": "string"}},
        "note": {"anyOf": [{"type": "string"}, {"type": "null"}]},
    },
    "required": ["id", "kind"],
    "$defs": {"Kind": {"type": "string", "enum": ["a", "b"]}},
}


def changed(*path: str, to: Any) -> dict[str, Any]:
    """OLD with one place replaced."""
    schema = copy.deepcopy(OLD)
    place = schema
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = to
    return schema


def test_committed_schemas_are_those_of_the_models() -> None:
    committed = {path.name for path in DIRECTORY.glob("*.json")}
    assert committed == set(current_schemas())


def test_a_new_optional_field_is_compatible() -> None:
    assert incompatibilities(OLD, changed("properties", "extra", to={"type": "string"})) == []


@pytest.mark.parametrize(
    ("new", "said"),
    [
        (changed("required", to=["id"]), "kind: the previous reader requires it"),
        (changed("required", to=["id", "kind", "tags"]), "tags: is required now"),
        (changed("properties", "id", to={"type": "integer"}), "id: type string became integer"),
        (changed("$defs", "Kind", "enum", to=["a", "b", "c"]), "values ['c'] are unknown to the previous reader"),
        (changed("$defs", "Kind", "enum", to=["a"]), "values ['b'] may still be on their way"),
        (changed("properties", "tags", "items", to={"type": "number"}), "tags[]: type string became number"),
        (changed("properties", "note", to={"anyOf": [{"type": "string"}]}), "note: 2 alternatives became 1"),
    ],
)
def test_a_breaking_change_is_named(new: dict[str, Any], said: str) -> None:
    assert any(said in problem for problem in incompatibilities(OLD, new))


def test_unknown_fields_from_a_newer_writer_are_ignored_between_stages() -> None:
    assert Facet.model_validate({"indicator_id": "x", "invented_later": 1}).indicator_id == "x"


def test_unknown_fields_at_the_edge_are_kept() -> None:
    indicator = Indicator.model_validate_json('{"indicator_id": "x", "name": "GDP", "colour": "red"}')
    assert indicator.model_extra == {"colour": "red"}


def test_a_joined_indicator_continues_the_item_it_grew_from() -> None:
    shared_fields = set(NormalizedIndicator.model_fields) - {"points"}
    assert shared_fields < set(JoinedIndicator.model_fields)
