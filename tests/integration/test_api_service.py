"""The API as a service: pushing back, servers that are away, health, metrics, description, its own process."""

import asyncio
import contextlib
import gc
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import httpx
import pytest

from schemas.enums import ItemStatus
from shared.database import Database
from shared.database.backlog import Backlog, backlog
from shared.database.ledger import NewBatch, batches, open_batch
from shared.embedded.process import free_port, spawn
from shared.runtime.declaration import Pipeline
from shared.settings import Settings
from tests.integration.api_server import (
    NAME,
    accepted,
    create_topic,
    events,
    finish,
    forwarding,
    own_pipeline,
    serving,
    settings_for,
    submission,
    submit,
    until,
)
from tests.kafka.backend import BrokerServer

DONE = ItemStatus.COMPLETED


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    return own_pipeline()


class TestBacklog:
    async def test_it_counts_what_is_pending_and_how_fast_it_went(self, database: Database) -> None:
        assert await backlog(database, NAME) == Backlog(0, None)
        await open_batch(database, NewBatch("a", NAME, 5))
        await open_batch(database, NewBatch("theirs", "deduplication", 7))
        await open_batch(database, NewBatch("rolling", NAME, None))
        await finish(database, "a", DONE, "1", "2")
        found = await backlog(database, NAME)
        assert found.pending == 3
        assert found.rate and found.rate > 0

    async def test_what_was_left_behind_a_day_ago_does_not_count(self, database: Database) -> None:
        await open_batch(database, NewBatch("old", NAME, 5))
        await database.execute("UPDATE batches SET batch_start_time = now() - interval '25 hours'")
        assert (await backlog(database, NAME)).pending == 0


class TestPushingBack:
    async def test_a_pipeline_that_is_behind_takes_no_more_until_it_has_caught_up(
        self, broker: str, database_url: str, database: Database, pipeline: Pipeline
    ) -> None:
        settings = settings_for(broker, database_url, SLUICE_API_MAX_LAG="2")
        await create_topic(settings, pipeline)
        async with serving(settings, pipeline) as api:
            batch_id = await accepted(api, idempotency_key="first")
            refused = await submit(api)
            assert refused.status_code == 429
            assert int(refused.headers["retry-after"]) >= 1
            assert "more than the 2" in refused.json()["message"]

            repeat = await submit(api, idempotency_key="first")
            assert (repeat.status_code, repeat.json()["batch_id"]) == (202, batch_id)
            assert (await submit(api, submission(1), idempotency_key="first")).status_code == 422

            await finish(database, batch_id, DONE, "id-0", "id-1")

            async def taken() -> bool:
                return (await submit(api)).status_code == 202

            await until(taken)


