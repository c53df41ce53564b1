"""Records for the dead-letter and retry topics: the original bytes, with what happened in headers."""

from schemas.delivery import Header, RejectCode
from shared.runtime.declaration import Stage
from shared.runtime.envelope import OutRecord, Record
from shared.runtime.outcome import Reject

MAX_MESSAGE = 500


def dead_letter(stage: Stage, record: Record, reason: Reject, now: float) -> OutRecord:
    """`record` as it was, for the dead-letter topic; `now` in seconds since the epoch."""
    headers = dict(record.headers)
    attempts = headers.get(Header.ATTEMPT, b"1")
    headers.update(
        {
            Header.DLQ_TOPIC: record.topic.encode(),
            Header.DLQ_PARTITION: str(record.partition).encode(),
            Header.DLQ_OFFSET: str(record.offset).encode(),
            Header.DLQ_TIMESTAMP: str(record.timestamp).encode(),
            Header.DLQ_STAGE: stage.full_name.encode(),
            Header.DLQ_ERROR_CLASS: _error_class(reason.code).encode(),
            Header.DLQ_ERROR_CODE: reason.code.value.encode(),
            Header.DLQ_ERROR_MESSAGE: reason.detail[:MAX_MESSAGE].encode(),
            Header.DLQ_ATTEMPTS: attempts,
            Header.DLQ_FAILED_AT: b"%.3f" % now,
        }
    )
    return OutRecord(
        stage.dead_letters.name, record.key or b"", record.value or b"", list(headers.items()), record.partition
    )


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
            return float(value)
    return 0.0


def _error_class(code: RejectCode) -> str:
    invalid = {RejectCode.NOT_JSON, RejectCode.WRONG_SCHEMA, RejectCode.UNKNOWN_SCHEMA_VERSION, RejectCode.TOO_LARGE}
    if code in invalid:
        return "InvalidMessage"
    return "TransientFailure" if code is RejectCode.RETRIES_EXHAUSTED else "RejectedItem"
