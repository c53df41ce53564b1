"""How far each stage is behind: what its group has committed against what its topics hold."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import (
    GroupCoordinatorNotAvailableError,
    GroupLoadInProgressError,
    NotCoordinatorForGroupError,
)
from aiokafka.structs import OffsetAndMetadata

from shared.broker.connection import connection_options
from shared.broker.reaching import reaching
from shared.broker.reading import Span, bounds, broker_errors, existing_partitions, open_reader, places_in
from shared.errors import TransientError
from shared.runtime.declaration import Stage
from shared.settings import KafkaSettings

COORDINATOR_SECONDS = 15.0
COORDINATOR_PAUSE_SECONDS = 0.1
NO_COORDINATOR_YET = (GroupCoordinatorNotAvailableError, GroupLoadInProgressError, NotCoordinatorForGroupError)


class PartitionLag(NamedTuple):
    """One partition as a group sees it. `committed` None: the group has not committed anything there yet."""

    topic: str
    partition: int
    start: int
    """The oldest offset that is still there."""
    committed: int | None
    end: int
    """The offset that the next record will get."""

    @property
    def position(self) -> int:
        """Where the group goes on reading: not before what retention has left, and from there if it is new."""
        return min(max(self.committed or 0, self.start), self.end)

    @property
    def lag(self) -> int:
        """Records not yet worked on."""
        return self.end - self.position


class StageLag(NamedTuple):
    """A stage's group over its topic and its retry topic."""

    stage: str
    topic: str
    retry_topic: str
    partitions: tuple[PartitionLag, ...]
    missing: tuple[str, ...]
    """Topics of the stage that do not exist."""

    def of_topic(self, topic: str) -> list[PartitionLag]:
        """The partitions of one of the two topics."""
        return [partition for partition in self.partitions if partition.topic == topic]

    @property
    def lag(self) -> int:
        """Records not yet worked on, waiting retries included."""
        return sum(partition.lag for partition in self.partitions)

    @property
    def retrying(self) -> int:
        """Of these, the ones that wait for another attempt."""
        return sum(partition.lag for partition in self.of_topic(self.retry_topic))


async def stage_lags(settings: KafkaSettings, stages: Sequence[Stage]) -> list[StageLag]:
    """The lag of each stage. Raises TransientError if the broker cannot be reached."""
    topics = list(dict.fromkeys(topic for stage in stages for topic in (stage.reads.name, stage.retry_topic)))
    counts = await existing_partitions(settings, topics)
    places = places_in(counts, topics)
    async with open_reader(settings) as reader:
        spans = await bounds(reader, places)
    admin = AIOKafkaAdminClient(**connection_options(settings))
    try:
        async with reaching(settings):
            await admin.start()
        with broker_errors():
            return [await _stage_lag(admin, stage, counts, spans) for stage in stages]
    finally:
        with suppress(TransientError), broker_errors():
            await admin.close()


async def _stage_lag(
    admin: AIOKafkaAdminClient,
    stage: Stage,
    counts: dict[str, int],
    spans: Mapping[TopicPartition, Span],
) -> StageLag:
    topics = (stage.reads.name, stage.retry_topic)
    places = places_in(counts, topics)
    committed = await _committed(admin, stage.full_name, places) if places else {}
    partitions = tuple(
        PartitionLag(place.topic, place.partition, start, _known(committed[place].offset), end)
        for place, (start, end) in ((place, spans[place]) for place in places)
    )
    return StageLag(stage.full_name, *topics, partitions, tuple(topic for topic in topics if topic not in counts))


async def _committed(
    admin: AIOKafkaAdminClient, group: str, places: Sequence[TopicPartition]
) -> dict[TopicPartition, OffsetAndMetadata]:
    """What a group has committed. A cluster without groups has no coordinator until it has been asked for one."""
    try:
        async with asyncio.timeout(COORDINATOR_SECONDS):
            while True:
                with suppress(*NO_COORDINATOR_YET):
                    # Without a list of partitions the embedded broker's answer cannot be decoded.
                    found = await admin.list_consumer_group_offsets(group, partitions=list(places))
                    if set(places) <= found.keys():  # a coordinator that is still loading answers with none
                        return dict(found)
                await asyncio.sleep(COORDINATOR_PAUSE_SECONDS)
    except TimeoutError:
        raise TransientError(f"broker: no coordinator for the group {group} in {COORDINATOR_SECONDS:g} s") from None


def _known(offset: int) -> int | None:
    """Kafka answers -1 where nothing was committed."""
    return offset if offset >= 0 else None
