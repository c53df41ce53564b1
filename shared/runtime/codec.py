"""Bytes to validated messages and back. One bad record never touches its neighbours."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from pydantic import ValidationError

from schemas.base import Contract
from schemas.delivery import Header, RejectCode
from shared.runtime.declaration import Topic
from shared.runtime.envelope import MAX_HEADER_BYTES, MEANINGFUL, Envelope, Record, open_envelope
from shared.runtime.outcome import Reject
from shared.telemetry.trace_context import new_traceparent

MAX_ERRORS_SHOWN = 3
MAX_KEY_BYTES = 1024


@dataclass(slots=True)
class Refused:
    """A record that was not understood."""

    record: Record
    reason: Reject


@dataclass(slots=True)
class Decoded:
    """A batch, sorted into what was understood (envelope and message at the same index) and what was not."""

    envelopes: list[Envelope] = field(default_factory=list)
    messages: list[Any] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)


class Decoder:
    """Reads the records of one topic. A topic without a model gives every record as it is and refuses none."""

    def __init__(self, topic: Topic[Any], key_field: str | None, max_bytes: int, trace_ratio: float = 0.0) -> None:
        self._topic = topic
        self._key_field = key_field
        self._max_bytes = max_bytes
        self._new_traceparent = partial(new_traceparent, trace_ratio)
        self._version = str(topic.schema_version).encode()
        self._validate = topic.model.__pydantic_validator__.validate_json if topic.model else None
        self._familiar: tuple[bytes | None, bytes | None, bytes | None] = (None, None, None)

    def decode(self, records: Sequence[Record]) -> Decoded:
        """Decode and validate each record on its own."""
        decoded = Decoded()
        understood, add_message, decode_one = decoded.envelopes.append, decoded.messages.append, self._decode_one
        for record in records:
            try:
                envelope, message = decode_one(record)
                understood(envelope)
                add_message(message)
            except _NotUnderstood as refusal:
                decoded.refused.append(Refused(record, refusal.reason))
        return decoded

    def _decode_one(self, record: Record) -> tuple[Envelope, Any]:
        if self._validate is None:
            return _as_it_is(record), record
        value, headers = record.value, dict(record.headers)
        if value is None:
            raise _NotUnderstood(RejectCode.NOT_JSON, "record has no value; send a JSON object")
        if len(value) > self._max_bytes:
            raise _NotUnderstood(RejectCode.TOO_LARGE, f"{len(value)} bytes; the limit is {self._max_bytes}")
        try:
            size = sum(map(len, headers.values()))
        except TypeError:  # a header may be null, which says as much as its absence
            headers = _without_null(headers)
            size = sum(map(len, headers.values()))
        if size > MAX_HEADER_BYTES:
            raise _NotUnderstood(RejectCode.TOO_LARGE, f"{size} bytes of headers; the limit is {MAX_HEADER_BYTES}")
        if self._key_field:
            _distrust(value, headers)
        travelling = headers.get(Header.BATCH_ID), headers.get(Header.INGESTED_AT), headers.get(Header.PROVIDER)
        if travelling != self._familiar:
            _check_meaning(headers)
            self._familiar = travelling
        if headers.get(Header.SCHEMA_VERSION, self._version) != self._version:
            self._check_version(headers[Header.SCHEMA_VERSION])
        try:
            message = self._validate(value)
        except ValidationError as error:
            raise _explain(error) from None
        item_id = getattr(message, self._key_field) if self._key_field else _key(record)
        return open_envelope(record, item_id, headers, self._new_traceparent), message

    def _check_version(self, version: bytes) -> None:
        newest, text = self._topic.schema_version, version.decode(errors="replace")
        if not (text.isascii() and text.isdigit() and len(text) < 10 and 1 <= int(text) <= newest):
            detail = (
                f"schema_version {text!r:.20} is not known here; versions 1 to {newest} are. Upgrade this stage first"
            )
            raise _NotUnderstood(RejectCode.UNKNOWN_SCHEMA_VERSION, detail)


class _NotUnderstood(Exception):  # noqa: N818 -- never leaves this module
    def __init__(self, code: RejectCode, detail: str) -> None:
        super().__init__(detail)
        self.reason = Reject(code, detail)


def _as_it_is(record: Record) -> Envelope:
    """Envelope of a record that may be anything: what makes no sense in it is left out."""
    headers = _without_null(dict(record.headers))
    for name, meaning in MEANINGFUL.items():
        if name in headers and not meaning.fullmatch(headers[name]):
            del headers[name]
    return open_envelope(record, (record.key or b"").decode(errors="replace"), headers, new_traceparent)


def _without_null(headers: Mapping[str, bytes | None]) -> dict[str, bytes]:
    return {name: value for name, value in headers.items() if value is not None}


def _key(record: Record) -> str:
    """Behind the edge the key is the item's id."""
    key = record.key
    if not key or len(key) > MAX_KEY_BYTES:
        detail = f"the key is the item's id, 1 to {MAX_KEY_BYTES} bytes; this one has {len(key or b'')}"
        raise _NotUnderstood(RejectCode.WRONG_SCHEMA, detail)
    try:
        return key.decode()
    except UnicodeDecodeError as error:
        raise _NotUnderstood(RejectCode.WRONG_SCHEMA, f"the key is not UTF-8: {error.reason}") from None


def _distrust(value: bytes, headers: dict[str, bytes]) -> None:
    """At the edge anybody writes: refuse what the database cannot hold, forget headers that make no sense."""
    if _NUL.search(value):
        raise _NotUnderstood(RejectCode.INVALID_VALUE, "text contains U+0000, which cannot be stored; remove it")
    headers.pop(Header.TRAIL, None)  # an item's history begins here
    for name in (Header.INGESTED_AT, Header.PROVIDER, Header.TRACEPARENT, Header.TRACESTATE):
        if name in headers and not MEANINGFUL[name].fullmatch(headers[name]):
            del headers[name]


def _check_meaning(headers: Mapping[str, bytes]) -> None:
    for name in (Header.BATCH_ID, Header.INGESTED_AT, Header.PROVIDER):
        if name in headers and not MEANINGFUL[name].fullmatch(headers[name]):
            raise _NotUnderstood(
                RejectCode.INVALID_VALUE, f"header {name} must match {MEANINGFUL[name].pattern.decode()}"
            )


_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")


def _explain(error: ValidationError) -> _NotUnderstood:
    """The first few problems in words, without the values: a payload never reaches logs or headers."""
    problems = error.errors(include_url=False, include_context=False, include_input=False)
    if problems[0]["type"] == "json_invalid":
        return _NotUnderstood(RejectCode.NOT_JSON, "value is not valid JSON in UTF-8; send one JSON object a record")
    shown = [f"{'.'.join(str(part) for part in p['loc']) or 'value'}: {p['msg']}" for p in problems[:MAX_ERRORS_SHOWN]]
    more = f" (and {len(problems) - MAX_ERRORS_SHOWN} more)" if len(problems) > MAX_ERRORS_SHOWN else ""
    return _NotUnderstood(RejectCode.WRONG_SCHEMA, "; ".join(shown) + more)


def encode(message: Contract) -> bytes:
    """JSON without the fields that hold their default, which the reader fills in again."""
    return message.__pydantic_serializer__.to_json(message, exclude_defaults=True)
