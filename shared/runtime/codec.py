"""Bytes to validated messages and back. One bad record never touches its neighbours."""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from schemas.base import Contract
from schemas.delivery import Header, RejectCode
from shared.runtime.declaration import Topic
from shared.runtime.envelope import Envelope, Record, open_envelope
from shared.runtime.outcome import Reject

MAX_ERRORS_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Received:
    """A record that was understood. `message` is the record itself on a topic without a model."""

    envelope: Envelope
    message: Any


@dataclass(frozen=True, slots=True)
class Refused:
    """A record that was not."""

    record: Record
    reason: Reject


class Decoder:
    """Reads the records of one topic."""

    def __init__(self, topic: Topic[Any], key_field: str | None, max_bytes: int) -> None:
        self._topic = topic
        self._key_field = key_field
        self._max_bytes = max_bytes
        self._version = str(topic.schema_version).encode()
        self._validate = topic.model.__pydantic_validator__.validate_json if topic.model else None

    def decode(self, records: Sequence[Record], traceparent: Callable[[], bytes]) -> list[Received | Refused]:
        """One result a record, in order."""
        return [self._decode_one(record, traceparent) for record in records]

    def _decode_one(self, record: Record, traceparent: Callable[[], bytes]) -> Received | Refused:
        if refusal := self._refusal(record):
            return Refused(record, refusal)
        try:
            message = self._validate(record.value) if self._validate else record
            item_id = getattr(message, self._key_field) if self._key_field else (record.key or b"").decode()
            return Received(open_envelope(record, item_id, traceparent), message)
        except ValidationError as error:
            return Refused(record, _explain(error))
        except UnicodeDecodeError as error:
            return Refused(record, Reject(RejectCode.NOT_JSON, f"key or header is not UTF-8: {error.reason}"))

    def _refusal(self, record: Record) -> Reject | None:
        if record.value is None:
            return Reject(RejectCode.NOT_JSON, "record has no value; send a JSON object")
        if len(record.value) > self._max_bytes:
            return Reject(RejectCode.TOO_LARGE, f"{len(record.value)} bytes; the limit is {self._max_bytes}")
        for name, value in record.headers:
            if name == Header.SCHEMA_VERSION and value != self._version:
                return _version_refusal(value, self._topic.schema_version)
        return None


def new_traceparent() -> bytes:
    """A W3C trace context for a record that arrived without one."""
    noise = secrets.token_hex(24)
    return f"00-{noise[:32]}-{noise[32:]}-01".encode()


def _version_refusal(value: bytes, newest: int) -> Reject | None:
    text = value.decode(errors="replace")
    if text.isdigit() and 1 <= int(text) <= newest:
        return None
    return Reject(
        RejectCode.UNKNOWN_SCHEMA_VERSION,
        f"schema_version {text!r:.20} is not known here; versions 1 to {newest} are. Upgrade this stage first",
    )


def _explain(error: ValidationError) -> Reject:
    """The first few problems in words, without the values: a payload never reaches logs or headers."""
    problems = error.errors(include_url=False, include_context=False, include_input=False)
    if problems[0]["type"] == "json_invalid":
        return Reject(RejectCode.NOT_JSON, "value is not valid JSON in UTF-8; send one JSON object a record")
    shown = [f"{'.'.join(str(part) for part in p['loc']) or 'value'}: {p['msg']}" for p in problems[:MAX_ERRORS_SHOWN]]
    more = f" (and {len(problems) - MAX_ERRORS_SHOWN} more)" if len(problems) > MAX_ERRORS_SHOWN else ""
    return Reject(RejectCode.WRONG_SCHEMA, "; ".join(shown) + more)


def encode(message: Contract) -> bytes:
    """JSON without the fields that hold their default, which the reader fills in again."""
    return message.__pydantic_serializer__.to_json(message, exclude_defaults=True)
