"""Publishing: one record batch for each topic and partition, every one acknowledged by all in-sync replicas."""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Self

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from aiokafka.partitioner import murmur2

from shared.broker.connection import connection_options
from shared.broker.steady import make_steady
from shared.errors import HaltStage, TransientError
from shared.runtime.envelope import OutRecord
from shared.settings import KafkaSettings

BATCH_BYTES = 1024 * 1024 - 16 * 1024
"""Largest record batch: Kafka's default message.max.bytes, less room for framing."""

CLOSE_SECONDS = 5.0


class Publisher:
    """A producer whose `publish` returns when everything is durable."""

    def __init__(self, settings: KafkaSettings, partitions: int) -> None:
        self._settings = settings
        self._partitions = partitions
        self._replacing = asyncio.Lock()
        self._replaced: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._producer = await _started(self._settings)
        return self

    async def __aexit__(self, *_: object) -> None:
        for closing in self._replaced:
            closing.cancel()
        # What is still unsent was given up before: nothing of it has been committed.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._producer.stop()

    async def publish(self, records: Sequence[OutRecord]) -> None:
        """Send `records`, in order within a partition. Raises TransientError; then any part of them may be there."""
        groups: defaultdict[tuple[str, int], list[OutRecord]] = defaultdict(list)
        topic, partition, group = "", -1, list[OutRecord]()
        for record in records:
            place = self._place(record) if record.partition is None else record.partition
            if record.topic != topic or place != partition:  # neighbours mostly go the same way
                topic, partition = record.topic, place
                group = groups[topic, partition]
            group.append(record)
        producer = self._producer
        sends = [_send(producer, topic, partition, group) for (topic, partition), group in groups.items()]
        # Wait for all of them even if one fails: a second attempt must not overtake what is left of the first.
        failures = [result for result in await asyncio.gather(*sends, return_exceptions=True) if result]
        if any(isinstance(error, KafkaError) and not error.retriable for error in failures):
            await self._replace(producer)
        for error in failures:
            if isinstance(error, KafkaError):
                raise TransientError(f"broker: {type(error).__name__}: {error}") from error
            raise error

    async def _replace(self, broken: AIOKafkaProducer) -> None:
        """Take a new producer for one that may fail for ever: for a gap in its numbers, or for want of its own task."""
        async with self._replacing:
            if self._producer is not broken:  # another stage of this process was faster
                return
            self._producer = await _started(self._settings)
        closing = asyncio.create_task(broken.stop())  # not before the others have got their answers from it
        self._replaced.add(closing)
        closing.add_done_callback(self._replaced.discard)

    def _place(self, record: OutRecord) -> int:
        return partition_of(record.key, self._partitions)


async def _started(settings: KafkaSettings) -> AIOKafkaProducer:
    producer = AIOKafkaProducer(
        **connection_options(settings),
        acks="all",
        enable_idempotence=settings.idempotent_producer,
        max_batch_size=BATCH_BYTES,
        compression_type=None if settings.compression == "none" else settings.compression,
    )
    make_steady(producer.client)
    try:
        await producer.start()
    except KafkaError as error:
        await producer.stop()
        raise TransientError(f"broker: {error}") from error
    return producer


async def _send(producer: AIOKafkaProducer, topic: str, partition: int, records: Sequence[OutRecord]) -> None:
    acknowledged, batch = [], producer.create_batch()
    for record in records:
        if not _append(batch, record):
            acknowledged.append(await _dispatch(producer, batch, topic, partition))
            batch = producer.create_batch()
            if not _append(batch, record):
                raise HaltStage(
                    f"a record of {len(record.value)} bytes for {topic} is larger than a record batch may be"
                )
    acknowledged.append(await _dispatch(producer, batch, topic, partition))
    await asyncio.gather(*acknowledged)


async def _dispatch(producer: AIOKafkaProducer, batch: Any, topic: str, partition: int) -> Any:
    batch.close()
    return await producer.send_batch(batch, topic, partition=partition)


def _append(batch: Any, record: OutRecord) -> bool:
    metadata = batch.append(key=record.key, value=record.value, timestamp=None, headers=record.headers)
    return metadata is not None


def partition_of(key: bytes, partitions: int) -> int:
    """Partition of a key, as the Java client's default partitioner computes it."""
    return int((murmur2(key) & 0x7FFFFFFF) % partitions)
