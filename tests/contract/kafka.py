"""The broker as a test sees it: topics of its own, records in, records out, what a group has committed."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple, Self

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.record._crc32c import crc

from shared.broker.topics import TopicAdmin
from shared.settings import Settings
from tests.contract.waiting import eventually
from tests.kafka.backend import broker_variables


class Sent(NamedTuple):
    """A record to write. Anything goes: that is the point."""

    value: bytes | None
    key: bytes | None = None
    headers: Sequence[tuple[str, bytes | None]] = ()
    partition: int | None = None
    timestamp_ms: int | None = None


class Kafka:
    """One broker, for as long as its context lasts; the topics made through it are deleted at the end."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.settings = Settings.load(broker_variables(address)).kafka
        self._producer = AIOKafkaProducer(
            bootstrap_servers=address, acks="all", linger_ms=5, max_batch_size=2**20, max_request_size=2**22
        )
        self._admin = AIOKafkaAdminClient(bootstrap_servers=address)
        self._topics: list[str] = []

    async def __aenter__(self) -> Self:
        await self._producer.start()
        await self._admin.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._producer.stop()
        if self._topics:
            await self.remove(self._topics)
        await self._admin.close()

    async def create(self, names: Sequence[str], partitions: int) -> None:
        async with TopicAdmin(self.settings) as topics:
            await topics.ensure(names, partitions)
        self._topics += names

    def forget(self) -> None:
        """Leave the topics to a broker that will be gone."""
        self._topics = []

    async def remove(self, names: Sequence[str]) -> None:
        await self._admin.delete_topics(list(names))
        self._topics = [name for name in self._topics if name not in names]

    async def send(self, topic: str, records: Iterable[Sent]) -> None:
        """Write records in this order and wait until the broker has them all."""
        pending = [
            await self._producer.send(
                topic, r.value, key=r.key, headers=list(r.headers), partition=r.partition, timestamp_ms=r.timestamp_ms
            )
            for r in records
        ]
        for acknowledged in pending:
            await acknowledged

    async def send_unreadable(self, topic: str, partition: int) -> None:
        """Write a record with a header name that is not UTF-8, which only a hand-made record batch can hold."""
        batch = self._producer.create_batch()
        batch.append(key=b"k", value=b"{}", timestamp=None, headers=[("name", b"v")])
        data = batch._build()
        data[data.index(b"name")] = 0xFF
        data[17:21] = crc(bytes(data[21:])).to_bytes(4, "big")
        await (await self._producer.send_batch(batch, topic, partition=partition))

    async def read(self, topic: str) -> list[Any]:
        """Every record of a topic that is there now, partition by partition."""
        ends = await self.ends(topic)
        async with self._reader(topic) as (consumer, places):
            records: list[Any] = []
            behind = {place for place in places if ends[place.partition] > 0}
            while behind:
                for place, batch in (await consumer.getmany(*behind, timeout_ms=2000)).items():
                    records += batch
                    if batch[-1].offset + 1 >= ends[place.partition]:
                        behind.discard(place)
            return sorted(records, key=lambda record: (record.partition, record.offset))

    async def read_until(self, topic: str, count: int, timeout: float = 20.0) -> list[Any]:
        """Every record of a topic once there are so many."""

        async def enough() -> bool:
            return sum((await self.ends(topic)).values()) >= count

        await eventually(enough, f"{count} records on {topic}", timeout)
        return await self.read(topic)

    async def ends(self, topic: str) -> dict[int, int]:
        """End offset of each partition, as a fetch sees it: the embedded broker itself forgets the last batch."""
        async with self._reader(topic) as (consumer, places):
            starts = await consumer.end_offsets(places)
            filled = {place for place in places if starts[place] > 0}
            for place in filled:
                consumer.seek(place, starts[place] - 1)
            while any(consumer.highwater(place) is None for place in filled):
                await consumer.getmany(*filled, timeout_ms=100)
            return {place.partition: consumer.highwater(place) or 0 for place in places}

    async def committed(self, group: str, topic: str) -> dict[int, int]:
        """What the group has committed of a topic; partitions without a commit are left out."""
        async with self._reader(topic, group) as (consumer, places):
            offsets = {place.partition: await consumer.committed(place) for place in places}
            return {partition: offset for partition, offset in offsets.items() if offset is not None}

    async def committed_all(self, group: str, topic: str, timeout: float = 20.0) -> None:
        """Wait until the group has committed a topic to its end."""

        async def done() -> bool:
            ends = {partition: end for partition, end in (await self.ends(topic)).items() if end}
            committed = await self.committed(group, topic)
            return all(committed.get(partition) == end for partition, end in ends.items())

        await eventually(done, f"{group} has committed all of {topic}", timeout)

    @asynccontextmanager
    async def _reader(self, topic: str, group: str | None = None) -> AsyncIterator[tuple[Any, list[TopicPartition]]]:
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self.address, group_id=group, enable_auto_commit=False, auto_offset_reset="earliest"
        )
        await consumer.start()
        try:
            await consumer._client._wait_on_metadata(topic)
            places = [TopicPartition(topic, number) for number in sorted(consumer.partitions_for_topic(topic))]
            consumer.assign(places)
            yield consumer, places
        finally:
            await asyncio.sleep(0)  # aiokafka cannot close what it has just begun
            await consumer.stop()


def headers_of(record: Any) -> Mapping[str, bytes]:
    return dict(record.headers)
