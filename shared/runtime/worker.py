"""The heart: one batch of one stage, from raw records to durable results.

decode and validate each record → handler → publish results and dead letters, every one acknowledged → commit.
Nothing is committed before that; whatever fails in between is read again.
"""

import asyncio
import random
import secrets
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

import structlog

from schemas.base import Contract
from schemas.delivery import Header, RejectCode, StageRun
from shared.errors import HaltStage, PermanentError, TransientError
from shared.runtime.clock import Clock
from shared.runtime.codec import Decoder, Received, Refused, encode, new_traceparent
from shared.runtime.dead_letters import dead_letter, not_before, postponed
from shared.runtime.declaration import Stage, Topic
from shared.runtime.envelope import Envelope, Envelopes, OutRecord, Record, output_headers
from shared.runtime.outcome import Emit, Outcome, Reject, Usage
from shared.runtime.policy import DeadLetterGuard, RetryPolicy
from shared.runtime.measure import StageMetrics

log = structlog.get_logger()

Publish = Callable[[Sequence[OutRecord]], Awaitable[None]]
"""Returns when every record is acknowledged by all in-sync replicas. Raises TransientError."""


class Input(Protocol):
    """The consumer, as far as a worker steers it. Offsets are of the next record to read."""

    async def commit(self, offsets: Mapping[tuple[str, int], int]) -> bool:
        """Store the offsets; False when the group refused them (the records will come again)."""
        ...

    def rewind(self, offsets: Mapping[tuple[str, int], int]) -> None:
        """Read again from the offsets."""
        ...

    def hold(self, partition: tuple[str, int], offset: int, seconds: float) -> None:
        """Read the partition again from `offset`, but not within the next `seconds`."""
        ...


@dataclass(frozen=True, slots=True)
class Postpone:
    """The runtime's own third outcome: in-place retries ran out."""

    detail: str


class State(StrEnum):
    """What a stage is doing; READY ones take part in readiness."""

    STARTING = "starting"
    RUNNING = "running"
    PAUSED = "paused"
    DRAINING = "draining"
    HALTED = "halted"


ResourceFactory = Callable[[type, Stage, Envelopes], Any]


@dataclass(frozen=True, slots=True)
class WorkerLimits:
    """Bounds of one call. Bytes of one message; seconds that one call may take before it returns to poll."""

    message_bytes: int = 512 * 1024
    call_seconds: float = 100.0


