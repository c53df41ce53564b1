"""Watching batches and reading results over HTTP; and the whole way through the real stages."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from schemas.enums import ItemStatus
from shared.broker.topics import TopicAdmin
from shared.database import Database
from shared.database.ledger import NewBatch, open_batch
from shared.pipelines import pipelines
from shared.service.supervisor import Supervisor
from shared.settings import Settings
from shared.telemetry.metrics import API_STREAMS
from tests.database_users import for_stages
from tests.integration.api_server import (
    DEADLINE,
    accepted,
    create_topic,
    events,
    finish,
    first_event,
    own_pipeline,
    serving,
    settings_for,
    submission,
    until,
)

DONE, HUMAN, DEAD = ItemStatus.COMPLETED, ItemStatus.NEEDS_HUMAN, ItemStatus.DEAD_LETTERED


@pytest_asyncio.fixture(loop_scope="session")
async def api(broker: str, database_url: str) -> AsyncIterator[httpx.AsyncClient]:
    pipeline = own_pipeline()
    settings = settings_for(broker, database_url)
    await create_topic(settings, pipeline)
    async with serving(settings, pipeline) as client:
        yield client


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def reader(broker: str, postgres_url: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client for what writes nothing."""
    async with serving(settings_for(broker, postgres_url), own_pipeline()) as client:
        yield client


class TestBatches:
    async def test_the_newest_come_first(self, api: httpx.AsyncClient) -> None:
        ids = [await accepted(api) for _ in range(3)]
        found = (await api.get("/batches", params={"limit": 2})).json()["batches"]
        assert [one["batch_id"] for one in found] == [ids[2], ids[1]]

    async def test_counts_add_up(self, api: httpx.AsyncClient, database: Database) -> None:
        batch_id = await accepted(api, submission(4))
        await finish(database, batch_id, DONE, "id-0")
        await finish(database, batch_id, HUMAN, "id-1")
        await finish(database, batch_id, DEAD, "id-2")
        state = (await api.get(f"/batches/{batch_id}")).json()
        counts = {name: state[name] for name in ("total", "completed", "needs_human", "failed", "pending")}
        assert counts == {"total": 4, "completed": 1, "needs_human": 1, "failed": 1, "pending": 1}
        assert (state["status"], state["percentage"]) == ("running", 75.0)
        assert state["rate_per_second"] > 0
        assert state["eta_seconds"] >= 0

    @pytest.mark.parametrize("batch_id", ["nobody", "%00", "a" * 200, "<script>"])
    @pytest.mark.parametrize("rest", ["", "/results", "/events"])
    async def test_a_batch_there_is_not(self, reader: httpx.AsyncClient, batch_id: str, rest: str) -> None:
        answer = await reader.get(f"/batches/{batch_id}{rest}")
        assert answer.status_code == 404
        assert answer.json()["message"] == "there is no batch of this id"
        assert "script" not in answer.text

    async def test_a_batch_of_another_pipeline_is_not_shown(self, api: httpx.AsyncClient, database: Database) -> None:
        await open_batch(database, NewBatch("theirs", "deduplication", 1))
        assert (await api.get("/batches/theirs")).status_code == 404

    @pytest.mark.parametrize("query", ["limit=0", "limit=1001", "limit=x", "offset=-1", "status=lost"])
    async def test_wrong_parameters(self, reader: httpx.AsyncClient, query: str) -> None:
        answer = await reader.get(f"/batches/nobody/results?{query}")
        assert answer.status_code == 400
        assert query.partition("=")[0] in answer.json()["message"]


class TestResults:
    async def test_pages_follow_each_other_to_the_end(self, api: httpx.AsyncClient) -> None:
        batch_id = await accepted(api, submission(5))
        rows: list[dict[str, str]] = []
        offset: int | None = 0
        while offset is not None:
            page = (await api.get(f"/batches/{batch_id}/results", params={"offset": offset, "limit": 2})).json()
            assert page["total"] == 5
            rows += page["results"]
            offset = page["next_offset"]
        assert [row["indicator_id"] for row in rows] == [f"id-{number}" for number in range(5)]
        assert {row["status"] for row in rows} == {"pending"}

    async def test_failed_items_are_listed_with_their_reason(self, api: httpx.AsyncClient, database: Database) -> None:
        batch_id = await accepted(api)
        await finish(database, batch_id, DEAD, "id-1")
        page = (await api.get(f"/batches/{batch_id}/results", params={"status": "failed"})).json()
        (row,) = page["results"]
        assert (page["total"], page["next_offset"]) == (1, None)
        assert (row["indicator_id"], row["name"], row["units"]) == ("id-1", "Exports 1", "USD Million")
        assert (row["status"], row["error"], row["family"]) == ("failed", "wrong-schema: name: too odd", None)


