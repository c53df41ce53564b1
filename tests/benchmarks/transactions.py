"""`python -m tests.benchmarks.transactions`: what Kafka's transactions cost a hop. On Apache Kafka; no other has them.

The same loop over plain aiokafka publishes a batch and commits its offsets, or does both in one transaction. While it
runs in a process of its own, this one reads what it writes and notes how old each record is by then.
"""

import asyncio
import contextlib
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from statistics import median, quantiles
from typing import Any, NamedTuple

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from rich.console import Console
from rich.table import Table

from shared.settings import Settings
from tests.benchmarks.hop import Cost, loaded_broker, run_contender, typical
from tests.benchmarks.hop_contenders import Contender, Meter, main, send
from tests.benchmarks.hop_message import IN, OUT, PARTITIONS
from tests.benchmarks.running import state_directory
from tests.kafka.backend import APACHE, CHOSEN, require

SIZES = (10, 100, 1000)
MESSAGES = 20_000
ROUNDS = 3
COMMITTED, UNCOMMITTED = "read_committed", "read_uncommitted"


class Measured(NamedTuple):
    """A variant's cost, and how old its outputs are, in ms, when the next stage reads them: half of them, 95 %."""

    cost: Cost
    half_ms: float
    most_ms: float


async def hop(bootstrap: str, meter: Meter, group: str, *, size: int, transactions: bool) -> None:
    """The raw loop of the hop benchmark with batches of a size."""
    consumer = AIOKafkaConsumer(
        IN,
        bootstrap_servers=bootstrap,
        group_id=group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level=COMMITTED if transactions else UNCOMMITTED,
    )
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap,
        enable_idempotence=True,
        max_batch_size=1_000_000,
        transactional_id=group if transactions else None,
    )
    finish = _in_a_transaction if transactions else _at_least_once
    async with consumer, producer:
        while not meter.finished:
            fetched = await consumer.getmany(timeout_ms=100, max_records=size)
            if fetched:
                meter.take(sum(len(records) for records in fetched.values()))
                await finish(consumer, producer, fetched, group)
        meter.report()


Fetched = Mapping[TopicPartition, Sequence[Any]]


async def _at_least_once(consumer: AIOKafkaConsumer, producer: AIOKafkaProducer, fetched: Fetched, _: str) -> None:
    await send(producer, fetched)
    await consumer.commit(_offsets(fetched))


async def _in_a_transaction(_: AIOKafkaConsumer, producer: AIOKafkaProducer, fetched: Fetched, group: str) -> None:
    async with producer.transaction():
        await send(producer, fetched)
        await producer.send_offsets_to_transaction(_offsets(fetched), group)


def _offsets(fetched: Fetched) -> dict[TopicPartition, int]:
    return {place: records[-1].offset + 1 for place, records in fetched.items()}


CONTENDERS: Mapping[str, Contender] = {
    f"{name}, batches of {size}": partial(hop, size=size, transactions=transactions)
    for size in SIZES
    for name, transactions in (("at-least-once", False), ("transactions", True))
}


async def measure(settings: Settings) -> dict[str, Measured]:
    """Medians over rounds in which every variant has its turn."""
    async with loaded_broker(settings, ()) as bootstrap:
        runs = [{name: await _measured(name, bootstrap, turn) for name in CONTENDERS} for turn in range(ROUNDS)]
    return {name: _typical([run[name] for run in runs]) for name in CONTENDERS}


async def _measured(name: str, bootstrap: str, turn: int) -> Measured:
    group = f"{name}-{turn}".replace(", batches of ", "-")
    isolation = COMMITTED if name.startswith("transactions") else UNCOMMITTED
    async with _reading(bootstrap, isolation) as ages:
        cost = await run_contender(name, bootstrap, group, module="tests.benchmarks.transactions", messages=MESSAGES)
    return Measured(cost, median(ages), quantiles(ages, n=20)[-1])


@asynccontextmanager
async def _reading(bootstrap: str, isolation: str) -> AsyncIterator[list[float]]:
    """Ages in ms of the records that come to OUT from now on, each as it is read."""
    ages: list[float] = []
    places = [TopicPartition(OUT, number) for number in range(PARTITIONS)]
    async with AIOKafkaConsumer(bootstrap_servers=bootstrap, isolation_level=isolation) as reader:
        reader.assign(places)
        await reader.seek_to_end()
        task = asyncio.create_task(_note_ages(reader, ages))
        yield ages
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _note_ages(reader: AIOKafkaConsumer, ages: list[float]) -> None:
    while True:
        for records in (await reader.getmany(timeout_ms=1000)).values():
            now = time.time() * 1000
            ages.extend(now - record.timestamp for record in records)


def _typical(runs: Sequence[Measured]) -> Measured:
    return Measured(
        typical([run.cost for run in runs]), median(run.half_ms for run in runs), median(run.most_ms for run in runs)
    )


def report() -> None:
    """Measure, and print a row a variant."""
    if CHOSEN != APACHE:
        raise SystemExit(f"set SLUICE_TEST_BACKEND={APACHE}: no other broker here has transactions")
    with state_directory() as folder:
        settings = Settings.load({"SLUICE_STATE_DIR": folder, "SLUICE_DATABASE_URL": "postgresql://unused"})
        found = asyncio.run(measure(settings))
    columns = ("variant", "CPU µs a message", "messages/s", "ms until read, half", "ms until read, 95 %")
    table = Table(*columns, title=f"One hop of 1 KB messages, {MESSAGES:,} of them, plain aiokafka, {require()}")
    for name, (cost, half, most) in found.items():
        table.add_row(name, f"{cost['cpu_us']:.1f}", f"{cost['rate']:,.0f}", f"{half:.0f}", f"{most:.0f}")
    Console().print(table)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(CONTENDERS, sys.argv[1:])
    else:
        report()
