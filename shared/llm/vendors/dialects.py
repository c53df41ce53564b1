"""The JSON Schema that each vendor understands.

What a dialect drops is still checked when the answer is read. References are written out everywhere, since not every
server follows them.
"""

from collections.abc import Callable, Mapping
from typing import Any

Schema = dict[str, Any]

LOCAL_STRING_LENGTH = 300
"""Small models ramble, and an answer cut off at the token limit is no JSON."""
_STRUCTURE = frozenset(
    {"type", "properties", "required", "additionalProperties", "items", "enum", "const", "anyOf", "description"}
)
_SIZES = frozenset({"minItems", "maxItems", "minimum", "maximum"})
_OPENAI = _STRUCTURE | _SIZES | {"exclusiveMinimum", "exclusiveMaximum", "multipleOf", "pattern"}
_PLAIN = _OPENAI | {"minLength", "maxLength", "format"}
_LOCAL = _STRUCTURE | _SIZES | {"minLength", "maxLength"}
_GEMINI = _STRUCTURE - {"additionalProperties", "const"} | _SIZES


def openai_strict(schema: Mapping[str, Any]) -> Schema:
    """For OpenAI's strict mode: every property is required, no other is allowed."""
    return _each_object(_written(schema, _OPENAI), _closed)


def plain(schema: Mapping[str, Any]) -> Schema:
    """For Anthropic: the input of a tool may be any JSON Schema."""
    return _written(schema, _PLAIN)


def local(schema: Mapping[str, Any], string_length: int = LOCAL_STRING_LENGTH) -> Schema:
    """For servers that turn a schema into a grammar: no string is longer than `string_length`."""
    return _each_object(_written(schema, _LOCAL), lambda node: _bounded(_closed(node), string_length))


def gemini(schema: Mapping[str, Any]) -> Schema:
    """For Gemini, which knows OpenAPI's part of JSON Schema."""
    return _written(schema, _GEMINI)


def _written(schema: Mapping[str, Any], keywords: frozenset[str]) -> Schema:
    """Keep `keywords`, follow references, say in the common words what has several."""
    definitions: Mapping[str, Any] = schema.get("$defs", {})

    def node(value: Mapping[str, Any], seen: tuple[str, ...]) -> Schema:
        value, seen = _followed(value, definitions, seen)
        kept = {name: part for name, part in value.items() if name in keywords}
        if "const" in value and "const" not in keywords:
            kept["enum"] = [value["const"]]
        if "properties" in kept:
            kept["properties"] = {name: node(part, seen) for name, part in kept["properties"].items()}
        if "items" in kept:
            kept["items"] = node(kept["items"], seen)
        if "anyOf" in kept:
            kept["anyOf"] = [node(part, seen) for part in kept["anyOf"]]
        return kept

    return node(schema, ())


def _followed(
    value: Mapping[str, Any], definitions: Mapping[str, Any], seen: tuple[str, ...]
) -> tuple[Mapping[str, Any], tuple[str, ...]]:
    """The definition a node points to, with the node's own words over it."""
    while "$ref" in value or "oneOf" in value or len(value.get("allOf", ())) == 1:
        if "oneOf" in value:
            value = {"anyOf" if name == "oneOf" else name: part for name, part in value.items()}
            continue
        own = {name: part for name, part in value.items() if name not in {"$ref", "allOf"}}
        if "$ref" not in value:
            value = value["allOf"][0] | own
            continue
        name = str(value["$ref"]).rpartition("/")[2]
        if name in seen:
            raise ValueError(f"the schema refers to itself at {name}: no vendor takes that")
        value, seen = definitions[name] | own, (*seen, name)
    return value, seen


def _each_object(node: Schema, change: Callable[[Schema], Schema]) -> Schema:
    """Apply `change` to a schema and all schemas inside."""
    inner = dict(node)
    if "properties" in inner:
        inner["properties"] = {name: _each_object(part, change) for name, part in inner["properties"].items()}
    if "items" in inner:
        inner["items"] = _each_object(inner["items"], change)
    if "anyOf" in inner:
        inner["anyOf"] = [_each_object(part, change) for part in inner["anyOf"]]
    return change(inner)


def _closed(node: Schema) -> Schema:
    if node.get("type") != "object":
        return node
    return node | {"required": list(node.get("properties", {})), "additionalProperties": False}


def _bounded(node: Schema, length: int) -> Schema:
    if node.get("type") != "string" or "enum" in node or "const" in node:
        return node
    return {"maxLength": length} | node
