"""A real server in this process for tests of the HTTP API, and what they ask the broker and the database."""

import asyncio
import contextlib
import json
import socket
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import httpx
import uvicorn
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from schemas.enums import ItemStatus
from schemas.indicator import Indicator
from services.api.app import create_app
from services.api.serving import server_config
from shared.broker.topics import TopicAdmin
from shared.database import Database
from shared.database.ledger import ItemOutcome, finish_items
from shared.runtime.declaration import Pipeline
from shared.settings import Settings
from tests.database_users import API, as_member
from tests.kafka.backend import broker_variables

NAME = "classification"
PARTITIONS = 3
DEADLINE = 15.0


def settings_for(broker: str, database_url: str, **variables: str) -> Settings:
    return Settings.load(
        {
            **broker_variables(broker),
            "SLUICE_KAFKA_PARTITIONS": str(PARTITIONS),
            "SLUICE_DATABASE_URL": as_member(API, database_url),
            "SLUICE_API_BODY_LIMIT_BYTES": "100000",
            "SLUICE_API_MAX_INDICATORS": "10",
            **variables,
        }
    )


def own_pipeline() -> Pipeline:
    """The classification pipeline, as far as the API sees it, on a topic that no stage reads."""
    pipeline = Pipeline(NAME, key="indicator_id")

    async def nothing(messages: Sequence[Indicator]) -> list[Any]:
        return []

    topic = pipeline.topic(f"api-{uuid4().hex[:8]}.ingest", Indicator, "indicators of a test")
    pipeline.stage("normalize", nothing, reads=topic, edge=True)
    return pipeline


async def create_topic(settings: Settings, pipeline: Pipeline) -> None:
    async with TopicAdmin(settings.kafka) as admin:
        await admin.ensure([pipeline.edge.name], PARTITIONS)


@asynccontextmanager
async def serving(
    settings: Settings, pipeline: Pipeline, clock: Callable[[], float] = time.time
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a server that runs for as long as the context lasts."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = server_config(create_app(settings, pipeline, clock), settings, *listener.getsockname())
    config.timeout_graceful_shutdown = 2
    server = uvicorn.Server(config)
    running = asyncio.create_task(server._serve([listener]))
    try:
        await until(lambda: server.started or running.done())
        async with httpx.AsyncClient(base_url=address(listener), timeout=DEADLINE) as client:
            yield client
    finally:
        server.should_exit = True
        await running


def address(listener: socket.socket) -> str:
    host, port = listener.getsockname()
    return f"http://{host}:{port}"


@asynccontextmanager
async def forwarding(port: int, host: str, to: int) -> AsyncIterator[None]:
    """A server on `port` whose every byte goes to another place."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        onward_reader, onward_writer = await asyncio.open_connection(host, to)
        await asyncio.gather(_copy(reader, onward_writer), _copy(onward_reader, writer))

    server = await asyncio.start_server(connected, "127.0.0.1", port)
    try:
        yield
    finally:
        server.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while chunk := await reader.read(65_536):
        writer.write(chunk)
    writer.close()


async def until(condition: Callable[[], bool | Awaitable[bool]], seconds: float = DEADLINE) -> None:
    """Wait for a condition; fail when it is not met in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        met = condition()
        if met if isinstance(met, bool) else await met:
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"not within {seconds:g} s")


def indicator(number: int = 0, **fields: object) -> dict[str, Any]:
    return {"indicator_id": f"id-{number}", "name": f"Exports {number}", "units": "USD Million", **fields}


def submission(count: int = 3, **fields: object) -> dict[str, Any]:
    return {"indicators": [indicator(number) for number in range(count)], **fields}


async def submit(client: httpx.AsyncClient, body: object = None, **headers: str) -> httpx.Response:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return await client.post("/classify/batch", json=submission() if body is None else body, headers=names)


async def accepted(client: httpx.AsyncClient, body: object = None, **headers: str) -> str:
    """The id of a batch that was accepted."""
    answer = await submit(client, body, **headers)
    assert answer.status_code == 202, answer.text
    batch_id: str = answer.json()["batch_id"]
    return batch_id


async def finish(database: Database, batch_id: str, status: ItemStatus, *item_ids: str) -> None:
    error = "wrong-schema: name: too odd" if status is ItemStatus.DEAD_LETTERED else None
    outcomes = [ItemOutcome(batch_id, item_id, status, error, confidence=0.9) for item_id in item_ids]
    await finish_items(database, NAME, outcomes)


async def published(broker: str, topic: str) -> list[ConsumerRecord]:
    """Everything on a topic."""
    places = [TopicPartition(topic, number) for number in range(PARTITIONS)]
    consumer = AIOKafkaConsumer(bootstrap_servers=broker, auto_offset_reset="earliest")
    await consumer.start()
    try:
        consumer.assign(places)
        missing = sum((await consumer.end_offsets(places)).values())
        records: list[ConsumerRecord] = []
        async with asyncio.timeout(DEADLINE):
            while len(records) < missing:
                found = await consumer.getmany(timeout_ms=500)
                records += [record for part in found.values() for record in part]
        return records
    finally:
        await consumer.stop()


def of_batch(records: Sequence[ConsumerRecord], batch_id: str) -> dict[str, ConsumerRecord]:
    """The records of one batch by key; fails if a key is there twice."""
    mine = [record for record in records if dict(record.headers)["batch_id"] == batch_id.encode()]
    by_key = {record.key.decode(): record for record in mine}
    assert len(by_key) == len(mine)
    return by_key


async def events(
    client: httpx.AsyncClient, batch_id: str, last_event_id: str | None = None
) -> AsyncGenerator[dict[str, Any], None]:
    """Server-sent events of a batch, each with its fields; the data parsed."""
    headers = {"Last-Event-ID": last_event_id} if last_event_id else {}
    async with client.stream("GET", f"/batches/{batch_id}/events", headers=headers) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream"), answer.status_code
        event: dict[str, Any] = {}
        async for line in answer.aiter_lines():
            name, _, value = line.partition(": ")
            if line and name:
                event[name] = json.loads(value) if name == "data" else value
            elif event:
                yield event
                event = {}


async def first_event(client: httpx.AsyncClient, batch_id: str, last_event_id: str | None = None) -> dict[str, Any]:
    """The first event that comes, by a client that leaves after it."""
    async with contextlib.aclosing(events(client, batch_id, last_event_id)) as stream:
        return await anext(stream)
