"""What one hop costs: our stage runtime beside a raw aiokafka loop, Quix Streams and FastStream, over one topic."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from statistics import median
from typing import TypedDict

from shared.broker.producer import Publisher
from shared.broker.topics import TopicAdmin
from shared.embedded.stack import embedded_stack
from shared.runtime.codec import encode
from shared.runtime.envelope import OutRecord
from shared.settings import Settings
from tests.benchmarks.hop_contenders import CONTENDERS, bench_settings
from tests.benchmarks.hop_message import HEADERS, IN, OUT, PARTITIONS, sample
from tests.kafka.backend import own_servers

MESSAGES = 50_000
ROUNDS = 5
FEED = 5_000


class Cost(TypedDict):
    """CPU microseconds a message, and messages a second by the clock, over so many messages."""

    messages: int
    cpu_us: float
    rate: float


async def measure_hops(settings: Settings) -> dict[str, Cost]:
    """Medians over rounds in which every contender has its turn, in a process of its own, over the same topic."""
    async with loaded_broker(settings, [_group("sluice", number) for number in range(ROUNDS)]) as bootstrap:
        runs = [
            {name: await run_contender(name, bootstrap, _group(name, number)) for name in CONTENDERS}
            for number in range(ROUNDS)
        ]
    return {name: typical([run[name] for run in runs]) for name in CONTENDERS}


def typical(costs: list[Cost]) -> Cost:
    """The median of each figure."""
    return Cost(
        messages=costs[0]["messages"],
        cpu_us=median(cost["cpu_us"] for cost in costs),
        rate=median(cost["rate"] for cost in costs),
    )


@asynccontextmanager
async def loaded_broker(settings: Settings, groups: Iterable[str]) -> AsyncIterator[str]:
    """Address of a broker of the chosen kind (SLUICE_TEST_BACKEND) with the messages, and the topics of our groups."""
    directory = settings.embedded.directory
    async with own_servers(directory, database=False) as servers:
        named = Settings.load(settings.as_environment() | servers)
        async with embedded_stack(named) as stack:
            bootstrap = stack.settings.kafka.bootstrap_servers or ""
            await _load(bootstrap, groups)
            yield bootstrap


async def _load(bootstrap: str, groups: Iterable[str]) -> None:
    settings = bench_settings(bootstrap)
    own = [f"{group}{suffix}" for group in groups for suffix in (".dead-letter", ".check.retry")]
    async with TopicAdmin(settings.kafka) as admin:
        await admin.ensure([IN, OUT, *own], PARTITIONS)
    async with Publisher(settings.kafka, PARTITIONS) as publisher:
        for start in range(0, MESSAGES, FEED):
            messages = [sample(number) for number in range(start, min(start + FEED, MESSAGES))]
            await publisher.publish([OutRecord(IN, m.id.encode(), encode(m), list(HEADERS)) for m in messages])


def _group(name: str, number: int) -> str:
    return f"hop-{name}-{number}"


async def run_contender(
    name: str,
    bootstrap: str,
    group: str,
    variables: Mapping[str, str] | None = None,
    *,
    module: str = "tests.benchmarks.hop_contenders",
    messages: int = MESSAGES,
) -> Cost:
    """One contender in a process of its own; `variables` are settings for Sluice."""
    command = [sys.executable, "-m", module, name, bootstrap, str(messages), group]
    environment = {**os.environ, **(variables or {})}
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, env=environment)
    output, _ = await process.communicate()
    if process.returncode:
        raise SystemExit(f"{name} failed")
    cost: Cost = json.loads(output.splitlines()[-1])
    return cost