class StageWorker:
    """Works the batches of one stage. One call of `process` at a time."""

    def __init__(  # noqa: PLR0913 -- the wiring of a stage; everything is injected
        self,
        stage: Stage,
        key_field: str,
        publish: Publish,
        resources: ResourceFactory,
        *,
        clock: Clock,
        retry: RetryPolicy,
        guard: DeadLetterGuard,
        limits: WorkerLimits,
    ) -> None:
        self.stage = stage
        self.state = State.STARTING
        self.reason = ""
        self.stopping = asyncio.Event()
        self.metrics = StageMetrics(stage)
        self._decoder = Decoder(stage.reads, key_field if stage.edge else None, limits.message_bytes)
        self._publish = publish
        self._resources = resources
        self._clock = clock
        self._retry = retry
        self._guard = guard
        self._limits = limits
        self._jitter = random.Random(secrets.randbits(64))  # noqa: S311 -- spreads retries, guards nothing
        self._pauses = 0
        self._busy_since: float | None = None

    def busy_seconds(self) -> float:
        """How long the call in hand has taken; 0 between calls."""
        return 0.0 if self._busy_since is None else self._clock.monotonic() - self._busy_since

    # --- one fetch ----------------------------------------------------------------------------

    async def process(self, records: Sequence[Record], source: Input) -> None:
        """Work `records` in slices and commit each; what cannot be finished now is read again later."""
        self._busy_since = self._clock.monotonic()
        try:
            await self._process(records, source, self._busy_since)
        finally:
            self._busy_since = None

    async def _process(self, records: Sequence[Record], source: Input, began: float) -> None:
        todo = self._due(records, source)
        while todo and not self._must_return(began):
            part, rest = todo[: self.stage.batch.records], todo[self.stage.batch.records :]
            if not await self._worked(part):
                break
            if not await source.commit(_next_offsets(part)):
                self.metrics.commit_failures.inc()
            todo = rest
        if todo:
            source.rewind(_first_offsets(todo))

    def _must_return(self, began: float) -> bool:
        late = self._clock.monotonic() - began > self._limits.call_seconds
        return late or self.stopping.is_set() or self.state is State.HALTED

    def _due(self, records: Sequence[Record], source: Input) -> Sequence[Record]:
        """Records that need not wait. A partition whose next record must wait is held from there on."""
        if all(record.topic != self.stage.retry_topic for record in records):
            return records
        now, held, due = self._clock.now(), set[tuple[str, int]](), list[Record]()
        for record in records:
            place, wait = (record.topic, record.partition), not_before(record) - now
            if place in held:
                continue
            if record.topic == self.stage.retry_topic and wait > 0:
                held.add(place)
                source.hold(place, record.offset, wait)
            else:
                due.append(record)
        return due

    async def _worked(self, records: Sequence[Record]) -> bool:
        """Whether the slice is durable. If not, the stage has paused or halted and says why."""
        try:
            await self._work(records)
        except HaltStage as error:
            self._enter(State.HALTED, str(error))
            return False
        except TransientError as error:
            self._enter(State.PAUSED, str(error))
            self._pauses += 1
            await self._clock.wait(self._retry.in_place_delay(self._pauses, error.retry_after, self._jitter), self.stopping)
            return False
        self._pauses = 0
        self._enter(State.DRAINING if self.stopping.is_set() else State.RUNNING)
        return True

    def _enter(self, state: State, reason: str = "") -> None:
        if state is not self.state or reason != self.reason:
            self.state, self.reason = state, reason
            self.metrics.state(state)
            if reason:
                log.warning("stage " + state, stage=self.stage.full_name, reason=reason)

    def started(self) -> None:
        """The consumer is running."""
        self._enter(State.RUNNING)

    def drain(self) -> None:
        """Finish the batch in hand, start nothing new, cut waits short."""
        self.stopping.set()
        self._enter(State.DRAINING)

    # --- one slice ----------------------------------------------------------------------------

    async def _work(self, records: Sequence[Record]) -> None:
        with self.metrics.batch(len(records)):
            began, now = self._clock.monotonic(), self._clock.now()
            decoded = self._decoder.decode(records, new_traceparent)
            received = [item for item in decoded if isinstance(item, Received)]
            outcomes = await self._handle(received)
            share = (self._clock.monotonic() - began) * 1000 / len(records)
            refused = [item for item in decoded if isinstance(item, Refused)]
            self._check_rejections(refused, outcomes)
            await self._publish(self._outputs(received, outcomes, refused, now, share))
        self.metrics.count(received, outcomes, len(refused), self._clock.now())
        self._log_batch(records, outcomes, refused, self._clock.monotonic() - began)

    async def _handle(self, received: Sequence[Received]) -> Sequence[Outcome | Postpone]:
        """Outcomes of all; in-place retries while the failure may pass, halves when one item breaks the handler."""
        if not received:
            return []
        began, failures = self._clock.monotonic(), 0
        while True:
            try:
                return await self._call(received)
            except TransientError as error:
                failures += 1
                delay = self._retry.in_place_delay(failures, error.retry_after, self._jitter)
                if self.stopping.is_set():
                    raise
                if self._clock.monotonic() - began + delay > self._retry.in_place_budget:
                    return self._give_up(received, error)
                self.metrics.retries.inc()
                self._enter(State.PAUSED, str(error))
                await self._clock.wait(delay, self.stopping)
            except PermanentError as error:
                if len(received) == 1:
                    return [Reject(error.code, error.detail)]
                return await self._halves(received)
            except HaltStage:
                raise
            except Exception as error:
                if len(received) == 1:
                    log.exception("handler failed", stage=self.stage.full_name)
                    return [Reject(RejectCode.HANDLER_ERROR, f"{type(error).__name__} in {self.stage.full_name}")]
                return await self._halves(received)

    async def _halves(self, received: Sequence[Received]) -> Sequence[Outcome | Postpone]:
        middle = len(received) // 2
        return [*await self._handle(received[:middle]), *await self._handle(received[middle:])]

    def _give_up(self, received: Sequence[Received], error: TransientError) -> Sequence[Postpone]:
        if self.stage.sink:
            raise error
        return [Postpone(str(error))] * len(received)

    async def _call(self, received: Sequence[Received]) -> Sequence[Outcome]:
        envelopes = Envelopes(item.envelope for item in received)
        wanted = {name: self._resources(kind, self.stage, envelopes) for name, kind in self.stage.resources.items()}
        outcomes = await self.stage.handler([item.message for item in received], **wanted)
        if len(outcomes) != len(received):
            raise HaltStage(f"{self.stage.full_name} gave {len(outcomes)} outcomes for {len(received)} messages")
        return outcomes

    def _check_rejections(self, refused: Sequence[Refused], outcomes: Sequence[Outcome | Postpone]) -> None:
        if not self.stage.edge and not self.stage.sink:
            rejected = [True] * len(refused) + [isinstance(outcome, Reject) for outcome in outcomes]
            self._guard.observe(self.stage.full_name, rejected)

    # --- outputs ------------------------------------------------------------------------------

    def _outputs(
        self,
        received: Sequence[Received],
        outcomes: Sequence[Outcome | Postpone],
        refused: Sequence[Refused],
        now: float,
        share_ms: float,
    ) -> list[OutRecord]:
        writer = _Writer(self.stage, now, share_ms)
        records = [dead_letter(self.stage, item.record, item.reason, now) for item in refused]
        for item, outcome in zip(received, outcomes, strict=True):
            if isinstance(outcome, Emit):
                records.extend(writer.write(item.envelope, outcome))
            elif isinstance(outcome, Reject):
                records.append(dead_letter(self.stage, item.envelope.record, outcome, now))
            else:
                records.append(self._postpone(item.envelope, outcome, now))
        return records

    def _postpone(self, envelope: Envelope, outcome: Postpone, now: float) -> OutRecord:
        delay = self._retry.topic_delay(envelope.attempt)
        if delay is None:
            reason = Reject(RejectCode.RETRIES_EXHAUSTED, f"gave up after {envelope.attempt} attempts: {outcome.detail}")
            return dead_letter(self.stage, envelope.record, reason, now)
        return postponed(self.stage, envelope.record, envelope.attempt + 1, now + delay)

    def _log_batch(
        self, records: Sequence[Record], outcomes: Sequence[Outcome | Postpone], refused: Sequence[Refused], seconds: float
    ) -> None:
        log.info(
            "batch",
            stage=self.stage.full_name,
            records=len(records),
            refused=len(refused) + sum(isinstance(outcome, Reject) for outcome in outcomes),
            postponed=sum(isinstance(outcome, Postpone) for outcome in outcomes),
            seconds=round(seconds, 4),
        )