class TestAway:
    async def test_without_a_broker_nothing_is_accepted_and_reading_goes_on(
        self, database_url: str, database: Database, pipeline: Pipeline
    ) -> None:
        settings = settings_for(f"127.0.0.1:{free_port()}", database_url)
        async with serving(settings, pipeline) as api:
            answer = await submit(api)
            assert answer.status_code == 503
            assert int(answer.headers["retry-after"]) >= 1
            assert "Idempotency-Key" in answer.json()["remedy"]
            assert (await api.get("/batches")).json() == {"batches": []}
            ready = await api.get("/health/ready")
            assert (ready.status_code, ready.json()["checks"]) == (503, {"database": "ok", "broker": "away"})
            assert (await api.get("/health/live")).status_code == 200
        assert await batches(database) == []

    async def test_without_a_database_every_route_that_needs_it_says_so(self, broker: str, pipeline: Pipeline) -> None:
        url = f"postgresql://user:secret@127.0.0.1:{free_port()}/none"
        async with serving(settings_for(broker, url), pipeline) as api:
            for answer in (await submit(api), await api.get("/batches"), await api.get("/batches/x/events")):
                assert answer.status_code == 503
                assert "retry-after" in answer.headers
                assert "secret" not in answer.text
            assert (await api.get("/health/ready")).json()["checks"]["database"] == "away"

    async def test_what_the_broker_did_not_take_is_not_registered(
        self,
        new_broker: Callable[[Path], BrokerServer],
        database_url: str,
        database: Database,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr("services.api.accepting.PUBLISH_SECONDS", 0.5)
        monkeypatch.setattr("services.api.connections.CLOSE_SECONDS", 0.5)
        broker, pipeline = new_broker(tmp_path), own_pipeline()
        settings = settings_for(await broker.start(), database_url)
        await create_topic(settings, pipeline)
        async with serving(settings, pipeline) as api:
            taken = await accepted(api, idempotency_key="before")
            await broker.stop()
            answers = await asyncio.gather(*(submit(api, idempotency_key="after") for _ in range(3)))
            assert {answer.status_code for answer in answers} == {503}
            assert await accepted(api, idempotency_key="before") == taken
            assert (await api.get("/health/ready")).json()["checks"] == {"database": "ok", "broker": "away"}
        assert [found.batch_id for found in await batches(database)] == [taken]
        # The producer leaves failed futures behind, which are reported when they are collected. Better now than while
        # pytest parses a module: CPython 3.11 cannot parse, as it does for the report, in the middle of parsing.
        gc.collect()

    async def test_it_connects_when_the_servers_come(self, broker: str, database_url: str, pipeline: Pipeline) -> None:
        settings = settings_for(broker, database_url)
        await create_topic(settings, pipeline)
        port, address = free_port(), urlsplit(database_url)
        late = urlunsplit(address._replace(netloc=f"{address.netloc.rpartition('@')[0]}@127.0.0.1:{port}"))
        async with serving(settings_for(broker, late), pipeline) as api:
            assert (await submit(api)).status_code == 503
            async with forwarding(port, address.hostname or "", address.port or 0):

                async def taken() -> bool:
                    return (await submit(api)).status_code == 202

                await until(taken)


class TestDescription:
    async def test_health_has_the_known_shape(self, broker: str, postgres_url: str, pipeline: Pipeline) -> None:
        await create_topic(settings_for(broker, postgres_url), pipeline)
        async with serving(settings_for(broker, postgres_url), pipeline) as api:
            assert set((await api.get("/health")).json()) == {"status", "timestamp", "service"}
            assert (await api.get("/health/ready")).json()["status"] == "ready"

    async def test_metrics_name_routes_and_never_what_clients_send(
        self, broker: str, postgres_url: str, pipeline: Pipeline
    ) -> None:
        async with serving(settings_for(broker, postgres_url), pipeline) as api:
            await api.get("/batches/some-client-made-this-up")
            await api.get("/nor-this")
            await api.request("BREW", "/health")
            text = (await api.get("/metrics")).text
        assert 'sluice_api_requests_total{method="GET",route="/batches/{batch_id}",status="404"}' in text
        assert 'route="other",status="404"' in text
        for word in ("made-this-up", "nor-this", "BREW"):
            assert word not in text

    async def test_the_description_teaches_the_body(self, broker: str, postgres_url: str, pipeline: Pipeline) -> None:
        async with serving(settings_for(broker, postgres_url), pipeline) as api:
            described = (await api.get("/openapi.json")).json()
            body = described["paths"]["/classify/batch"]["post"]["requestBody"]["content"]["application/json"]
            rows = body["schema"]["properties"]["indicators"]
            assert rows["maxItems"] == 10
            assert "units" in described["components"]["schemas"][rows["items"]["$ref"].rpartition("/")[2]]["properties"]
            await create_topic(settings_for(broker, postgres_url), pipeline)
            for example in body["examples"].values():
                assert (await submit(api, example["value"])).status_code == 202


class TestProcess:
    async def test_a_signal_ends_streams_and_the_process_with_zero(
        self, broker: str, database_url: str, database: Database, tmp_path: Path
    ) -> None:
        await open_batch(database, NewBatch("endless", NAME, 1))
        port, log = free_port(), tmp_path / "log"
        process = await start(settings_for(broker, database_url), log, "--port", str(port))
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as api:
            await until(lambda: answers(api))
            stream = events(api, "endless")
            await anext(stream)
            process.send_signal(signal.SIGTERM)
            with contextlib.suppress(httpx.RemoteProtocolError):  # it may be cut in the middle
                assert [event async for event in stream] == []
            async with asyncio.timeout(10):
                assert await process.wait() == 0, log.read_text()

    async def test_without_servers_it_says_what_to_set(self, tmp_path: Path) -> None:
        process = await start(Settings(), tmp_path / "log")
        assert await process.wait() == 2
        assert "SLUICE_KAFKA_BOOTSTRAP_SERVERS" in (tmp_path / "log").read_text()

    async def test_without_its_file_of_keys_it_does_not_open(self, tmp_path: Path) -> None:
        for name, said in (("gone", "No such file"), ("wrong", "line 1 is not a name")):
            (tmp_path / "wrong").write_text("prices:plain-key")
            settings = settings_for("127.0.0.1:1", "postgresql://h/d", SLUICE_API_KEYS_FILE=str(tmp_path / name))
            process = await start(settings, tmp_path / "log")
            assert await process.wait() == 2
            text = (tmp_path / "log").read_text()
            assert said in text
            assert "sluice api-keys new" in text
            assert "plain-key" not in text


async def start(settings: Settings, log: Path, *options: str) -> asyncio.subprocess.Process:
    command = [sys.executable, "-m", "services.api", *options]
    return await spawn(command, log, env={**os.environ, **settings.as_environment()}, death_signal=signal.SIGTERM)


async def answers(api: httpx.AsyncClient) -> bool:
    try:
        return (await api.get("/health/ready")).status_code in {200, 503}
    except httpx.TransportError:
        return False
