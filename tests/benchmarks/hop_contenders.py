"""One hop done in several ways: `python -m tests.benchmarks.hop_contenders NAME BOOTSTRAP COUNT GROUP` prints its cost.

Every contender fetches from IN, decodes JSON, changes a field, encodes, publishes to OUT with acks=all, commits its
offsets after that, and measures its process's CPU from the first message it gets to the last one committed.
"""

import asyncio
import json
import logging
import os
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from quixstreams import Application

from shared.broker.host import StageSubscriber, make_broker
from shared.broker.producer import Publisher
from shared.runtime.clock import SystemClock
from shared.runtime.declaration import Pipeline
from shared.runtime.envelope import Envelopes
from shared.runtime.outcome import Outcome, emit
from shared.runtime.policy import DeadLetterGuard, RetryPolicy
from shared.runtime.worker import StageWorker, WorkerLimits
from shared.service.process import spare_garbage_collection
from shared.settings import Settings
from tests.benchmarks.hop_message import BATCH, IN, OUT, PARTITIONS, Checked, Reading

FEWER = {"faststream": 2_000}
"""Messages of a contender that would take minutes over all of them."""
TRIED_OUT = ("SLUICE_KAFKA_", "SLUICE_BATCH_", "SLUICE_FETCH_")


@dataclass
class Meter:
    """Starts at the first message, stops at the last."""

    expected: int
    seen: int = 0
    cpu: float = 0.0
    wall: float = 0.0

    def take(self, count: int) -> None:
        """Note messages as they arrive, before work on them begins."""
        if self.seen == 0:
            self.cpu, self.wall = time.process_time(), time.monotonic()
        self.seen += count

    @property
    def finished(self) -> bool:
        """Whether all messages have arrived."""
        return self.seen >= self.expected

    def report(self) -> None:
        """Print what it took."""
        cpu, wall = time.process_time() - self.cpu, time.monotonic() - self.wall
        print(json.dumps({"messages": self.seen, "cpu_us": cpu / self.seen * 1e6, "rate": self.seen / wall}))


def bench_settings(bootstrap: str) -> Settings:
    """Settings for a broker at `bootstrap`; those of the environment are tried out."""
    variables = {
        "SLUICE_KAFKA_BOOTSTRAP_SERVERS": bootstrap,
        "SLUICE_KAFKA_PARTITIONS": str(PARTITIONS),
        "SLUICE_KAFKA_IDEMPOTENT_PRODUCER": "false",
        "SLUICE_KAFKA_SESSION_TIMEOUT_MS": "6000",
        "SLUICE_KAFKA_HEARTBEAT_INTERVAL_MS": "1000",
        **{name: value for name, value in os.environ.items() if name.startswith(TRIED_OUT)},
    }
    return Settings.load(variables)


async def sluice_stage(bootstrap: str, meter: Meter, group: str) -> None:
    """A stage of Sluice, on its whole runtime: validation, outcome, trail, headers, metrics, explicit commits."""
    settings, done = bench_settings(bootstrap), asyncio.Event()

    async def check(readings: Sequence[Reading]) -> list[Outcome]:
        meter.take(len(readings))
        return [emit(Checked(**{**reading.__dict__, "stage": "checked"})) for reading in readings]

    pipeline = Pipeline(group, key="id")
    source, target = pipeline.topic(IN, Reading, "in"), pipeline.topic(OUT, Checked, "out")
    stage = pipeline.stage("check", check, reads=source, writes=[target])
    async with Publisher(settings.kafka, PARTITIONS) as publisher:
        worker = StageWorker(
            stage,
            "id",
            publisher.publish,
            lambda kind, stage, envelopes: Envelopes(),
            clock=SystemClock(),
            retry=RetryPolicy(),
            guard=DeadLetterGuard(),
            limits=WorkerLimits(),
        )
        spare_garbage_collection()  # as a stage process does
        broker = make_broker(settings.kafka, settings.runtime)
        subscriber = StageSubscriber(broker, worker, settings.kafka, settings.runtime)
        subscriber.after_batch = lambda: done.set() if meter.finished else None
        await broker.start()
        await done.wait()
        meter.report()
        await broker.stop()


