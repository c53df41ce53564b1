"""Editing what is replayed, and checking the edit as the stage will, before anything is published."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from schemas.indicator import MAX_MESSAGE_BYTES
from shared.errors import UsageError
from shared.runtime.codec import Decoder
from shared.runtime.declaration import Pipeline, Stage
from shared.runtime.envelope import OutRecord
from shared.runtime.sizes import INNER_INPUT_BYTES

Edit = Callable[[bytes], bytes]
"""Payload to payload. Raises EditError if it does not fit this one."""


class EditError(Exception):
    """An edit that cannot be made of this payload; says why."""


def set_fields(assignments: Sequence[str]) -> Edit:
    """An edit of JSON objects: `field=value`, `a.b=value` for a field of an object, JSON or else text for the value."""
    changes = [_assignment(text) for text in assignments]

    def edit(payload: bytes) -> bytes:
        document = _document(payload)
        for path, value in changes:
            _put(document, path, value)
        return json.dumps(document).encode()

    return edit


def replace_by(payload: bytes) -> Edit:
    """An edit that takes nothing over."""
    return lambda _: payload


def _assignment(text: str) -> tuple[list[str], Any]:
    name, given, value = text.partition("=")
    path = name.strip().split(".")
    if not given or not all(path):
        raise UsageError(f"{text!r} sets nothing", remedy="write field=value, such as units=USD or subject.units=USD")
    try:
        return path, json.loads(value)
    except ValueError:
        return path, value


def _document(payload: bytes) -> dict[str, Any]:
    try:
        document = json.loads(payload)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise EditError("its payload is not a JSON object; give a whole one with --payload or --edit")
    return document


def _put(document: dict[str, Any], path: Sequence[str], value: Any) -> None:
    *outer, last = path
    inner: Any = document
    for name in outer:
        inner = inner.get(name) if isinstance(inner, dict) else None
    if not isinstance(inner, dict):
        raise EditError(f"it has no object {'.'.join(outer)}")
    inner[last] = value


def objection(pipeline: Pipeline, stage: Stage, before: OutRecord, after: OutRecord, item_id: str | None) -> str:
    """Why an edited record must not be published; empty if its stage will take it as another version of the same item.

    `item_id`: the item that it was, if it cannot be told from the record before; None: nobody knows.
    """
    limit = MAX_MESSAGE_BYTES if stage.edge else INNER_INPUT_BYTES
    decoder = Decoder(stage.reads, pipeline.key if stage.edge else None, limit)
    old, new = (decoder.decode([_Draft.of(record)]) for record in (before, after))
    if new.refused:
        reason = new.refused[0].reason
        return f"as edited, {stage.full_name} would refuse it: {reason.code}: {reason.detail}"
    known = old.envelopes[0].item_id if old.envelopes else item_id
    if known is not None and new.envelopes[0].item_id != known:
        return f"as edited, it would be another item than {known}; submit that as a new one"
    if stage.reads.model and old.messages == new.messages:
        return f"the edit changes nothing that {stage.full_name} reads"
    return ""


@dataclass(frozen=True, slots=True)
class _Draft:
    """A record that has not been published, as a consumer would get it."""

    topic: str
    key: bytes
    value: bytes
    headers: Sequence[tuple[str, bytes]]
    partition: int = 0
    offset: int = 0
    timestamp: int = 0

    @classmethod
    def of(cls, record: OutRecord) -> "_Draft":
        return cls(record.topic, record.key, record.value, record.headers)
