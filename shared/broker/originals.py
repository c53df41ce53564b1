"""Going back to the place where a record was written, to get it whole."""

import asyncio
from contextlib import AsyncExitStack
from typing import Self

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from shared.broker.reading import BOUNDS_SECONDS, FETCH_WAIT_MS, bounds, broker_errors, existing_partitions, open_reader
from shared.errors import TransientError
from shared.settings import KafkaSettings


class Originals:
    """Records by their place. The broker is asked only when the first one is wanted."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._closing = AsyncExitStack()
        self._reader: AIOKafkaConsumer | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._closing.aclose()

    async def find(self, topic: str, partition: int, offset: int, timestamp: int) -> ConsumerRecord | None:
        """The record that was written there at `timestamp` (ms since the epoch); None if it is gone.

        The time tells it from a record that has got its place since, in a topic that was made anew.
        """
        counts = await existing_partitions(self._settings, [topic])
        if partition >= counts.get(topic, 0):
            return None
        with broker_errors():
            record = await self._read(TopicPartition(topic, partition), offset)
        return record if record and (record.offset, record.timestamp) == (offset, timestamp) else None

    async def _opened(self) -> AIOKafkaConsumer:
        if self._reader is None:
            self._reader = await self._closing.enter_async_context(open_reader(self._settings))
        return self._reader

    async def _read(self, place: TopicPartition, offset: int) -> ConsumerRecord | None:
        """The first record from `offset` on."""
        reader = await self._opened()
        first, end = (await bounds(reader, [place]))[place]
        if not first <= offset < end:
            return None
        reader.seek(place, offset)
        try:
            async with asyncio.timeout(BOUNDS_SECONDS):
                while await reader.position(place) < end:
                    for record in (await reader.getmany(place, timeout_ms=FETCH_WAIT_MS, max_records=1)).get(place, []):
                        return record
        except TimeoutError:
            raise TransientError(f"broker: nothing of {place.topic} came in {BOUNDS_SECONDS:g} s") from None
        return None
