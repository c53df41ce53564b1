"""What surrounds a message: identity, batch, attempt, trail. Read from and written to record headers."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from pydantic import TypeAdapter

from schemas.delivery import Header, StageRun

Headers = Sequence[tuple[str, bytes]]
_TRAIL = TypeAdapter(list[StageRun])
_LAST_ATTEMPT = 1000
_LAST_TIMESTAMP_MS = 32_503_680_000_000
"""The year 3000."""
MAX_HEADER_BYTES = 64 * 1024
"""Of all header values of a record together: an output carries its input's headers on."""


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
        return attempt_of(self.headers.get(Header.ATTEMPT))

    @property
    def provider(self) -> str:
        """The provider chosen for the item's request, empty if none was."""
        return self.headers.get(Header.PROVIDER, b"").decode()

    @property
    def trail(self) -> bytes:
        """JSON objects (StageRun) joined by commas: appended to by every stage, parsed only where it is stored."""
        return self.headers.get(Header.TRAIL, b"")

    def rebatch(self, batch_id: str) -> None:
        """Account the item, and what comes of it, in another batch."""
        self.headers[Header.BATCH_ID] = batch_id.encode()


class Envelopes(tuple[Envelope, ...]):
    """The envelopes of a batch, in the order of its messages. A stage that needs them asks for this type."""

    __slots__ = ()


def rolling_batch_id(timestamp_ms: int) -> str:
    """Batch of a record that names none: one per hour of its timestamp, the same however often it is read."""
    return moment_of(timestamp_ms).strftime("rolling-%Y%m%dT%H")


def moment_of(timestamp_ms: float) -> datetime:
    """When a record says it was written; producers may say anything, so what is out of range is 1970."""
    return datetime.fromtimestamp(timestamp_ms / 1000 if 0 <= timestamp_ms <= _LAST_TIMESTAMP_MS else 0, UTC)


def open_envelope(
    record: Record, item_id: str, headers: dict[str, bytes], new_traceparent: Callable[[], bytes]
) -> Envelope:
    """Envelope of `record`; what a foreign producer left out is derived so that a redelivery derives the same."""
    if Header.BATCH_ID not in headers:
        headers[Header.BATCH_ID] = rolling_batch_id(record.timestamp).encode()
    if Header.INGESTED_AT not in headers:
        headers[Header.INGESTED_AT] = b"%.3f" % moment_of(record.timestamp).timestamp()
    if Header.TRACEPARENT not in headers:
        headers[Header.TRACEPARENT] = new_traceparent()
    return Envelope(item_id, record, headers)


def attempt_of(raw: bytes | None) -> int:
    """The number in an attempt header; 1 where it makes no sense."""
    try:
        number = int(raw) if raw else 1
    except ValueError:
        return 1
    return number if 1 <= number <= _LAST_ATTEMPT else 1


MEANINGFUL: Mapping[str, re.Pattern[bytes]] = {
    Header.BATCH_ID: re.compile(rb"[A-Za-z0-9._:/~-]{1,200}"),
    Header.INGESTED_AT: re.compile(rb"\d{1,12}(\.\d{1,6})?"),
    Header.PROVIDER: re.compile(rb"[ -~]{0,100}"),
    Header.TRACEPARENT: re.compile(rb"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}"),
    Header.TRACESTATE: re.compile(rb"[ -~]{0,512}"),
}
"""What the headers that travel with an item may hold."""


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
    if Header.PROVIDER in given:
        headers.append((Header.PROVIDER, given[Header.PROVIDER]))
    if Header.TRACESTATE in given:
        headers.append((Header.TRACESTATE, given[Header.TRACESTATE]))
    return headers


def parse_trail(trail: bytes) -> list[StageRun]:
    """The trail as objects, in the order in which the stages ran."""
    return _TRAIL.validate_json(b"[" + trail + b"]")


def last_run(trail: bytes) -> bytes:
    """The newest entry of a trail. Entries are flat objects, so none contains the boundary."""
    return b"{" + trail.rpartition(b"},{")[2] if b"},{" in trail else trail
