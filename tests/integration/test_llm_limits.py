"""Four replicas of one stage share one limit, however unevenly their partitions are filled."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from itertools import count
from pathlib import Path

import pytest
import pytest_asyncio

from shared.broker.producer import partition_of
from tests.contract.replica import Replica
from tests.integration.asked_pipeline import AskedPipeline, asked_pipeline, labelled
from tests.integration.whole_pipeline import PARTITIONS, Row
from tests.open_directory import open_directory

RPM = 1_500
A_SECOND = RPM / 60
ROWS = 220
HEAVY_SHARE = 0.55
"""Of the rows, in one partition."""
REPLICAS = 4
WINDOW = 5
ONLY_FAMILY = {
    "LLM_PROVIDER": "embedded",
    "LLM_PROVIDER_TIME": "embedded",
    "LLM_PROVIDER_FAMILY": "openai",
    "SLUICE_REVIEW": "rules",
    "SLUICE_LLM_BATCH_ITEMS": "1",
    "SLUICE_OPENAI_RPM": str(RPM),
    "SLUICE_WORKER_PROCESSES": "1",
}


@pytest.fixture
def limited_directory() -> Iterator[Path]:
    with open_directory("limited") as directory:
        yield directory


@pytest_asyncio.fixture(loop_scope="session")
async def limited(limited_directory: Path) -> AsyncIterator[AskedPipeline]:
    """The pipeline, and three more processes that are nothing but the family stage."""
    async with (
        asked_pipeline(limited_directory, ONLY_FAMILY, rpm=RPM, latency_median=0.1) as running,
        AsyncExitStack() as stack,
    ):
        command = ["-m", "services.cli.main", "run", "classification.family", "--port", "PORT"]
        environment = running.pipeline.settings.as_environment()
        replicas = [
            await Replica.start(command, limited_directory / f"family-{number}.log", environment)
            for number in range(1, REPLICAS)
        ]
        for replica in replicas:
            stack.push_async_callback(replica.kill)
        await asyncio.gather(*(replica.ready() for replica in replicas))
        yield running


def skewed() -> list[Row]:
    """Indicators that all differ, more than half of them in one partition."""
    rows, _ = labelled(600, 600 + ROWS)
    heavy = int(ROWS * HEAVY_SHARE)
    places = [0] * heavy + [1 + number % (PARTITIONS - 1) for number in range(ROWS - heavy)]
    return [
        row | {"indicator_id": _key(number, place)}
        for number, (row, place) in enumerate(zip(rows, places, strict=True))
    ]


def _key(number: int, partition: int) -> str:
    """An id that goes to a partition."""
    keys = (f"skewed:{number}:{salt}" for salt in count())
    return next(key for key in keys if partition_of(key.encode(), PARTITIONS) == partition)


async def test_four_replicas_use_one_limit_and_never_more(limited: AskedPipeline) -> None:
    batches = await limited.run(skewed())
    assert sum(batch.dead_lettered for batch in batches) == 0
    stats = await limited.vendor.stats()
    assert stats["by_status"] == {"200": stats["calls"]}
    assert stats["rate_limited"] == 0
    owners = "SELECT count(DISTINCT owner) FROM llm_call"
    assert await limited.pipeline.database.fetchval(owners) == REPLICAS

    by_second = {second["at"]: second["calls"] for second in stats["seconds"]}
    first, last = min(by_second), max(by_second)
    windows = [
        sum(by_second.get(at, 0) for at in range(int(start), int(start) + WINDOW))
        for start in range(int(first), int(last))
    ]
    assert max(windows) <= A_SECOND * WINDOW
    steady = [by_second.get(at, 0) for at in range(int(first) + 1, int(last))]
    assert sum(steady) >= 0.9 * A_SECOND * len(steady)
