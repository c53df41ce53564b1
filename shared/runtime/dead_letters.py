"""Records for the dead-letter and retry topics: the original bytes, with what happened in headers."""

import math
from collections.abc import Sequence

from schemas.delivery import Header, RejectCode
from shared.runtime.declaration import Stage
from shared.runtime.envelope import OutRecord, Record, attempt_of
from shared.runtime.outcome import Reject

MAX_MESSAGE = 500
MAX_RECORD_BYTES = 900_000
"""Of a dead letter's key, value and original headers; a record batch has to hold it with ours."""
_MAX_CUT_KEY = 1024
_MAX_CUT_HEADER = 256
_MAX_CUT_HEADERS = 100

_INVALID = {RejectCode.NOT_JSON, RejectCode.WRONG_SCHEMA, RejectCode.UNKNOWN_SCHEMA_VERSION, RejectCode.TOO_LARGE}


def dead_letter(stage: Stage, record: Record, reason: Reject, now: float, batch_id: bytes | None = None) -> OutRecord:
    """`record` as it was, for the dead-letter topic; `now` in seconds since the epoch.

    `batch_id` is the batch in which the item is accounted, where that is known: not always the one that it names.
    """
    letter = _copy(stage.dead_letters.name, record)
    given = dict(record.headers)
    ours: dict[str, bytes] = {
        Header.DLQ_TOPIC: record.topic.encode(),
        Header.DLQ_PARTITION: str(record.partition).encode(),
        Header.DLQ_OFFSET: str(record.offset).encode(),
        Header.DLQ_TIMESTAMP: str(record.timestamp).encode(),
        Header.DLQ_STAGE: stage.full_name.encode(),
        Header.DLQ_ERROR_CLASS: _error_class(reason.code).encode(),
        Header.DLQ_ERROR_CODE: reason.code.value.encode(),
        Header.DLQ_ERROR_MESSAGE: reason.detail[:MAX_MESSAGE].encode(errors="replace"),
        Header.DLQ_ATTEMPTS: str(attempt_of(given.get(Header.ATTEMPT))).encode(),
        Header.DLQ_FAILED_AT: b"%.3f" % now,
    }
    if batch_id is not None:
        ours[Header.BATCH_ID] = batch_id
    letter.headers = [(name, value) for name, value in letter.headers if name not in ours] + list(ours.items())
    return letter


def postponed(stage: Stage, record: Record, attempt: int, not_before: float) -> OutRecord:
    """`record` for the stage's retry topic: attempt number `attempt`, not to be read before `not_before`."""
    headers = dict(record.headers)
    headers[Header.ATTEMPT] = str(attempt).encode()
    headers[Header.NOT_BEFORE] = b"%.3f" % not_before
    return OutRecord(stage.retry_topic, record.key or b"", record.value or b"", list(headers.items()), record.partition)


def not_before(record: Record) -> float:
    """Earliest time to work on a record, in seconds since the epoch; 0 for records that need not wait."""
    for name, value in record.headers:
        if name == Header.NOT_BEFORE:
            try:
                moment = float(value)
            except (ValueError, TypeError):
                return 0.0
            return moment if math.isfinite(moment) else 0.0
    return 0.0


def _copy(topic: str, record: Record) -> OutRecord:
    """The record itself, or as much of it as a record batch holds."""
    key, value, headers = record.key or b"", record.value or b"", list(record.headers)
    size = len(key) + len(value) + _size(headers)
    if size > MAX_RECORD_BYTES:
        headers = [(name, text) for name, text in headers if _size([(name, text)]) <= _MAX_CUT_HEADER][
            :_MAX_CUT_HEADERS
        ]
        headers.append((Header.DLQ_ORIGINAL_BYTES, str(size).encode()))
        key = key[:_MAX_CUT_KEY]
        value = value[: MAX_RECORD_BYTES - len(key) - _size(headers)]
    return OutRecord(topic, key, value, headers, record.partition)


def _size(headers: Sequence[tuple[str, bytes | None]]) -> int:
    return sum(len(name) + len(value or b"") for name, value in headers)


def _error_class(code: RejectCode) -> str:
    if code in _INVALID:
        return "InvalidMessage"
    return "TransientFailure" if code is RejectCode.RETRIES_EXHAUSTED else "RejectedItem"
