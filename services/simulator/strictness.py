"""Which JSON Schemas the vendors take for strict output, and what they say of the others."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from services.simulator.calls import Rejection

Place = tuple[str, ...]

_OPENAI_REFUSED = frozenset(
    (
        *("allOf", "oneOf", "not", "if", "then", "else", "dependentRequired", "dependentSchemas", "default"),
        *("patternProperties", "propertyNames", "minProperties", "maxProperties", "unevaluatedProperties"),
        *("unevaluatedItems", "contains", "minContains", "maxContains", "uniqueItems", "prefixItems"),
        *("minLength", "maxLength"),
    )
)
_OPENAI_DEPTH, _OPENAI_PROPERTIES, _OPENAI_ENUM = 10, 5_000, 1_000
_ANTHROPIC_REFUSED = {
    "number": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
    "integer": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
    "string": ("minLength", "maxLength"),
    "array": ("maxItems", "uniqueItems", "contains", "prefixItems"),
}


def check_openai(name: str, schema: Any) -> None:
    """Raises Rejection as OpenAI does for `response_format` with `strict`."""

    def refuse(place: Place, message: str) -> Rejection:
        text = f"Invalid schema for response_format '{name}': In context={place!r}, {message}"
        return Rejection(400, "invalid_request_error", text, param="response_format")

    if not isinstance(schema, Mapping) or schema.get("type") != "object" or "anyOf" in schema:
        raise refuse((), "schema must be a JSON Schema of 'type: \"object\"', got 'type: \"None\"'.")
    properties = 0
    for place, part in _parts(schema):
        _openai_part(place, part, refuse)
        properties += len(part.get("properties", ()))
        if properties > _OPENAI_PROPERTIES or place.count("properties") > _OPENAI_DEPTH:
            raise refuse(place, "the schema has too many properties or nests too deep.")


def _openai_part(place: Place, part: Mapping[str, Any], refuse: Callable[[Place, str], Rejection]) -> None:
    for keyword in part:
        if keyword in _OPENAI_REFUSED:
            raise refuse(place, f"'{keyword}' is not permitted.")
    if "$ref" in part and len(part) > 1:
        raise refuse(place, f"$ref cannot have keywords {set(part) - {'$ref'}!r}.")
    if not {"type", "anyOf", "$ref", "enum", "const"} & part.keys():
        raise refuse(place, "schema must have a 'type' key.")
    if len(part.get("enum", ())) > _OPENAI_ENUM:
        raise refuse(place, "enum has too many values.")
    if part.get("type") == "array" and "items" not in part:
        raise refuse(place, "array schema missing items.")
    if part.get("type") == "object" or "properties" in part:
        _openai_object(place, part, refuse)


def _openai_object(place: Place, part: Mapping[str, Any], refuse: Callable[[Place, str], Rejection]) -> None:
    if part.get("additionalProperties") is not False:
        raise refuse(place, "'additionalProperties' is required to be supplied and to be false.")
    properties, required = part.get("properties", {}), part.get("required", ())
    absent = [name for name in properties if name not in required]
    if absent:
        raise refuse(
            place,
            "'required' is required to be supplied and to be an array including every key in properties. "
            f"Missing '{absent[0]}'.",
        )
    extra = [name for name in required if name not in properties]
    if extra:
        raise refuse(place, f"'required' names '{extra[0]}', which is not in properties.")


def check_anthropic(where: str, schema: Any) -> None:
    """Raises Rejection as Anthropic does for a strict tool or an output format; `where` is its place in the request."""

    def refuse(message: str) -> Rejection:
        return Rejection(400, "invalid_request_error", f"{where}: {message}")

    for _, part in _parts(schema):
        kind = part.get("type")
        refused = sorted(set(_ANTHROPIC_REFUSED.get(kind, ())) & part.keys()) if isinstance(kind, str) else []
        if refused:
            words = f"property '{refused[0]}' is" if len(refused) == 1 else f"properties {', '.join(refused)} are"
            raise refuse(f"For '{kind}' type, {words} not supported")
        if part.get("minItems", 0) not in (0, 1):
            raise refuse("For 'array' type, 'minItems' values other than 0 or 1 are not supported")
        if kind == "object" and part.get("additionalProperties") is not False:
            raise refuse("For 'object' type, 'additionalProperties' must be explicitly set to false")


def _parts(schema: Mapping[str, Any], place: Place = ()) -> Iterator[tuple[Place, Mapping[str, Any]]]:
    """Every schema in the schema, with the keys that lead to it."""
    yield place, schema
    for group in ("properties", "$defs", "definitions"):
        for name, part in schema.get(group, {}).items():
            yield from _parts(part, (*place, group, name))
    for index, part in enumerate(schema.get("anyOf", ())):
        yield from _parts(part, (*place, "anyOf", str(index)))
    if isinstance(schema.get("items"), Mapping):
        yield from _parts(schema["items"], (*place, "items"))
