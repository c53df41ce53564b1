"""What one hop costs: our stage runtime beside a raw aiokafka loop and Quix Streams, same broker, same messages."""

import asyncio
import json
import sys
from typing import TypedDict

from shared.broker.producer import Publisher
from shared.broker.topics import TopicAdmin
from shared.embedded.stack import embedded_stack
from shared.runtime.codec import encode
from shared.runtime.envelope import OutRecord
from shared.settings import Settings
from tests.benchmarks.hop_contenders import CONTENDERS, bench_settings
from tests.benchmarks.hop_message import HEADERS, IN, OUT, PARTITIONS, sample

MESSAGES = 50_000
FEED = 5_000


class Cost(TypedDict):
    """CPU microseconds a message, and messages a second by the clock."""

    cpu_us: float
    rate: float


async def measure_hops(settings: Settings) -> dict[str, Cost]:
    """Every contender in turn, in a process of its own, over the same preloaded topic."""
    async with embedded_stack(settings) as stack:
        bootstrap = stack.settings.kafka.bootstrap_servers or ""
        await _load(bootstrap)
        return {name: await _run(name, bootstrap) for name in CONTENDERS}


async def _load(bootstrap: str) -> None:
    settings = bench_settings(bootstrap)
    async with TopicAdmin(settings.kafka) as admin:
        await admin.ensure([IN, OUT, "hop.dead-letter", "hop.check.retry"], PARTITIONS)
    async with Publisher(settings.kafka, PARTITIONS) as publisher:
        for start in range(0, MESSAGES, FEED):
            messages = [sample(number) for number in range(start, min(start + FEED, MESSAGES))]
            await publisher.publish([OutRecord(IN, m.id.encode(), encode(m), list(HEADERS)) for m in messages])


async def _run(name: str, bootstrap: str) -> Cost:
    command = [sys.executable, "-m", "tests.benchmarks.hop_contenders", name, bootstrap, str(MESSAGES)]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    output, _ = await process.communicate()
    if process.returncode:
        raise SystemExit(f"{name} failed")
    cost: Cost = json.loads(output.splitlines()[-1])
    return cost
