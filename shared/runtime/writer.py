"""Output records of one batch; what its items share is encoded once."""

from collections.abc import Callable
from typing import Any, NamedTuple

from schemas.base import Contract
from schemas.delivery import Header, RejectCode, StageRun
from shared.errors import PermanentError
from shared.runtime.codec import encode
from shared.runtime.declaration import Stage
from shared.runtime.envelope import Envelope, OutRecord, output_headers
from shared.runtime.outcome import Emit, Usage
from shared.runtime.sizes import EDGE_OUTPUT_BYTES, INNER_OUTPUT_BYTES


class _Output(NamedTuple):
    """Where messages of one type go."""

    topic: str
    common: list[tuple[str, bytes]]
    to_json: Callable[..., bytes]
    key: str


class Writer:
    """Writes what a stage emits. `now` in seconds since the epoch, `share_ms` an item's part of the batch's time."""

    def __init__(self, stage: Stage, now: float, share_ms: float) -> None:
        self._stage = stage
        self._now = now
        self._share_ms = share_ms
        self._max_bytes = EDGE_OUTPUT_BYTES if stage.edge else INNER_OUTPUT_BYTES
        self._outputs: dict[type[Contract], _Output] = {}
        self._last: tuple[Usage | None, bytes | None, bytes] = (None, None, b"")

    def write(self, envelope: Envelope, outcome: Emit, records: list[OutRecord]) -> None:
        """Append the records of one item, each in the partition the item came from, unless it has a key of its own.

        Raises PermanentError.
        """
        run = self._run(outcome.usage, envelope)
        record = envelope.record
        for message in outcome.messages:
            topic, common, to_json, key = self._outputs.get(type(message)) or self._output(message)
            headers = output_headers(envelope, common, run, outcome.trail)
            value = to_json(message, exclude_defaults=True)
            if len(value) > self._max_bytes:
                detail = f"written out anew the item has {len(value)} bytes; the limit is {self._max_bytes}"
                raise PermanentError(RejectCode.TOO_LARGE, detail)
            if key:
                records.append(OutRecord(topic, getattr(message, key).encode(), value, headers))
            else:
                records.append(OutRecord(topic, envelope.item_id.encode(), value, headers, record.partition))

    def _output(self, message: Contract) -> _Output:
        topic = self._stage.output_for(message)
        common: list[tuple[str, bytes]] = [
            (Header.SCHEMA_VERSION, str(topic.schema_version).encode()),
            (Header.ATTEMPT, b"1"),
            (Header.PRODUCED_AT, b"%.3f" % self._now),
        ]
        output = _Output(topic.name, common, message.__pydantic_serializer__.to_json, topic.key)
        self._outputs[type(message)] = output
        return output

    def _run(self, usage: Usage, envelope: Envelope) -> bytes:
        attempt = envelope.headers.get(Header.ATTEMPT)
        if self._last[0] is not usage or self._last[1] != attempt:
            self._last = (
                usage,
                attempt,
                _stage_run(self._stage.name, self._now, self._share_ms, envelope.attempt, usage),
            )
        return self._last[2]


def _stage_run(stage: str, now: float, duration_ms: float, attempt: int, usage: Usage) -> bytes:
    fields: dict[str, Any] = {name: getattr(usage, name) for name in Usage.__slots__}
    run = StageRun(
        stage=stage, started_at=int(now * 1000), duration_ms=round(duration_ms, 3), attempt=attempt, **fields
    )
    return encode(run)
