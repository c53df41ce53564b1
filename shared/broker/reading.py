"""Looking at topics without taking part: a consumer of no group, which commits nothing."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from shared.broker.connection import connection_options
from shared.broker.reaching import described, reaching
from shared.broker.topics import TopicAdmin
from shared.errors import TransientError
from shared.settings import KafkaSettings

FETCH_BYTES = 16 * 1024 * 1024
FETCH_WAIT_MS = 50
BOUNDS_SECONDS = 10.0

Span = tuple[int, int]
"""The oldest offset that is still there, and the one that the next record will get."""


@contextmanager
def broker_errors() -> Iterator[None]:
    """Raise our error for the client's."""
    try:
        yield
    except KafkaError as error:
        raise TransientError(f"broker: {described(error)}") from error


@asynccontextmanager
async def open_reader(settings: KafkaSettings) -> AsyncIterator[AIOKafkaConsumer]:
    """A consumer that is assigned by hand. Raises TransientError if the broker cannot be reached."""
    consumer = AIOKafkaConsumer(
        **connection_options(settings),
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        fetch_max_bytes=FETCH_BYTES,
        fetch_max_wait_ms=FETCH_WAIT_MS,
    )
    try:
        async with reaching(settings):
            await consumer.start()
        with broker_errors():
            yield consumer
    finally:
        await consumer.stop()


async def existing_partitions(settings: KafkaSettings, topics: Sequence[str]) -> dict[str, int]:
    """Partition count of those topics that exist, in the order given. Asking for the offsets of others would hang."""
    async with TopicAdmin(settings) as admin:
        with broker_errors():
            states = await admin.state(topics, settings.partitions)
    return {state.name: state.actual for state in states if state.actual is not None}


def places_in(counts: dict[str, int], topics: Sequence[str]) -> list[TopicPartition]:
    """Every partition of these topics, as far as they exist."""
    return [TopicPartition(topic, number) for topic in topics for number in range(counts.get(topic, 0))]


async def bounds(reader: AIOKafkaConsumer, places: Sequence[TopicPartition]) -> dict[TopicPartition, Span]:
    """First and next offset of each partition. Takes over the reader's assignment.

    The end is the high watermark that comes with a fetch: asked for end offsets, the embedded broker names the one
    after the first record of the last batch.
    """
    if not places:
        return {}
    starts, ends = await reader.beginning_offsets(places), await reader.end_offsets(places)
    reader.assign(places)
    for place in places:
        reader.seek(place, max(starts[place], ends[place] - 1))
    try:
        async with asyncio.timeout(BOUNDS_SECONDS):
            while any(reader.highwater(place) is None for place in places):
                await reader.getmany(timeout_ms=FETCH_WAIT_MS)
    except TimeoutError:
        raise TransientError(f"broker: no answer about the ends of the topics in {BOUNDS_SECONDS:g} s") from None
    return {place: (starts[place], max(ends[place], reader.highwater(place))) for place in places}
