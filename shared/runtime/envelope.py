"""What surrounds a message: identity, batch, attempt, trail. Read from and written to record headers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from pydantic import TypeAdapter

from schemas.delivery import Header, StageRun

Headers = Sequence[tuple[str, bytes]]
_TRAIL = TypeAdapter(list[StageRun])
_PASSED_ON = (Header.PROVIDER, Header.TRACESTATE)


class Record(Protocol):
    """A consumed Kafka record, as far as the runtime looks at it. `timestamp` is in ms since the epoch."""

    @property
    def topic(self) -> str:
        """Name of the topic it was read from."""

    @property
    def partition(self) -> int:
        """Partition of the topic."""

    @property
    def offset(self) -> int:
        """Place in the partition."""

    @property
    def timestamp(self) -> int:
        """When it was written, in ms since the epoch."""

    @property
    def key(self) -> bytes | None:
        """Its key."""

    @property
    def value(self) -> bytes | None:
        """Its payload."""

    @property
    def headers(self) -> Headers:
        """Its headers, in order."""


# The classes below are made once a message. They are not frozen because that would double what making one costs.


@dataclass(slots=True)
class OutRecord:
    """A record to publish. `partition` None: chosen by the hash of the key."""

    topic: str
    key: bytes
    value: bytes
    headers: list[tuple[str, bytes]]
    partition: int | None = None


@dataclass(slots=True)
class Envelope:
    """The delivery facts of one message; headers stay bytes until somebody asks."""

    item_id: str
    record: Record
    headers: dict[str, bytes]

    @property
    def batch_id(self) -> str:
        """The batch the item is accounted in."""
        return self.headers[Header.BATCH_ID].decode()

    @property
    def ingested_at(self) -> float:
        """When the item entered the pipeline, in seconds since the epoch."""
        return float(self.headers[Header.INGESTED_AT])

    @property
    def attempt(self) -> int:
        """How often this stage has been given the item, this time included."""
        return _number(self.headers.get(Header.ATTEMPT), 1)

    @property
    def provider(self) -> str:
        """The provider chosen for the item's request, empty if none was."""
        return self.headers.get(Header.PROVIDER, b"").decode()

    @property
    def trail(self) -> bytes:
        """JSON objects (StageRun) joined by commas: appended to by every stage, parsed only where it is stored."""
        return self.headers.get(Header.TRAIL, b"")


class Envelopes(tuple[Envelope, ...]):
    """The envelopes of a batch, in the order of its messages. A stage that needs them asks for this type."""

    __slots__ = ()


def rolling_batch_id(timestamp_ms: int) -> str:
    """Batch of a record that names none: one per hour of its timestamp, the same however often it is read."""
    return datetime.fromtimestamp(timestamp_ms / 1000, UTC).strftime("rolling-%Y%m%dT%H")


def open_envelope(
    record: Record, item_id: str, headers: dict[str, bytes], new_traceparent: Callable[[], bytes]
) -> Envelope:
    """Envelope of `record`; what a foreign producer left out is derived so that a redelivery derives the same."""
    if Header.BATCH_ID not in headers:
        headers[Header.BATCH_ID] = rolling_batch_id(record.timestamp).encode()
    if Header.INGESTED_AT not in headers:
        headers[Header.INGESTED_AT] = b"%.3f" % (record.timestamp / 1000)
    if Header.TRACEPARENT not in headers:
        headers[Header.TRACEPARENT] = new_traceparent()
    return Envelope(item_id, record, headers)


def _number(raw: bytes | None, default: int) -> int:
    try:
        return int(raw) if raw else default
    except ValueError:
        return default


def output_headers(
    envelope: Envelope, common: Headers, run: bytes, trail: bytes | None = None
) -> list[tuple[str, bytes]]:
    """Headers of an output of `envelope`'s item; `common` are those that a whole batch shares."""
    given = envelope.headers
    before = given.get(Header.TRAIL) if trail is None else trail
    headers = [
        *common,
        (Header.BATCH_ID, given[Header.BATCH_ID]),
        (Header.INGESTED_AT, given[Header.INGESTED_AT]),
        (Header.TRACEPARENT, given[Header.TRACEPARENT]),
        (Header.TRAIL, before + b"," + run if before else run),
    ]
    headers.extend((name, given[name]) for name in _PASSED_ON if name in given)
    return headers


def parse_trail(trail: bytes) -> list[StageRun]:
    """The trail as objects, in the order in which the stages ran."""
    return _TRAIL.validate_json(b"[" + trail + b"]")


def last_run(trail: bytes) -> bytes:
    """The newest entry of a trail. Entries are flat objects, so none contains the boundary."""
    return b"{" + trail.rpartition(b"},{")[2] if b"},{" in trail else trail