class TestEvents:
    async def test_progress_until_completed_and_then_the_stream_ends(
        self, api: httpx.AsyncClient, database: Database
    ) -> None:
        batch_id = await accepted(api)
        seen = []
        async with asyncio.timeout(DEADLINE):
            async for event in events(api, batch_id):
                seen.append((event["event"], event["data"]["completed"], event["data"]["failed"]))
                step = len(seen)
                await finish(database, batch_id, DEAD if step == 3 else DONE, f"id-{step - 1}")
        assert seen == [("progress", 0, 0), ("progress", 1, 0), ("progress", 2, 0), ("completed", 2, 1)]

    async def test_no_more_than_four_events_a_second(self, api: httpx.AsyncClient, database: Database) -> None:
        batch_id = await accepted(api, submission(10))
        started, seen = asyncio.get_running_loop().time(), 0
        finishing = asyncio.create_task(_finish_slowly(database, batch_id))
        async for _event in events(api, batch_id):
            seen += 1
        assert seen <= 2 + 4 * (asyncio.get_running_loop().time() - started)
        await finishing

    async def test_a_client_that_comes_back_is_told_what_it_has_missed(
        self, api: httpx.AsyncClient, database: Database
    ) -> None:
        batch_id = await accepted(api)
        first = await first_event(api, batch_id)
        await finish(database, batch_id, DONE, "id-0")
        second = await first_event(api, batch_id, first["id"])
        assert second["data"]["completed"] == 1
        finishing = asyncio.create_task(_finish_when_watched(database, batch_id))
        third = await first_event(api, batch_id, second["id"])
        await finishing
        assert (third["event"], third["data"]["completed"]) == ("completed", 3)

    async def test_a_client_that_has_seen_the_end_is_told_not_to_come_back(
        self, api: httpx.AsyncClient, database: Database
    ) -> None:
        batch_id = await accepted(api)
        await finish(database, batch_id, DONE, "id-0", "id-1", "id-2")
        (last,) = [event async for event in events(api, batch_id)]
        headers = {"Last-Event-ID": last["id"]}
        assert (await api.get(f"/batches/{batch_id}/events", headers=headers)).status_code == 204
        assert (await api.get(f"/batches/{batch_id}/events", headers={"Last-Event-ID": "x"})).status_code == 200

    async def test_a_client_that_leaves_ends_its_queries(self, api: httpx.AsyncClient) -> None:
        batch_id = await accepted(api)
        async with contextlib.aclosing(events(api, batch_id)) as stream:
            await anext(stream)
            assert API_STREAMS._value.get() >= 1
        await until(lambda: API_STREAMS._value.get() == 0)


async def _finish_when_watched(database: Database, batch_id: str) -> None:
    await until(lambda: API_STREAMS._value.get() == 1)
    await finish(database, batch_id, DONE, "id-1", "id-2")


async def _finish_slowly(database: Database, batch_id: str) -> None:
    for number in range(10):
        await finish(database, batch_id, DONE, f"id-{number}")
        await asyncio.sleep(0.05)  # the pace of the work, not a wait for anything


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def whole(broker: str, postgres_url: str, state_directory: Path) -> AsyncIterator[Settings]:
    """Every stage of the pipeline in child processes."""
    settings = settings_for(
        broker,
        postgres_url,
        SLUICE_KAFKA_PARTITIONS="12",
        SLUICE_STATE_DIR=str(state_directory),
        SLUICE_KAFKA_SESSION_TIMEOUT_MS="4000",
        SLUICE_KAFKA_HEARTBEAT_INTERVAL_MS="500",
        SLUICE_FETCH_WAIT_MS="20",
    )
    pipeline = pipelines()["classification"]
    async with TopicAdmin(settings.kafka) as admin:
        await admin.ensure(pipeline.topic_names(), 12)
    command = [sys.executable, "-m", "services.cli.main"]
    async with Supervisor(for_stages(settings), pipeline.stages, command, lambda _: None):
        yield settings


async def test_from_submission_to_results(whole: Settings) -> None:
    rows = [
        {"indicator_id": "e2e-gdp", "name": "GDP", "units": "USD Billion"},
        {"indicator_id": "e2e-jobless", "name": "Unemployment Rate", "units": "%", "sample_values": [3.9, 4.0]},
    ]
    async with serving(whole, pipelines()["classification"]) as api:
        batch_id = await accepted(api, {"indicators": rows, "llm_provider": "embedded"})
        async with asyncio.timeout(60):
            seen = [event async for event in events(api, batch_id)]
        assert seen[-1]["event"] == "completed"
        assert seen[-1]["data"]["failed"] == 0
        found = (await api.get(f"/batches/{batch_id}/results")).json()["results"]
    assert [row["indicator_id"] for row in found] == ["e2e-gdp", "e2e-jobless"]
    assert (found[0]["family"], found[0]["indicator_type"], found[0]["scale"]) == (
        "physical-fundamental",
        "flow",
        "billions",
    )
    assert found[1]["family"] == "numeric-measurement"
    assert {row["provider"] for row in found} == {"embedded"}
    assert all(row["overall_confidence"] > 0 and row["error"] is None for row in found)
