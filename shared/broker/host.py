"""FastStream as the host of stages: one batch subscriber a stage, whose decoder does nothing.

Its acknowledgement policies are not used: under MANUAL it neither commits nor rewinds, and the worker does both
with explicit offsets on the subscriber's own consumer.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import ConsumerStoppedError, IllegalStateError, KafkaError
from faststream import AckPolicy
from faststream.kafka import KafkaBroker, KafkaMessage

from shared.broker.connection import CLIENT_ID, METADATA_MAX_AGE_MS, bootstrap_servers, faststream_security
from shared.broker.steady import make_steady
from shared.runtime.envelope import Record
from shared.runtime.worker import StageWorker
from shared.settings import KafkaSettings, RuntimeSettings

log = structlog.get_logger()

COMMIT_SECONDS = 30.0
FETCH_PAUSE_SECONDS = 1.0
LEAVE_SECONDS = 5.0
UNREADABLE_HOLD_SECONDS = 30.0
REBALANCE_MARGIN_SECONDS = 5.0
"""How much longer than a drain the group waits for a member, so that a batch in hand is committed and not repeated."""


class ConsumerInput:
    """The worker's view of its consumer."""

    def __init__(self, consumer: AIOKafkaConsumer) -> None:
        self._consumer = consumer

    async def commit(self, offsets: Mapping[tuple[str, int], int]) -> bool:
        """Commit explicit offsets; False when the group has moved on, which means redelivery, never loss."""
        try:
            async with asyncio.timeout(COMMIT_SECONDS):
                await self._consumer.commit({TopicPartition(*place): offset for place, offset in offsets.items()})
        except (KafkaError, IllegalStateError, TimeoutError) as error:
            log.warning("commit refused", error=type(error).__name__)
            return False
        return True

    def rewind(self, offsets: Mapping[tuple[str, int], int]) -> None:
        """Seek back; partitions that were taken away meanwhile are read again by their new owner."""
        for place, offset in offsets.items():
            with contextlib.suppress(IllegalStateError):
                self._consumer.seek(TopicPartition(*place), offset)
                self._consumer.resume(TopicPartition(*place))  # it may be held for a later record than this one

    def hold(self, partition: tuple[str, int], offset: int, seconds: float) -> None:
        """Pause one partition at `offset` for `seconds`."""
        place = TopicPartition(*partition)
        with contextlib.suppress(IllegalStateError):
            self._consumer.seek(place, offset)
            _hold(self._consumer, place, seconds)


def _hold(consumer: AIOKafkaConsumer, place: TopicPartition, seconds: float) -> None:
    consumer.pause(place)
    asyncio.get_running_loop().call_later(seconds, _resume, consumer, place)


def _resume(consumer: AIOKafkaConsumer, place: TopicPartition) -> None:
    with contextlib.suppress(IllegalStateError):
        consumer.resume(place)


