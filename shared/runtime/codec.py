"""Bytes to validated messages and back. One bad record never touches its neighbours."""

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from schemas.base import Contract
from schemas.delivery import Header, RejectCode
from shared.runtime.declaration import Topic
from shared.runtime.envelope import Envelope, Record, open_envelope
from shared.runtime.outcome import Reject

MAX_ERRORS_SHOWN = 3


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
    """Reads the records of one topic. A topic without a model gives the records themselves as messages."""

    def __init__(self, topic: Topic[Any], key_field: str | None, max_bytes: int) -> None:
        self._topic = topic
        self._key_field = key_field
        self._max_bytes = max_bytes
        self._version = str(topic.schema_version).encode()
        self._validate = topic.model.__pydantic_validator__.validate_json if topic.model else None

    def decode(self, records: Sequence[Record]) -> Decoded:
        """Decode and validate each record on its own."""
        decoded = Decoded()
        for record in records:
            try:
                envelope, message = self._decode_one(record)
            except _NotUnderstood as refusal:
                decoded.refused.append(Refused(record, refusal.reason))
            else:
                decoded.envelopes.append(envelope)
                decoded.messages.append(message)
        return decoded

    def _decode_one(self, record: Record) -> tuple[Envelope, Any]:
        value, headers = record.value, dict(record.headers)
        if value is None:
            raise _NotUnderstood(RejectCode.NOT_JSON, "record has no value; send a JSON object")
        if len(value) > self._max_bytes:
            raise _NotUnderstood(RejectCode.TOO_LARGE, f"{len(value)} bytes; the limit is {self._max_bytes}")
        if self._key_field:
            _distrust(value, headers)
        if headers.get(Header.SCHEMA_VERSION, self._version) != self._version:
            self._check_version(headers[Header.SCHEMA_VERSION])
        try:
            message = self._validate(value) if self._validate else record
            item_id = getattr(message, self._key_field) if self._key_field else (record.key or b"").decode()
        except ValidationError as error:
            raise _explain(error) from None
        except UnicodeDecodeError as error:
            raise _NotUnderstood(RejectCode.NOT_JSON, f"key is not UTF-8: {error.reason}") from None
        return open_envelope(record, item_id, headers, new_traceparent), message

    def _check_version(self, version: bytes) -> None:
        newest, text = self._topic.schema_version, version.decode(errors="replace")
        if not text.isdigit() or not 1 <= int(text) <= newest:
            detail = (
                f"schema_version {text!r:.20} is not known here; versions 1 to {newest} are. Upgrade this stage first"
            )
            raise _NotUnderstood(RejectCode.UNKNOWN_SCHEMA_VERSION, detail)


class _NotUnderstood(Exception):  # noqa: N818 -- never leaves this module
    def __init__(self, code: RejectCode, detail: str) -> None:
        super().__init__(detail)
        self.reason = Reject(code, detail)


def _distrust(value: bytes, headers: dict[str, bytes]) -> None:
    """At the edge anybody writes: refuse what the database cannot hold, forget headers that make no sense."""
    if _NUL.search(value):
        raise _NotUnderstood(RejectCode.INVALID_VALUE, "text contains U+0000, which cannot be stored; remove it")
    batch_id = headers.get(Header.BATCH_ID)
    if batch_id is not None and not _BATCH_ID.fullmatch(batch_id):
        del headers[Header.BATCH_ID]
        raise _NotUnderstood(
            RejectCode.INVALID_VALUE, "header batch_id must be 1 to 200 letters, digits or any of . _ : / - "
        )
    if Header.INGESTED_AT in headers and not _NUMBER.fullmatch(headers[Header.INGESTED_AT]):
        del headers[Header.INGESTED_AT]
    for name in (Header.TRACEPARENT, Header.TRACESTATE, Header.PROVIDER, Header.TRAIL):
        if name in headers and not headers[name].isascii():
            del headers[name]


_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
_BATCH_ID = re.compile(rb"[A-Za-z0-9._:/-]{1,200}")
_NUMBER = re.compile(rb"\d{1,12}(\.\d{1,6})?")


def new_traceparent() -> bytes:
    """A W3C trace context for a record that arrived without one."""
    noise = secrets.token_hex(24)
    return f"00-{noise[:32]}-{noise[32:]}-01".encode()


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