async def raw_aiokafka(bootstrap: str, meter: Meter, group: str) -> None:
    """The least that does the same job: aiokafka, pydantic, one record batch a partition, nothing else."""
    consumer = AIOKafkaConsumer(
        IN,
        bootstrap_servers=bootstrap,
        group_id=group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        session_timeout_ms=6000,
        heartbeat_interval_ms=1000,
    )
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", max_batch_size=1_000_000)
    await consumer.start()
    await producer.start()
    while not meter.finished:
        fetched = await consumer.getmany(timeout_ms=100, max_records=BATCH)
        if not fetched:
            continue
        meter.take(sum(len(records) for records in fetched.values()))
        await send(producer, fetched)
        await consumer.commit()
    meter.report()
    await consumer.stop()
    await producer.stop()


async def send(producer: AIOKafkaProducer, fetched: Mapping[TopicPartition, Sequence[Any]]) -> None:
    """Do the work of the hop: decode, change, encode; one record batch a partition, acknowledged."""
    batches: defaultdict[int, Any] = defaultdict(producer.create_batch)
    for place, records in fetched.items():
        for record in records:
            reading = Reading.model_validate_json(record.value)
            value = Checked(**{**reading.__dict__, "stage": "checked"}).model_dump_json().encode()
            batches[place.partition].append(key=record.key, value=value, timestamp=None, headers=list(record.headers))
    sent = [await producer.send_batch(batch, OUT, partition=number) for number, batch in batches.items()]
    await asyncio.gather(*sent)


def quix_streams(bootstrap: str, meter: Meter, group: str) -> None:
    """Quix Streams, JSON in and out, at-least-once."""
    app = Application(
        broker_address=bootstrap,
        consumer_group=group,
        auto_offset_reset="earliest",
        auto_create_topics=False,
        loglevel="ERROR",
        consumer_extra_config={"session.timeout.ms": 6000, "heartbeat.interval.ms": 1000},
    )
    source, target = app.topic(IN, value_deserializer="json"), app.topic(OUT, value_serializer="json")
    stream = app.dataframe(source)

    def check(value: dict[str, Any]) -> dict[str, Any]:
        meter.take(1)
        return {**value, "stage": "checked"}

    stream = stream.apply(check).to_topic(target)
    app.run(count=meter.expected)
    meter.report()


async def plain_faststream(bootstrap: str, meter: Meter, group: str) -> None:
    """FastStream as its documentation has it: one message at a time, a model in and a model out, at-least-once."""
    broker, done = KafkaBroker(bootstrap, acks="all"), asyncio.Event()
    checked = broker.publisher(OUT)

    @broker.subscriber(
        IN,
        group_id=group,
        auto_offset_reset="earliest",
        session_timeout_ms=6000,
        heartbeat_interval_ms=1000,
        ack_policy=AckPolicy.NACK_ON_ERROR,
    )
    async def check(reading: Reading) -> None:
        if meter.finished:  # the one before is committed
            done.set()
            return
        meter.take(1)
        await checked.publish(Checked(**{**reading.__dict__, "stage": "checked"}), key=reading.id.encode())

    await broker.start()
    await done.wait()
    meter.report()
    await broker.stop()


Contender = Callable[[str, Meter, str], Coroutine[Any, Any, None] | None]
"""Called with the broker's address, a meter and a name for its group."""
CONTENDERS: Mapping[str, Contender] = {
    "sluice": sluice_stage,
    "aiokafka": raw_aiokafka,
    "quix": quix_streams,
    "faststream": plain_faststream,
}


def main(contenders: Mapping[str, Contender], arguments: Sequence[str]) -> None:
    """Run the one of `contenders` that the command line names."""
    logging.disable(logging.WARNING)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    name, bootstrap, count, group = arguments
    result = contenders[name](bootstrap, Meter(min(int(count), FEWER.get(name, int(count)))), group)
    if result is not None:
        uvloop.run(result)


if __name__ == "__main__":
    main(CONTENDERS, sys.argv[1:])