class _Writer:
    """Output records of one slice; what its items share is encoded once."""

    def __init__(self, stage: Stage, now: float, share_ms: float) -> None:
        self._stage = stage
        self._now = now
        self._share_ms = share_ms
        self._topics: dict[type[Contract], tuple[Topic[Any], list[tuple[str, bytes]]]] = {}
        self._runs: dict[tuple[Usage, int], bytes] = {}

    def write(self, envelope: Envelope, outcome: Emit) -> Iterator[OutRecord]:
        """Records for the outputs of one item, in the partition it came from."""
        run = self._run(outcome.usage, envelope.attempt)
        for message in outcome.messages:
            topic, common = self._topic(type(message), message)
            headers = output_headers(envelope, common, run, outcome.trail)
            yield OutRecord(topic.name, envelope.item_id.encode(), encode(message), headers, envelope.record.partition)

    def _topic(self, kind: type[Contract], message: Contract) -> tuple[Topic[Any], list[tuple[str, bytes]]]:
        if kind not in self._topics:
            topic = self._stage.output_for(message)
            common: list[tuple[str, bytes]] = [
                (Header.SCHEMA_VERSION, str(topic.schema_version).encode()),
                (Header.ATTEMPT, b"1"),
                (Header.PRODUCED_AT, b"%.3f" % self._now),
            ]
            self._topics[kind] = topic, common
        return self._topics[kind]

    def _run(self, usage: Usage, attempt: int) -> bytes:
        if (usage, attempt) not in self._runs:
            self._runs[usage, attempt] = stage_run(self._stage.name, self._now, self._share_ms, attempt, usage)
        return self._runs[usage, attempt]


def stage_run(stage: str, now: float, duration_ms: float, attempt: int, usage: Usage) -> bytes:
    """One trail entry (schemas.delivery.StageRun) as JSON."""
    return encode(
        StageRun(
            stage=stage,
            started_at=int(now * 1000),
            duration_ms=round(duration_ms, 3),
            attempt=attempt,
            provider=usage.provider,
            model=usage.model,
            tokens_in=usage.tokens_in,
            tokens_out=usage.tokens_out,
            cost_usd=usage.cost_usd,
        )
    )


def _next_offsets(records: Sequence[Record]) -> dict[tuple[str, int], int]:
    return {(record.topic, record.partition): record.offset + 1 for record in records}


def _first_offsets(records: Sequence[Record]) -> dict[tuple[str, int], int]:
    return {(record.topic, record.partition): record.offset for record in reversed(records)}
