"""What surrounds a message: identity, batch, attempt, trail. Read from and written to record headers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from pydantic import TypeAdapter

from schemas.delivery import Header, StageRun

Headers = Sequence[tuple[str, bytes]]
_TRAIL = TypeAdapter(list[StageRun])


class Record(Protocol):
    """A consumed Kafka record, as far as the runtime looks at it. `timestamp` is in ms since the epoch."""

    @property
    def topic(self) -> str: ...
    @property
    def partition(self) -> int: ...
    @property
    def offset(self) -> int: ...
    @property
    def timestamp(self) -> int: ...
    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def headers(self) -> Headers: ...


@dataclass(frozen=True, slots=True)
class OutRecord:
    """A record to publish. `partition` None: chosen by the hash of the key."""

    topic: str
    key: bytes
    value: bytes
    headers: list[tuple[str, bytes]]
    partition: int | None = None


@dataclass(frozen=True, slots=True)
class Envelope:
    """The delivery facts of one message. Times are seconds since the epoch."""

    item_id: str
    batch_id: str
    attempt: int
    ingested_at: float
    provider: str
    trail: bytes
    """JSON objects (StageRun) joined by commas: appended to by every stage, parsed only where it is stored."""
    traceparent: bytes
    record: Record


class Envelopes(tuple[Envelope, ...]):
    """The envelopes of a batch, in the order of its messages. A stage that needs them asks for this type."""

    __slots__ = ()


def rolling_batch_id(timestamp_ms: int) -> str:
    """Batch of a record that names none: one per hour of its timestamp, the same however often it is read."""
    return datetime.fromtimestamp(timestamp_ms / 1000, UTC).strftime("rolling-%Y%m%dT%H")


def open_envelope(record: Record, item_id: str, new_traceparent: Callable[[], bytes]) -> Envelope:
    """Envelope of `record`; what a foreign producer left out is derived so that a redelivery derives the same."""
    headers = dict(record.headers)
    ingested = headers.get(Header.INGESTED_AT)
    batch = headers.get(Header.BATCH_ID)
    return Envelope(
        item_id=item_id,
        batch_id=batch.decode() if batch else rolling_batch_id(record.timestamp),
        attempt=_number(headers.get(Header.ATTEMPT), 1),
        ingested_at=float(ingested) if ingested else record.timestamp / 1000,
        provider=headers.get(Header.PROVIDER, b"").decode(),
        trail=headers.get(Header.TRAIL, b""),
        traceparent=headers.get(Header.TRACEPARENT) or new_traceparent(),
        record=record,
    )


def _number(raw: bytes | None, default: int) -> int:
    try:
        return int(raw) if raw else default
    except ValueError:
        return default


def output_headers(
    envelope: Envelope, common: Headers, run: bytes, trail: bytes | None = None
) -> list[tuple[str, bytes]]:
    """Headers of an output of `envelope`'s item; `common` are those that a whole batch shares."""
    before = envelope.trail if trail is None else trail
    trail = before + b"," + run if before else run
    headers = [
        *common,
        (Header.BATCH_ID, envelope.batch_id.encode()),
        (Header.INGESTED_AT, b"%.3f" % envelope.ingested_at),
        (Header.TRACEPARENT, envelope.traceparent),
        (Header.TRAIL, trail),
    ]
    if envelope.provider:
        headers.append((Header.PROVIDER, envelope.provider.encode()))
    return headers


def parse_trail(trail: bytes) -> list[StageRun]:
    """The trail as objects, in the order in which the stages ran."""
    return _TRAIL.validate_json(b"[" + trail + b"]")



def last_run(trail: bytes) -> bytes:
    """The newest entry of a trail. Entries are flat objects, so none contains the boundary."""
    return b"{" + trail.rpartition(b"},{")[2] if b"},{" in trail else trail
