"""A pipeline that does not keep up: the API takes no more, no process grows, and everything drains by itself."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import httpx
import psutil
import pytest
import pytest_asyncio

from services.classification.pipeline import CLASSIFICATION
from shared.settings import Settings
from tests.contract.waiting import POLL_SECONDS, eventually
from tests.faults.asking import Asking
from tests.faults.fragile import DATABASE
from tests.faults.line import Weather
from tests.faults.report import FINDINGS, Finding
from tests.faults.scenario import END_SECONDS
from tests.integration.api_server import serving
from tests.integration.whole_pipeline import Row, WholePipeline, indicators

MAX_LAG = 3_000
REQUEST = 100
DISTINCT = 50
LONG_TEXT = "as published, " * 1_500
"""21 KB in each item, so that a process that held the whole backlog would grow by more than it may."""
MEGABYTE = 1_048_576
MOST_GROWTH = 48 * MEGABYTE


@dataclass
class Front:
    """The pipeline with its API in front."""

    pipeline: WholePipeline
    api: httpx.AsyncClient
    batch_ids: list[str] = field(default_factory=list)

    async def submit(self) -> httpx.Response:
        """Ask for the next indicators to be classified."""
        answer = await self.api.post("/classify/batch", json={"indicators": _rows(len(self.batch_ids))})
        if answer.status_code == httpx.codes.ACCEPTED:
            self.batch_ids.append(answer.json()["batch_id"])
        return answer

    async def until(self, status: int) -> httpx.Response:
        """Ask again and again until the answer is of this status."""

        async def answered() -> httpx.Response | None:
            answer = await self.submit()
            return answer if answer.status_code == status else None

        answer = await eventually(answered, f"the API answers {status}", END_SECONDS)
        assert answer
        return answer

    @property
    def accepted(self) -> int:
        return len(self.batch_ids) * REQUEST

    async def count(self, table: str, condition: str = "true") -> int:
        query = f"SELECT count(*) FROM {table} WHERE batch_id = ANY ($1) AND {condition}"
        return int(await self.pipeline.database.fetchval(query, self.batch_ids))

    async def come_in(self) -> None:
        """Wait until every item has at least a part at the join."""

        async def joining() -> bool:
            return await self.count("facet_join") == self.accepted

        await eventually(joining, "all that was accepted is with the stages", END_SECONDS)


def _rows(number: int) -> list[Row]:
    """The indicators of one request. Few are different, so that the vendor is not asked for long; none of them is like
    one of the first request, which has been answered when the others come.
    """
    few = indicators()[DISTINCT:] if number else indicators()
    return [few[n % DISTINCT] | {"indicator_id": f"crowd:{number}:{n}", "notes": LONG_TEXT} for n in range(REQUEST)]


@asynccontextmanager
async def dead_vendor(asked: Asking, front: Front) -> AsyncIterator[None]:
    await asked.vendor.control(down=True)
    try:
        yield
        await front.come_in()
    finally:
        await asked.vendor.control(down=False)


@asynccontextmanager
async def slow_database(asked: Asking, front: Front) -> AsyncIterator[None]:
    with asked.ground.lines[DATABASE].spoilt(Weather(delay=0.3)):
        yield


@asynccontextmanager
async def stage_that_stands_still(asked: Asking, front: Front) -> AsyncIterator[None]:
    process = front.pipeline.child_of("type").process
    assert process
    process.send_signal(signal.SIGSTOP)
    try:
        yield
        await front.come_in()
    finally:
        process.send_signal(signal.SIGCONT)


CAUSES: dict[str, Callable[[Asking, Front], AbstractAsyncContextManager[None]]] = {
    "a dead language model": dead_vendor,
    "a slow database": slow_database,
    "a stage that stands still": stage_that_stands_still,
}


@pytest_asyncio.fixture(loop_scope="session")
async def front(asked: Asking) -> AsyncIterator[Front]:
    """An API on direct ways to the servers, and one request that has come through."""
    ground = asked.ground
    await ground.field.sound()
    await asked.forget()
    variables = {
        **ground.field.pipeline.settings.as_environment(),
        "SLUICE_API_MAX_LAG": str(MAX_LAG),
        "SLUICE_DATABASE_URL": ground.database_url,
        "SLUICE_KAFKA_BOOTSTRAP_SERVERS": ground.field.cluster.address,
    }
    async with serving(Settings.load(variables), CLASSIFICATION) as api:
        front = Front(ground.field.pipeline, api)
        await front.until(httpx.codes.ACCEPTED)
        await front.pipeline.finished(front.batch_ids, END_SECONDS)
        yield front


@pytest.mark.parametrize("cause", CAUSES)
async def test_it_takes_no_more_than_may_wait(asked: Asking, front: Front, cause: str) -> None:
    async with growth(front.pipeline) as grown:
        async with CAUSES[cause](asked, front):
            refused = await front.until(httpx.codes.TOO_MANY_REQUESTS)
            assert int(refused.headers["retry-after"]) >= 1
            waiting = await front.count("batch_items", "status = 'pending'")
            assert 0 < waiting <= MAX_LAG + REQUEST
        over = datetime.now(UTC)
        batches = await front.pipeline.finished(front.batch_ids, END_SECONDS)
        last = max(batch.ended_at for batch in batches if batch.ended_at)
        await front.until(httpx.codes.ACCEPTED)
        await front.pipeline.finished(front.batch_ids, END_SECONDS)
    assert await front.count("batch_items", "status IN ('completed', 'needs_human') AND moves = 1") == front.accepted
    assert grown.bytes < MOST_GROWTH
    seen = f"429 with {waiting:,} waiting; no process larger by more than {grown.bytes // MEGABYTE} MB; all ended once"
    promised = "429 with Retry-After above the lag allowed; memory bounded; drains by itself"
    FINDINGS.append(Finding(f"Backlog behind {cause}", promised, seen, last=(last - over).total_seconds()))


@dataclass
class Growth:
    """How much the process that has grown most had grown at its largest."""

    bytes: int = 0


@asynccontextmanager
async def growth(pipeline: WholePipeline) -> AsyncIterator[Growth]:
    """Watch the memory of the stage processes for as long as the context lasts."""
    processes = [psutil.Process(child.process.pid) for child in pipeline.stages.children if child.process]
    before = [process.memory_info().rss for process in processes]
    grown = Growth()

    async def watch() -> None:
        while True:
            now = [process.memory_info().rss for process in processes]
            grown.bytes = max(grown.bytes, *(after - first for after, first in zip(now, before, strict=True)))
            await asyncio.sleep(POLL_SECONDS)

    watching = asyncio.create_task(watch())
    try:
        yield grown
    finally:
        watching.cancel()
