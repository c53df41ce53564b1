"""Publishing outside a batch: events and dead letters that a sweep has found."""

import hashlib
from collections.abc import Awaitable, Callable, Sequence

from schemas.base import Contract
from schemas.delivery import Header
from shared.runtime.clock import Clock
from shared.runtime.codec import encode
from shared.runtime.dead_letters import dead_letter
from shared.runtime.declaration import Stage
from shared.runtime.envelope import Headers, OutRecord
from shared.runtime.outcome import Reject
from shared.telemetry.trace_context import new_traceparent


class StoredRecord:
    """A record that a stage put by in its database. It has no offset any more: a negative number stands for it."""

    def __init__(self, topic: str, partition: int, key: str, value: bytes, headers: Headers, timestamp: int) -> None:
        self.topic = topic
        self.partition = partition
        self.key = key.encode()
        self.value = value
        self.headers = headers
        self.timestamp = timestamp
        known = dict(headers)
        identity = repr((topic, partition, key, known.get(Header.BATCH_ID), known.get(Header.DLQ_CYCLE))).encode()
        self.offset = -1 - int.from_bytes(hashlib.sha256(identity).digest()[:7])


class Outbox:
    """What a sweep asks for to publish. Every call returns when the broker has it all."""

    def __init__(self, stage: Stage, publish: Callable[[Sequence[OutRecord]], Awaitable[None]], clock: Clock) -> None:
        self._stage = stage
        self._publish = publish
        self._clock = clock

    @property
    def topics(self) -> list[str]:
        """Names of the topics that the stage may write to."""
        return [topic.name for topic in self._stage.writes]

    async def send(self, events: Sequence[tuple[str, Contract]]) -> None:
        """Publish (key, message) pairs to the topics of their types. Each event is the beginning of a trace."""
        await self.forward([self._event(key, message) for key, message in events])

    async def forward(self, records: Sequence[OutRecord]) -> None:
        """Publish records that were made before, as of now."""
        stamp = (Header.PRODUCED_AT, b"%.3f" % self._clock.now())
        for record in records:
            record.headers.append(stamp)
        await self._publish(records)

    def _event(self, key: str, message: Contract) -> OutRecord:
        topic = self._stage.output_for(message)
        headers = [
            (Header.SCHEMA_VERSION, str(topic.schema_version).encode()),
            (Header.ATTEMPT, b"1"),
            (Header.TRACEPARENT, new_traceparent()),
        ]
        if batch_id := getattr(message, "batch_id", ""):
            headers.append((Header.BATCH_ID, batch_id.encode()))
        return OutRecord(topic.name, key.encode(), encode(message), headers)

    async def bury(self, records: Sequence[tuple[StoredRecord, Reject]]) -> None:
        """Publish dead letters. One whose record has no trace context begins a trace."""
        now = self._clock.now()
        letters = [dead_letter(self._stage, record, reason, now) for record, reason in records]
        for letter in letters:
            known = dict(letter.headers)
            missing = {Header.ATTEMPT: b"1", Header.PRODUCED_AT: b"%.3f" % now, Header.TRACEPARENT: new_traceparent()}
            letter.headers += [(name, value) for name, value in missing.items() if name not in known]
        await self._publish(letters)
