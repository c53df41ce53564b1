"""Finding items in the topics themselves, by key, for as long as the topics keep them."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from pydantic import ValidationError

from schemas.delivery import Header, StageRun
from shared.broker.producer import partition_of
from shared.broker.reading import FETCH_WAIT_MS, Span, bounds, existing_partitions, open_reader, places_in
from shared.runtime.declaration import Pipeline
from shared.runtime.envelope import Headers, parse_trail
from shared.settings import KafkaSettings

FETCH_RECORDS = 5_000
LAST_SEEN_SECONDS = 5.0
CLOCK_SKEW_SECONDS = 60.0
"""How far the clocks of producers and callers may be apart."""


class Sighting(NamedTuple):
    """A record of an item."""

    topic: str
    partition: int
    offset: int
    time: datetime
    stage: str
    """The stages that read the topic; the topic itself if none does."""
    batch_id: str | None
    attempt: int
    trail: tuple[StageRun, ...]
    """What the stages before did to the item."""
    error: str | None
    """On a dead-letter topic: the stage that failed, its reason, its words."""


class Trace(NamedTuple):
    """The records of an item in the order of time."""

    sightings: tuple[Sighting, ...]
    scanned: int
    complete: bool
    """False: time was up before every topic was read to its end."""


async def trace(
    settings: KafkaSettings, pipeline: Pipeline, key: str, *, limit: int, seconds: float, since: float = 0.0
) -> Trace:
    """The newest `limit` records with this key written after `since` (seconds since the epoch).

    Looks where the key belongs, and only if it is not there, everywhere: a foreign producer may partition otherwise.
    """
    found: deque[ConsumerRecord] = deque(maxlen=limit)
    wanted, ends_at = key.encode(), time.monotonic() + seconds

    def keep(record: ConsumerRecord) -> None:
        if record.key == wanted:
            found.append(record)

    counts = await existing_partitions(settings, pipeline.topic_names())
    everywhere = places_in(counts, list(counts))
    own = [place for place in everywhere if place.partition == partition_of(wanted, counts[place.topic])]
    async with open_reader(settings) as reader:
        scan = _Scan(reader, keep, since, ends_at)
        await scan.read(own)
        if not found:
            await scan.read([place for place in everywhere if place not in set(own)])
    return Trace(_in_order(pipeline, found), scan.scanned, scan.complete)


async def last_seen(
    settings: KafkaSettings,
    pipeline: Pipeline,
    keys: Collection[str],
    since: float,
    seconds: float = LAST_SEEN_SECONDS,
) -> dict[str, Sighting]:
    """Where each item was seen last, of those published after `since`: on the input of which stage, and when."""
    newest: dict[bytes, ConsumerRecord] = {}
    rank, wanted = _ranks(pipeline), {key.encode() for key in keys}

    def keep(record: ConsumerRecord) -> None:
        if record.key in wanted:
            best = newest.get(record.key)
            if best is None or _age(record, rank) >= _age(best, rank):
                newest[record.key] = record

    counts = await existing_partitions(settings, pipeline.topic_names())
    places = {TopicPartition(topic, partition_of(key, count)) for topic, count in counts.items() for key in wanted}
    async with open_reader(settings) as reader:
        await _Scan(reader, keep, since - CLOCK_SKEW_SECONDS, time.monotonic() + seconds).read(sorted(places))
    readers = _readers(pipeline)
    return {key.decode(): _sighting(record, readers) for key, record in newest.items()}


class _Scan:
    """Reads partitions from a point in time to the end they have now, until time is up."""

    def __init__(
        self, reader: AIOKafkaConsumer, keep: Callable[[ConsumerRecord], None], since: float, ends_at: float
    ) -> None:
        self._reader = reader
        self._keep = keep
        self._since = since
        self._ends_at = ends_at
        self.scanned = 0
        self.complete = True

    async def read(self, places: Sequence[TopicPartition]) -> None:
        """Show every record of these partitions to `keep`."""
        try:
            async with asyncio.timeout(self._ends_at - time.monotonic()):
                await self._read(await self._spans(places))
        except TimeoutError:
            self.complete = False

    async def _spans(self, places: Sequence[TopicPartition]) -> dict[TopicPartition, Span]:
        spans = await bounds(self._reader, places)
        if self._since > 0:
            found = await self._reader.offsets_for_times({place: int(self._since * 1000) for place in places})
            spans = {place: (_start(found[place], end), end) for place, (_, end) in spans.items()}
        return {place: span for place, span in spans.items() if span[0] < span[1]}

    async def _read(self, spans: Mapping[TopicPartition, Span]) -> None:
        if not spans:  # a consumer that is assigned nothing never stops
            return
        self._reader.assign(list(spans))
        for place, (start, _) in spans.items():
            self._reader.seek(place, start)
        left = dict(spans)
        while left:
            batches = await self._reader.getmany(*left, timeout_ms=FETCH_WAIT_MS, max_records=FETCH_RECORDS)
            for place, records in batches.items():
                self.scanned += len(records)
                for record in records:
                    if record.offset < spans[place][1]:
                        self._keep(record)
            for place in list(left):
                if await self._reader.position(place) >= left[place][1]:
                    del left[place]
                    self._reader.pause(place)


def _start(at: Any, end: int) -> int:
    """Where nothing is as new as that, Kafka answers nothing, and the embedded broker offset 0 of time -1."""
    return int(at.offset) if at is not None and at.timestamp >= 0 else end


def _in_order(pipeline: Pipeline, records: Collection[ConsumerRecord]) -> tuple[Sighting, ...]:
    rank, readers = _ranks(pipeline), _readers(pipeline)
    ordered = sorted(records, key=lambda record: _age(record, rank))
    return tuple(_sighting(record, readers) for record in ordered)


def _age(record: ConsumerRecord, rank: Mapping[str, int]) -> tuple[int, int, int]:
    """Order of time; what happens within a millisecond is in the order of the flow."""
    return record.timestamp, rank[record.topic], record.offset


def _ranks(pipeline: Pipeline) -> dict[str, int]:
    """Topics in the order of the flow, whatever has failed last."""
    names = [name for name in pipeline.topic_names() if name != pipeline.dead_letters.name]
    return {name: place for place, name in enumerate([*names, pipeline.dead_letters.name])}


def _readers(pipeline: Pipeline) -> dict[str, str]:
    readers: dict[str, list[str]] = {}
    for stage in pipeline.stages:
        readers.setdefault(stage.reads.name, []).append(stage.full_name)
        readers[stage.retry_topic] = [stage.full_name]
    return {topic: ", ".join(stages) for topic, stages in readers.items()}


def _sighting(record: ConsumerRecord, readers: Mapping[str, str]) -> Sighting:
    headers = {name: value.decode(errors="replace") for name, value in record.headers if value is not None}
    attempt = headers.get(Header.ATTEMPT, "1")
    return Sighting(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        time=datetime.fromtimestamp(record.timestamp / 1000, UTC),
        stage=readers.get(record.topic, record.topic),
        batch_id=headers.get(Header.BATCH_ID),
        attempt=int(attempt) if attempt.isascii() and attempt.isdigit() else 1,
        trail=_trail(record.headers),
        error=_error(headers),
    )


def _trail(headers: Headers) -> tuple[StageRun, ...]:
    """The trail, if it is one: at the edge anybody may have written the header."""
    try:
        return tuple(parse_trail(dict(headers).get(Header.TRAIL, b"")))
    except ValidationError:
        return ()


def _error(headers: Mapping[str, str]) -> str | None:
    if Header.DLQ_STAGE not in headers:
        return None
    parts = (headers.get(name, "") for name in (Header.DLQ_STAGE, Header.DLQ_ERROR_CODE, Header.DLQ_ERROR_MESSAGE))
    return ": ".join(part for part in parts if part)
