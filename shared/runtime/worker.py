"""The heart: one batch of one stage, from raw records to durable results.

decode and validate each record → handler → publish results and dead letters, every one acknowledged → commit.
Nothing is committed before that; whatever fails in between is read again.
"""

import asyncio
import random
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import structlog

from schemas.delivery import Header, RejectCode
from shared.errors import HaltStage, PermanentError, TransientError, Unavailable, UsageError
from shared.runtime.clock import Clock
from shared.runtime.codec import Decoded, Decoder
from shared.runtime.dead_letters import dead_letter, not_before, postponed
from shared.runtime.declaration import Stage
from shared.runtime.envelope import Envelope, Envelopes, OutRecord, Record
from shared.runtime.input import Input, first_offsets, next_offsets
from shared.runtime.measure import StageMetrics
from shared.runtime.outcome import Emit, Outcome, Reject
from shared.runtime.policy import DeadLetterGuard, RetryPolicy
from shared.runtime.sizes import INNER_INPUT_BYTES
from shared.runtime.tracing import batch_trace
from shared.runtime.writer import Writer

log = structlog.get_logger()

HALTED_FETCH_SECONDS = 5.0
NOTHING_KNOWN: Mapping[str, bytes] = {}

Publish = Callable[[Sequence[OutRecord]], Awaitable[None]]
"""Returns when every record is acknowledged by all in-sync replicas. Raises TransientError."""


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


Messages = Sequence[Any]
"""Validated messages of one type, or records on a topic without a model."""

ResourceFactory = Callable[[type, Stage, Envelopes], Any]


