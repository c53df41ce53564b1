"""FastStream as the host of stages: one batch subscriber a stage, whose decoder does nothing.

Its acknowledgement policies are not used: under MANUAL it neither commits nor rewinds, and the worker does both
with explicit offsets on the subscriber's own consumer.
"""

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import IllegalStateError, KafkaError
from faststream import AckPolicy
from faststream.kafka import KafkaBroker, KafkaMessage

from shared.broker.connection import CLIENT_ID, bootstrap_servers, faststream_security
from shared.runtime.envelope import Record
from shared.runtime.worker import StageWorker
from shared.settings import KafkaSettings, RuntimeSettings

log = structlog.get_logger()


class ConsumerInput:
    """The worker's view of its consumer."""

    def __init__(self, consumer: AIOKafkaConsumer) -> None:
        self._consumer = consumer

    async def commit(self, offsets: Mapping[tuple[str, int], int]) -> bool:
        """Commit explicit offsets; False when the group has moved on, which means redelivery, never loss."""
        try:
            await self._consumer.commit({TopicPartition(*place): offset for place, offset in offsets.items()})
        except (KafkaError, IllegalStateError) as error:
            log.warning("commit refused", error=type(error).__name__)
            return False
        return True

    def rewind(self, offsets: Mapping[tuple[str, int], int]) -> None:
        """Seek back; partitions that were taken away meanwhile are read again by their new owner."""
        for place, offset in offsets.items():
            with contextlib.suppress(IllegalStateError):
                self._consumer.seek(TopicPartition(*place), offset)

    def hold(self, partition: tuple[str, int], offset: int, seconds: float) -> None:
        """Pause one partition at `offset` for `seconds`."""
        place = TopicPartition(*partition)
        with contextlib.suppress(IllegalStateError):
            self._consumer.seek(place, offset)
            self._consumer.pause(place)
            asyncio.get_running_loop().call_later(seconds, self._resume, place)

    def _resume(self, place: TopicPartition) -> None:
        with contextlib.suppress(IllegalStateError):
            self._consumer.resume(place)


class StageSubscriber(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka ships no types
    """Ties one stage's worker to one FastStream subscriber."""

    def __init__(
        self, broker: KafkaBroker, worker: StageWorker, kafka: KafkaSettings, runtime: RuntimeSettings
    ) -> None:
        self.worker = worker
        self.after_batch: Callable[[], None] = lambda: None
        """Called when a fetch has been worked and committed."""
        self._busy = asyncio.Lock()
        self._drain_seconds = runtime.drain_seconds
        stage = worker.stage
        self._subscriber = broker.subscriber(
            stage.reads.name,
            stage.retry_topic,
            group_id=stage.full_name,
            batch=True,
            max_records=min(stage.batch.records, runtime.batch_max_records),
            batch_timeout_ms=runtime.fetch_wait_ms,
            fetch_max_wait_ms=500,
            fetch_max_bytes=stage.batch.fetch_bytes,
            max_partition_fetch_bytes=stage.batch.fetch_bytes // 4,
            auto_offset_reset="earliest",
            session_timeout_ms=kafka.session_timeout_ms,
            heartbeat_interval_ms=kafka.heartbeat_interval_ms,
            max_poll_interval_ms=kafka.max_poll_interval_ms,
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
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._drain_seconds):
                async with self._busy:
                    pass

    async def on_partitions_assigned(self, assigned: Sequence[TopicPartition]) -> None:
        """Note the new share of the partitions."""
        topic = self.worker.stage.reads.name
        self.worker.metrics.rebalances.inc()
        self.worker.metrics.partitions.set(sum(place.topic == topic for place in assigned))
        self.worker.started()

    def lag(self) -> int:
        """Records between the newest offsets seen and this consumer's position."""
        consumer = self.consumer
        if consumer is None:
            return 0
        return sum(_behind(consumer, place) for place in consumer.assignment())


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

    async def start(self) -> None:
        """Connect, then start every subscriber."""
        await self.connect()
        await asyncio.gather(*(subscriber.start() for subscriber in self.subscribers))
        self.running = True


def make_broker(kafka: KafkaSettings, runtime: RuntimeSettings) -> StageBroker:
    """A FastStream broker that only consumes; publishing has its own producer."""
    return StageBroker(
        bootstrap_servers(kafka),
        client_id=CLIENT_ID,
        request_timeout_ms=kafka.request_timeout_ms,
        security=faststream_security(kafka),
        consumer_only=True,
        allow_auto_create_topics=False,
        graceful_timeout=runtime.drain_seconds,
        ack_policy=AckPolicy.MANUAL,
        logger=None,
    )
