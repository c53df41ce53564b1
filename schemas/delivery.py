"""What every pipeline's records carry beside their payload: headers, trail, dead letters, batch events."""

from enum import StrEnum
from typing import Final

from schemas.base import Contract


class Header:
    """Names of the record headers, as plain strings because the Kafka client takes nothing else. Values are UTF-8."""

    BATCH_ID: Final = "batch_id"
    SCHEMA_VERSION: Final = "schema_version"
    ATTEMPT: Final = "attempt"
    PRODUCED_AT: Final = "produced_at"
    INGESTED_AT: Final = "ingested_at"
    PROVIDER: Final = "provider"
    TRACEPARENT: Final = "traceparent"
    TRACESTATE: Final = "tracestate"
    TRAIL: Final = "trail"
    NOT_BEFORE: Final = "not_before"
    DLQ_TOPIC: Final = "x-dlq-topic"
    DLQ_PARTITION: Final = "x-dlq-partition"
    DLQ_OFFSET: Final = "x-dlq-offset"
    DLQ_TIMESTAMP: Final = "x-dlq-timestamp"
    DLQ_STAGE: Final = "x-dlq-stage"
    DLQ_ERROR_CLASS: Final = "x-dlq-error-class"
    DLQ_ERROR_CODE: Final = "x-dlq-error-code"
    DLQ_ERROR_MESSAGE: Final = "x-dlq-error-message"
    DLQ_ATTEMPTS: Final = "x-dlq-attempts"
    DLQ_FAILED_AT: Final = "x-dlq-failed-at"
    DLQ_ORIGINAL_BYTES: Final = "x-dlq-original-bytes"
    """Only where the copy had to be cut; the whole record is where it was."""
    DLQ_WHOLE: Final = "x-dlq-whole"
    """Only where the stage has made the record itself, of a part of what it was given: it can come back as it is."""
    DLQ_CYCLE: Final = "x-dlq-cycle"
    """How often the record has been replayed. It has this itself, and so has its dead letter if it fails again."""
    DLQ_LETTERS: Final = "x-dlq-letters"
    """The dead letters that it was before, by id, the oldest first, comma between."""


class RejectCode(StrEnum):
    """Closed list of reasons for a dead letter."""

    NOT_JSON = "not-json"
    WRONG_SCHEMA = "wrong-schema"
    UNKNOWN_SCHEMA_VERSION = "unknown-schema-version"
    TOO_LARGE = "too-large"
    INVALID_VALUE = "invalid-value"
    INCOMPLETE = "incomplete"
    CONTRADICTORY = "contradictory"
    NO_ANSWER = "no-answer"
    """No model that was asked gave a usable answer."""
    RETRIES_EXHAUSTED = "retries-exhausted"
    HANDLER_ERROR = "handler-error"


class StageRun(Contract):
    """One entry of an item's trail: what one stage did to it. Times in ms, cost in US dollars."""

    stage: str
    started_at: int
    """Milliseconds since the epoch."""
    duration_ms: float
    """The item's share of its batch's duration."""
    attempt: int = 1
    provider: str = ""
    model: str = ""
    tokens_in: int = 0
    tokens_out: int = 0
    cost_usd: float = 0.0


class BatchCompleted(Contract):
    """<pipeline>.batch-completed: published once, when every item of a batch has a final status."""

    batch_id: str
    pipeline: str
    total: int
    completed: int
    needs_human: int
    dead_lettered: int
    duration_ms: float
    cost_usd: float