@dataclass(frozen=True, slots=True)
class WorkerLimits:
    """Bounds of one call. Bytes of one message; seconds that one call may take before it returns to poll."""

    message_bytes: int = INNER_INPUT_BYTES
    call_seconds: float = 100.0
    trace_ratio: float = 0.0
    """Share of the messages without a trace of their own whose trace is recorded."""


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
        self.stopping = False
        self._is_last = stage.reads is stage.dead_letters
        self._hurry = asyncio.Event()
        self.metrics = StageMetrics(stage)
        key = key_field if stage.edge else None
        self._decoder = Decoder(stage.reads, key, limits.message_bytes, limits.trace_ratio)
        self._publish = publish
        self._resources = resources
        self._clock = clock
        self._retry = retry
        self._guard = guard
        self._limits = limits
        self._jitter = random.Random(secrets.randbits(64))  # noqa: S311 -- spreads retries, guards nothing
        self._pauses = 0
        self._waiting: dict[tuple[str, int], tuple[int, float]] = {}
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
        except Exception as error:
            # The consumer is past these records already: whatever goes wrong here, read them again.
            log.exception("fetch failed", stage=self.stage.full_name)
            source.rewind(first_offsets(records))
            await self._pause(f"{type(error).__name__}: {error}", None)
        finally:
            self._busy_since = None

    async def _process(self, records: Sequence[Record], source: Input, began: float) -> None:
        todo = self._due(records, source)
        while todo and not self._must_return(began):
            part, rest = todo[: self.stage.batch.records], todo[self.stage.batch.records :]
            if not await self._worked(part):
                break
            if not await source.commit(next_offsets(part)):
                self.metrics.commit_failures.inc()
            todo = rest
        if todo:
            source.rewind(first_offsets(todo))
        if self.state is State.HALTED:
            # Keeps its partitions and fetches now and then, so that its lag shows and nobody else walks into the same.
            await self._clock.wait(HALTED_FETCH_SECONDS, self._hurry)

    def _must_return(self, began: float) -> bool:
        late = self._clock.monotonic() - began > self._limits.call_seconds
        return late or self._hurry.is_set() or self.state is State.HALTED

    def _due(self, records: Sequence[Record], source: Input) -> Sequence[Record]:
        """Records that need not wait. A partition whose next record must wait is held from there on."""
        retries = self.stage.retry_topic
        if all(record.topic != retries for record in records):
            return records
        held, due = set[tuple[str, int]](), list[Record]()
        for record in records:
            place = (record.topic, record.partition)
            if place in held:
                continue
            if record.topic == retries and (wait := self._wait(record)) > 0:
                held.add(place)
                source.hold(place, record.offset, wait)
            else:
                due.append(record)
        return due

    def _wait(self, record: Record) -> float:
        """Seconds until a record of the retry topic is due: never more than we ourselves would have put it off.

        Its time is looked at once, for the wall clock may jump, and that of its writer may be another.
        """
        place, now, longest = (record.topic, record.partition), self._clock.monotonic(), self._retry.longest_topic_delay
        offset, due = self._waiting.get(place, (-1, 0.0))
        if offset != record.offset:
            moment = min(not_before(record), record.timestamp / 1000 + longest)
            due = now + min(moment - self._clock.now(), longest)
            self._waiting[place] = record.offset, due
        return due - now

    async def _worked(self, records: Sequence[Record]) -> bool:
        """Whether the slice is durable. If not, the stage has paused or halted and says why."""
        try:
            await self._work(records)
        except HaltStage as error:
            self._enter(State.HALTED, str(error))
            return False
        except TransientError as error:
            await self._pause(str(error), error.retry_after)
            return False
        except Exception as error:
            # A fault of ours or of a client library. Whatever it is, the records are not done: keep them and say so.
            log.exception("batch failed", stage=self.stage.full_name)
            await self._pause(f"{type(error).__name__}: {error}", None)
            return False
        self._pauses = 0
        self._enter(State.DRAINING if self.stopping else State.RUNNING)
        return True

    async def _pause(self, reason: str, retry_after: float | None) -> None:
        self._enter(State.PAUSED, reason)
        self._pauses += 1
        delay = self._retry.in_place_delay(self._pauses, retry_after, self._jitter)
        # However long it may take, the consumer has to be seen polling; what the call has taken so far counts.
        left = max(2 * self._limits.call_seconds - self.busy_seconds(), 0.0)
        await self._clock.wait(min(delay, self._limits.call_seconds, left), self._hurry)

    def _enter(self, state: State, reason: str = "") -> None:
        if state is not self.state or reason != self.reason:
            self.state, self.reason = state, reason
            self.metrics.state(state)
            if reason:
                log.warning("stage changed state", stage=self.stage.full_name, state=state.value, reason=reason)

    def started(self) -> None:
        """The consumer is running. That changes nothing for a stage that has paused, halted or drains."""
        if self.state is State.STARTING:
            self._enter(State.RUNNING)

    def cut_off(self, reason: str) -> None:
        """The consumer does not run, and why."""
        if self.state in {State.STARTING, State.RUNNING, State.PAUSED}:
            self._enter(State.STARTING, reason)

    def hand_over(self, now: bool) -> None:
        """While the group takes our partitions away: finish the slice in hand, start no other, cut waits short."""
        if now:
            self._hurry.set()
        elif not self.stopping:
            self._hurry.clear()

    def drain(self) -> None:
        """The same for good."""
        self.stopping = True
        self._hurry.set()
        self._enter(State.DRAINING)

    # --- one slice ----------------------------------------------------------------------------

    async def _work(self, records: Sequence[Record]) -> None:
        with self.metrics.batch(records), batch_trace(self.stage, records) as trace:
            began, now = self._clock.monotonic(), self._clock.now()
            batch = self._decoder.decode(records)
            trace.follow(batch.envelopes)
            outcomes = list(await self._handle(batch.messages, batch.envelopes))
            share = (self._clock.monotonic() - began) * 1000 / len(records)
            outputs = self._outputs(batch, outcomes, now, share)
            if self._is_last:
                _insist(outcomes)
            rejected = self._rejections(batch, outcomes)
            self._guard.check(self.stage.full_name, rejected)
            with trace.sending(outputs):
                await self._publish(outputs)
            trace.note(outcomes)
            self._guard.note(rejected)
        counts = self.metrics.count(batch, outcomes, self._clock.now())
        self._log_batch(counts, self._clock.monotonic() - began)

    async def _handle(self, messages: Messages, envelopes: Sequence[Envelope]) -> Sequence[Outcome | Postpone]:
        """Outcomes of all; in-place retries while the failure may pass, halves when one item breaks the handler."""
        if not messages:
            return []
        try:
            return await self._patiently(messages, envelopes)
        except (HaltStage, TransientError):
            raise
        except Exception as error:
            broken = error
        if len(messages) == 1:
            return [self._broken(broken)]
        middle = len(messages) // 2
        first = await self._handle(messages[:middle], envelopes[:middle])
        return [*first, *await self._handle(messages[middle:], envelopes[middle:])]

    async def _patiently(self, messages: Messages, envelopes: Sequence[Envelope]) -> Sequence[Outcome | Postpone]:
        """Call the handler again, with growing pauses, as long as its failure may pass and the budget lasts."""
        began, failures = self._clock.monotonic(), 0
        while True:
            try:
                return await self._call(messages, envelopes)
            except TransientError as error:
                failures += 1
                delay = self._retry.in_place_delay(failures, error.retry_after, self._jitter)
                if self._hurry.is_set():
                    raise
                if self._clock.monotonic() - began + delay > self._retry.in_place_budget:
                    return self._give_up(messages, error)
                self.metrics.retries.inc()
                self._enter(State.PAUSED, str(error))
            await self._clock.wait(delay, self._hurry)

    def _broken(self, error: Exception) -> Reject:
        if isinstance(error, PermanentError):
            return Reject(error.code, error.detail)
        log.error("handler failed", stage=self.stage.full_name, exc_info=error)
        return Reject(RejectCode.HANDLER_ERROR, f"{type(error).__name__} in {self.stage.full_name}")

    def _give_up(self, messages: Messages, error: TransientError) -> Sequence[Postpone]:
        if self.stage.waits or isinstance(error, Unavailable):
            raise error
        return [Postpone(str(error))] * len(messages)

    async def _call(self, messages: Messages, envelopes: Sequence[Envelope]) -> Sequence[Outcome]:
        group = Envelopes(envelopes)
        wanted = {name: self._resources(kind, self.stage, group) for name, kind in self.stage.resources.items()}
        try:
            outcomes = await self.stage.handler(messages, **wanted)
        except UsageError as error:  # a setting is wrong, no item is
            raise HaltStage(str(error)) from error
        if len(outcomes) != len(messages):
            raise HaltStage(f"{self.stage.full_name} gave {len(outcomes)} outcomes for {len(messages)} messages")
        return outcomes

    def _rejections(self, batch: Decoded, outcomes: Sequence[Outcome | Postpone]) -> Sequence[bool]:
        """What the guard counts: at the edge, where bad input is the sender's, only faults of our own."""
        if self.stage.edge:
            return [isinstance(o, Reject) and o.code is RejectCode.HANDLER_ERROR for o in outcomes]
        return [True] * len(batch.refused) + [isinstance(outcome, Reject) for outcome in outcomes]

    # --- outputs ------------------------------------------------------------------------------

    def _outputs(
        self, batch: Decoded, outcomes: list[Outcome | Postpone], now: float, share_ms: float
    ) -> list[OutRecord]:
        """What to publish. An outcome that cannot be written becomes a rejection."""
        writer, records = Writer(self.stage, now, share_ms), list[OutRecord]()
        for item in batch.refused:
            self._bury(item.record, item.reason, now, records)
        for index, (envelope, outcome) in enumerate(zip(batch.envelopes, outcomes, strict=True)):
            if isinstance(outcome, Emit):
                before = len(records)
                try:
                    writer.write(envelope, outcome, records)
                except Exception as error:
                    del records[before:]
                    outcomes[index] = broken = self._broken(error)
                    self._bury(envelope.record, broken, now, records, envelope.headers)
            elif isinstance(outcome, Reject):
                self._bury(envelope.record, outcome, now, records, envelope.headers)
            else:
                self._postpone(envelope, outcome, now, records)
        return records

    def _bury(
        self,
        record: Record,
        reason: Reject,
        now: float,
        records: list[OutRecord],
        known: Mapping[str, bytes] = NOTHING_KNOWN,
    ) -> None:
        if self._is_last:  # or it would come back to us for ever
            place = {"topic": record.topic, "partition": record.partition, "offset": record.offset}
            log.error("a dead letter cannot be kept; it stays on its topic", **place, reason=reason.detail)
        else:
            records.append(dead_letter(self.stage, record, reason, now, known.get(Header.BATCH_ID)))

    def _postpone(self, envelope: Envelope, outcome: Postpone, now: float, records: list[OutRecord]) -> None:
        delay = self._retry.topic_delay(envelope.attempt)
        if delay is None:
            detail = f"gave up after {envelope.attempt} attempts: {outcome.detail}"
            reason = Reject(RejectCode.RETRIES_EXHAUSTED, detail)
            self._bury(envelope.record, reason, now, records, envelope.headers)
        else:
            records.append(postponed(self.stage, envelope.record, envelope.attempt + 1, now + delay))

    def _log_batch(self, counts: Mapping[str, int], seconds: float) -> None:
        log.info(
            "batch",
            stage=self.stage.full_name,
            records=sum(counts.values()),
            refused=counts["invalid"] + counts["rejected"],
            postponed=counts["postponed"],
            seconds=round(seconds, 4),
        )


def _insist(outcomes: Sequence[Outcome | Postpone]) -> None:
    """Where there is nobody to pass a record on to, it is passed over only if it is at fault for sure.

    That is: what it holds is refused, and what another one of the same slice holds is not. Raises TransientError.
    """
    faults = [outcome for outcome in outcomes if isinstance(outcome, Reject)]
    ours = any(fault.code is RejectCode.HANDLER_ERROR for fault in faults)
    if faults and (ours or len(faults) == len(outcomes)):
        raise TransientError(f"dead letters cannot be kept: {faults[0].detail}")
