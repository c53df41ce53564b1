"""What one hop costs: our stage runtime beside a raw aiokafka loop and Quix Streams, same broker, same messages."""

import asyncio
import json
import sys
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

MESSAGES = 50_000
ROUNDS = 5
FEED = 5_000


class Cost(TypedDict):
    """CPU microseconds a message, and messages a second by the clock."""

    cpu_us: float
    rate: float


async def measure_hops(settings: Settings) -> dict[str, Cost]:
    """Medians over rounds in which every contender has its turn, in a process of its own, over the same topic."""
    async with embedded_stack(settings) as stack:
        bootstrap = stack.settings.kafka.bootstrap_servers or ""
        await _load(bootstrap)
        runs = [{name: await _run(name, bootstrap, number) for name in CONTENDERS} for number in range(ROUNDS)]
    return {
        name: Cost(cpu_us=median(run[name]["cpu_us"] for run in runs), rate=median(run[name]["rate"] for run in runs))
        for name in CONTENDERS
    }


async def _load(bootstrap: str) -> None:
    settings = bench_settings(bootstrap)
    own = [
        f"{_group('sluice', number)}{suffix}" for number in range(ROUNDS) for suffix in (".dead-letter", ".check.retry")
    ]
    async with TopicAdmin(settings.kafka) as admin:
        await admin.ensure([IN, OUT, *own], PARTITIONS)
    async with Publisher(settings.kafka, PARTITIONS) as publisher:
        for start in range(0, MESSAGES, FEED):
            messages = [sample(number) for number in range(start, min(start + FEED, MESSAGES))]
            await publisher.publish([OutRecord(IN, m.id.encode(), encode(m), list(HEADERS)) for m in messages])


def _group(name: str, number: int) -> str:
    return f"hop-{name}-{number}"


async def _run(name: str, bootstrap: str, number: int) -> Cost:
    arguments = [name, bootstrap, str(MESSAGES), _group(name, number)]
    command = [sys.executable, "-m", "tests.benchmarks.hop_contenders", *arguments]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    output, _ = await process.communicate()
    if process.returncode:
        raise SystemExit(f"{name} failed")
    cost: Cost = json.loads(output.splitlines()[-1])
    return cost