class StageConsumer(AIOKafkaConsumer):  # type: ignore[misc]  # aiokafka ships no types
    """A consumer that says when it cannot fetch. FastStream would go on in silence, or in a loop without a pause.

    It also repairs what a failed `getmany` does in aiokafka: the records it had already taken from other partitions
    are dropped while their positions have moved on, so that the next commit would skip them.
    """

    report: Callable[[str, bool], None] = staticmethod(lambda reason, fatal: None)
    """Called with what is wrong, and whether only a new process helps; with "" when a fetch has succeeded."""
    _unreadable_until = 0.0

    def __init__(self, *topics: str, **options: Any) -> None:
        super().__init__(*topics, **options)
        make_steady(self._client)

    async def getmany(
        self, *partitions: TopicPartition, timeout_ms: int = 0, max_records: int | None = None
    ) -> dict[TopicPartition, list[Any]]:
        """Records by partition; none after a failure, which has been reported and waited out."""
        try:
            found: dict[TopicPartition, list[Any]] = await super().getmany(
                *partitions, timeout_ms=timeout_ms, max_records=max_records
            )
        except ConsumerStoppedError:
            raise
        except Exception as error:
            self._subscription._fetch_count = 0  # noqa: SLF001 -- its context manager forgets that on an exception
            await self._recover(error)
            return {}
        self.report_health()
        return found

    async def stop(self) -> None:
        """Leave the group and close; without goodbye if the broker does not answer, since its session ends anyway."""
        try:
            async with asyncio.timeout(LEAVE_SECONDS):
                await super().stop()
        except TimeoutError:
            log.warning("the group has not been left: the broker does not answer")

    async def _recover(self, error: Exception) -> None:
        """Return to what is committed, and leave out for a while the partition that cannot be read, if it is one."""
        results = self._fetcher._records  # noqa: SLF001 -- aiokafka offers no other way
        broken = [place for place, result in results.items() if _is_spent(result)]
        reason = f"{type(error).__name__}: {error}"
        if broken:
            reason = f"partition {broken[0].partition} of {broken[0].topic} cannot be read: {reason}"
        log.error("fetch failed", reason=reason)
        while not self._closed:
            self.report(reason, self._is_dead())
            await asyncio.sleep(FETCH_PAUSE_SECONDS)
            with contextlib.suppress(KafkaError, IllegalStateError):
                await self._back_to_committed()
                break
        for place in broken:
            with contextlib.suppress(IllegalStateError):
                _hold(self, place, UNREADABLE_HOLD_SECONDS)
                self._unreadable_until = time.monotonic() + UNREADABLE_HOLD_SECONDS

    async def _back_to_committed(self) -> None:
        if not self.assignment():
            return
        committed = await self.seek_to_committed()
        if untouched := [place for place, offset in committed.items() if not offset]:
            await self.seek_to_beginning(*untouched)

    def report_health(self) -> None:
        """Report how it stands with the group."""
        if self._is_dead():
            self.report("the consumer's background work has ended", True)
        elif self._coordinator.coordinator_id is None:
            self.report("the broker is away", False)
        elif time.monotonic() > self._unreadable_until:
            self.report("", False)

    def _is_dead(self) -> bool:
        ended = self._coordinator._coordination_task.done() or self._fetcher.error_future.done()  # noqa: SLF001 -- the same
        return bool(ended and not self._closed)


def _is_spent(result: Any) -> bool:
    """Whether a fetch result failed while it was unpacked."""
    records = getattr(result, "_partition_records", None)
    return records is not None and getattr(records._records_iterator, "gi_frame", None) is None  # noqa: SLF001 -- the same


