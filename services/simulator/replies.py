"""What a request's schema asks to be said of one item, and schema-valid values for what the answers do not know."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Schema = Mapping[str, Any]

ID = "id"
FILLER = "simulated"
USUAL = {"confidence": 0.9}


@dataclass(frozen=True, slots=True)
class ReplyPlan:
    """The question, and the fields of an item's reply with their schemas; no fields: whatever the answer holds."""

    question: str = ""
    fields: Mapping[str, Schema] = field(default_factory=dict)
    required: Sequence[str] = ()

    def reply(self, answer: Mapping[str, Any]) -> dict[str, Any]:
        """The fields asked for, from the answer or made up."""
        if not self.fields:
            return dict(answer)
        said = {name: answer[name] for name in self.fields if name in answer}
        for name in self.required:
            if name not in said:
                said[name] = USUAL[name] if name in USUAL else valid_value(self.fields[name])
        return said

    def choices(self, name: str) -> list[Any]:
        """The values that the schema allows for a field; empty if it does not list them."""
        return _choices(self.fields.get(name, {}))


def plan_of(question: str, schema: Schema) -> ReplyPlan:
    """The plan of a whole answer's schema: an object whose one array holds an object for each item."""
    item = _item_schema(schema)
    if item is None:
        return ReplyPlan(question)
    fields = {name: part for name, part in item.get("properties", {}).items() if name != ID}
    required = [name for name in item.get("required", ()) if name != ID]
    return ReplyPlan(question, fields, required)


def _item_schema(schema: Schema) -> Schema | None:
    whole = resolved(schema, schema.get("$defs", {}))
    arrays = [part for part in whole.get("properties", {}).values() if part.get("type") == "array"]
    items = arrays[0].get("items") if arrays else None
    return items if isinstance(items, Mapping) else None


def resolved(schema: Any, definitions: Mapping[str, Any]) -> Any:
    """The schema with every reference replaced by what it refers to; schemas of replies are not recursive."""
    if isinstance(schema, list):
        return [resolved(part, definitions) for part in schema]
    if not isinstance(schema, Mapping):
        return schema
    target = schema.get("$ref")
    if isinstance(target, str):
        found = resolved(definitions.get(target.rpartition("/")[2], {}), definitions)
        return {**found, **{key: part for key, part in schema.items() if key != "$ref"}}
    return {key: resolved(part, definitions) for key, part in schema.items() if key != "$defs"}


def valid_value(schema: Schema) -> Any:
    """A value that the schema allows, as plain as possible: null where it may be null."""
    if "const" in schema:
        return schema["const"]
    choices = _choices(schema)
    if choices:
        return None if None in choices else choices[0]
    if "anyOf" in schema:
        return _of_any(schema["anyOf"])
    kinds = schema.get("type", "string")
    kind = kinds if isinstance(kinds, str) else ("null" if "null" in kinds else kinds[0])
    return _of_kind(kind, schema)


def _of_any(parts: Sequence[Schema]) -> Any:
    return None if any(part.get("type") == "null" for part in parts) else valid_value(parts[0])


def _of_kind(kind: str, schema: Schema) -> Any:
    if kind == "array":
        return [valid_value(schema.get("items", {})) for _ in range(schema.get("minItems", 0))]
    if kind == "object":
        return {name: valid_value(schema["properties"][name]) for name in schema.get("required", ())}
    if kind == "string":
        return FILLER.ljust(schema.get("minLength", 0), ".")[: schema.get("maxLength", 600)]
    return {"number": schema.get("minimum", 0), "integer": schema.get("minimum", 0), "boolean": False}.get(kind)


def _choices(schema: Schema) -> list[Any]:
    if "enum" in schema:
        return list(schema["enum"])
    if "anyOf" not in schema:
        return []
    found = [_choices(part) for part in schema["anyOf"] if part.get("type") != "null"]
    return [choice for choices in found for choice in choices] + [None] if all(found) else []
