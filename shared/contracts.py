"""The contracts as JSON Schema files, and the rule for changing them.

`python -m shared.contracts check` fails when a committed schema is out of date.
`python -m shared.contracts write` brings them up to date, but refuses a change that the previous reader or messages
still on their way would not survive; such a change needs a new schema version and a topic of its own.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from shared.pipelines import pipelines
from shared.runtime.declaration import Topic

DIRECTORY = Path(__file__).parents[1] / "schemas" / "json"

Schema = Mapping[str, Any]


def current_schemas() -> dict[str, dict[str, Any]]:
    """File name → JSON Schema of every topic with a model."""
    topics: list[Topic[Any]] = [topic for pipeline in pipelines().values() for topic in pipeline.topics]
    return {
        f"{topic.name}.v{topic.schema_version}.json": topic.model.model_json_schema(mode="validation")
        for topic in topics
        if topic.model
    }


def incompatibilities(old: Schema, new: Schema) -> list[str]:
    """What of `new` would break a reader of `old`, or what of `old` a reader of `new`; empty if nothing."""
    return list(_compare("", old, new, old.get("$defs", {}), new.get("$defs", {})))


def _compare(path: str, old: Schema, new: Schema, old_defs: Schema, new_defs: Schema) -> Iterator[str]:
    old, new = _resolve(old, old_defs), _resolve(new, new_defs)
    where = path or "the message"
    if old.get("type") != new.get("type"):
        yield f"{where}: type {old.get('type')} became {new.get('type')}"
        return
    if added := sorted(set(new.get("enum", [])) - set(old.get("enum", []))):
        yield f"{where}: values {added} are unknown to the previous reader"
    if removed := sorted(set(old.get("enum", [])) - set(new.get("enum", []))):
        yield f"{where}: values {removed} may still be on their way"
    yield from _compare_fields(path, old, new, old_defs, new_defs)
    yield from _compare_options(path, old, new, old_defs, new_defs)
    if isinstance(old.get("items"), dict) and isinstance(new.get("items"), dict):
        yield from _compare(f"{path}[]", old["items"], new["items"], old_defs, new_defs)


def _compare_fields(path: str, old: Schema, new: Schema, old_defs: Schema, new_defs: Schema) -> Iterator[str]:
    old_fields, new_fields = old.get("properties", {}), new.get("properties", {})
    for name in sorted(set(old.get("required", [])) - set(new.get("required", []))):
        yield f"{path}.{name}: the previous reader requires it, the new writer may leave it out"
    for name in sorted(set(new.get("required", [])) - set(old.get("required", []))):
        yield f"{path}.{name}: is required now, but messages on their way lack it; give it a default"
    for name in sorted(set(old_fields) & set(new_fields)):
        yield from _compare(f"{path}.{name}", old_fields[name], new_fields[name], old_defs, new_defs)


def _compare_options(path: str, old: Schema, new: Schema, old_defs: Schema, new_defs: Schema) -> Iterator[str]:
    before, after = old.get("anyOf", []), new.get("anyOf", [])
    if len(before) != len(after):
        yield f"{path or 'the message'}: {len(before)} alternatives became {len(after)}"
        return
    for one, other in zip(before, after, strict=True):
        yield from _compare(path, one, other, old_defs, new_defs)


def _resolve(schema: Schema, definitions: Schema) -> Schema:
    reference = schema.get("$ref")
    return definitions[reference.removeprefix("#/$defs/")] if reference else schema


def _write() -> int:
    DIRECTORY.mkdir(exist_ok=True)
    problems = []
    for name, schema in current_schemas().items():
        path = DIRECTORY / name
        broken = incompatibilities(json.loads(path.read_text()), schema) if path.exists() else []
        problems += [f"{name}: {problem}" for problem in broken]
        if not broken:
            path.write_text(_text(schema))
    return _report(problems, "raise the topic's schema version, or undo the change")


def _check() -> int:
    stale = [
        name
        for name, schema in current_schemas().items()
        if not (DIRECTORY / name).exists() or (DIRECTORY / name).read_text() != _text(schema)
    ]
    return _report([f"{name}: out of date" for name in stale], "run `make generate` and commit what it writes")


def _text(schema: Schema) -> str:
    return json.dumps(schema, indent=2, sort_keys=True) + "\n"


def _report(problems: list[str], remedy: str) -> int:
    if problems:
        sys.stderr.write("\n".join(problems) + f"\n→ {remedy}\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit({"write": _write, "check": _check}[sys.argv[1]]())