class StageSubscriber(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka ships no types
    """Ties one stage's worker to one FastStream subscriber."""

    def __init__(
        self, broker: "StageBroker", worker: StageWorker, kafka: KafkaSettings, runtime: RuntimeSettings
    ) -> None:
        self.worker = worker
        self.after_batch: Callable[[], None] = lambda: None
        """Called when a fetch has been worked and committed."""
        self._busy = asyncio.Lock()
        self._broker = broker
        broker.stages.append(self)
        self._drain_seconds = runtime.drain_seconds
        stage = worker.stage
        self._subscriber = broker.subscriber(
            stage.reads.name,
            stage.retry_topic,
            group_id=stage.full_name,
            group_instance_id=kafka.group_instance_id,
            batch=True,
            max_records=runtime.batch_max_records,  # the worker cuts them in slices
            batch_timeout_ms=runtime.fetch_wait_ms,
            fetch_max_wait_ms=500,
            fetch_max_bytes=min(stage.batch.fetch_bytes, runtime.batch_max_bytes),
            max_partition_fetch_bytes=min(stage.batch.fetch_bytes, runtime.batch_max_bytes) // 4,
            auto_offset_reset="earliest",
            session_timeout_ms=kafka.session_timeout_ms,
            heartbeat_interval_ms=kafka.heartbeat_interval_ms,
            max_poll_interval_ms=kafka.max_poll_interval_ms,
            rebalance_timeout_ms=_rebalance_timeout_ms(kafka, runtime),
            listener=self,
            ack_policy=AckPolicy.MANUAL,
            parser=self._parse,
            decoder=_nothing,
            no_reply=True,
            title=stage.full_name,
            description=stage.reads.meaning,
        )
        self._subscriber(self._consume)

    @property
    def consumer(self) -> AIOKafkaConsumer | None:
        """The live consumer, None before start and after stop."""
        return self._subscriber.consumer

    async def start(self) -> None:
        """Join the group; try again for as long as the broker is away or refuses, and say why."""
        while not self.worker.stopping:
            try:
                await self._subscriber.start()
                return
            except KafkaError as error:
                self.worker.cut_off(f"{type(error).__name__}: {error}")
                if self.consumer is not None:
                    await self.consumer.stop()
            await asyncio.sleep(FETCH_PAUSE_SECONDS)

    async def _parse(self, records: tuple[Record, ...]) -> KafkaMessage:
        # FastStream's own parser decodes every header of every record, and fails the batch if one is binary.
        assert self.consumer is not None
        return KafkaMessage(body=b"", raw_message=records, consumer=self.consumer)

    async def _consume(self, message: KafkaMessage) -> None:
        if self.consumer is None:
            return
        async with self._busy:
            await self.worker.process(message.raw_message, ConsumerInput(self.consumer))
        self.after_batch()

    async def on_partitions_revoked(self, revoked: Sequence[TopicPartition]) -> None:
        """Let the batch in hand finish and commit while the group still knows us."""
        self.worker.hand_over(True)
        try:
            async with asyncio.timeout(self._drain_seconds), self._busy:
                pass
        except TimeoutError:
            log.warning(
                "partitions go in the middle of a batch; it will be repeated", stage=self.worker.stage.full_name
            )
        finally:
            self.worker.hand_over(False)

    async def on_partitions_assigned(self, assigned: Sequence[TopicPartition]) -> None:
        """Note the new share of the partitions."""
        if self.consumer is not None:
            self.consumer.report = self._report
        topic = self.worker.stage.reads.name
        self.worker.metrics.rebalances.inc()
        self.worker.metrics.partitions.set(sum(place.topic == topic for place in assigned))
        self.worker.started()

    def watch(self) -> None:
        """Look after a consumer that is not asked to fetch because a batch is in hand."""
        if isinstance(self.consumer, StageConsumer) and self.consumer.assignment():
            self.consumer.report_health()

    def _report(self, reason: str, fatal: bool) -> None:
        if not reason:
            self.worker.started()
            return
        self.worker.cut_off(reason)
        if fatal:
            self._broker.give_up(reason)

    def lag(self) -> int:
        """Records between the newest offsets seen and this consumer's position."""
        consumer = self.consumer
        if consumer is None:
            return 0
        return sum(_behind(consumer, place) for place in consumer.assignment())


def _rebalance_timeout_ms(kafka: KafkaSettings, runtime: RuntimeSettings) -> int:
    """Time for the batch in hand, within which the broker must also answer the request that waits for it."""
    wanted = int((runtime.drain_seconds + REBALANCE_MARGIN_SECONDS) * 1000)
    return max(kafka.session_timeout_ms, min(wanted, kafka.request_timeout_ms - 5000))


def _behind(consumer: AIOKafkaConsumer, place: TopicPartition) -> int:
    newest = consumer.highwater(place)
    state = consumer._subscription.subscription  # noqa: SLF001 -- position() is a coroutine that may block
    if newest is None or state is None:
        return 0
    current = state.assignment.state_value(place)
    return max(0, newest - current.position) if current is not None and current.has_valid_position else 0


async def _nothing(_: Any) -> None:
    """The decoder that does nothing."""


class StageBroker(KafkaBroker):
    """FastStream's broker, starting its subscribers together: each waits seconds for its group to form."""

    before_start: Callable[[], Awaitable[None]] = staticmethod(lambda: asyncio.sleep(0))
    """Awaited first, when health is served already."""
    give_up: Callable[[str], None] = staticmethod(lambda reason: None)
    """Called when only a new process helps."""
    stages: list[StageSubscriber]

    async def start(self) -> None:
        """Connect, then start every subscriber. A failure for good ends the process: FastStream would serve on."""
        try:
            await self.before_start()
            await self.connect()
            config: Any = self.config.broker_config
            config.builder = partial(StageConsumer, *config.builder.args, **config.builder.keywords)
            await asyncio.gather(*(stage.start() for stage in self.stages))
        except Exception as error:
            log.exception("start failed")
            self.give_up(f"{type(error).__name__}: {error}")
        self.running = True


def make_broker(
    kafka: KafkaSettings, runtime: RuntimeSettings, before_start: Callable[[], Awaitable[None]] | None = None
) -> StageBroker:
    """A FastStream broker that only consumes; publishing has its own producer."""
    broker = StageBroker(
        bootstrap_servers(kafka),
        client_id=CLIENT_ID,
        request_timeout_ms=kafka.request_timeout_ms,
        metadata_max_age_ms=METADATA_MAX_AGE_MS,
        security=faststream_security(kafka),
        consumer_only=True,
        allow_auto_create_topics=False,
        graceful_timeout=runtime.drain_seconds,
        ack_policy=AckPolicy.MANUAL,
        logger=None,
    )
    if before_start:
        broker.before_start = before_start
    broker.stages = []
    return broker
