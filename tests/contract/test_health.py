"""What a stage does without its servers, what it says meanwhile, and what it needs to live."""

import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest
import pytest_asyncio
from pydantic import SecretStr

from shared.broker.host import StageConsumer
from shared.broker.producer import Publisher
from shared.database import Database, apply_migrations
from shared.embedded.process import free_port
from shared.runtime.envelope import OutRecord
from shared.settings import DatabaseSettings
from tests.contract.conftest import Shop
from tests.contract.kafka import Kafka
from tests.contract.proxy import Door
from tests.contract.shop import Gates, Order, make_shop
from tests.contract.waiting import eventually
from tests.kafka.backend import BrokerServer


@pytest_asyncio.fixture(loop_scope="session")
async def shelf(database: Database) -> Database:
    """A database with the table that the stage `keep` writes."""
    await database.execute("CREATE TABLE kept (id text PRIMARY KEY)")
    return database


@pytest_asyncio.fixture(loop_scope="session")
async def door(database_url: str) -> AsyncIterator[Door]:
    """The way to that database."""
    address = urlsplit(database_url)
    async with Door(address.hostname or "", address.port or 0) as door:
        yield door


def through(door: Door, database_url: str) -> str:
    address = urlsplit(database_url)
    return urlunsplit(address._replace(netloc=f"{address.username}:{address.password}@127.0.0.1:{door.port}"))


async def kept(database: Database, count: int) -> set[str]:
    async def enough() -> bool:
        return bool(await database.fetchval("SELECT count(*) >= $1 FROM kept", count))

    await eventually(enough, f"{count} rows")
    return {row["id"] for row in await database.fetch("SELECT id FROM kept")}


async def test_a_stage_starts_while_the_first_of_several_brokers_is_away(shop: Shop) -> None:
    await shop.start(kafka_bootstrap_servers=f"127.0.0.1:{free_port()}, {shop.kafka.address}")
    await shop.order(Order(id="1"))
    assert len(await shop.kafka.read_until(shop.priced, 1)) == 1


async def test_a_connection_that_is_cut_while_it_is_written_to_is_made_anew(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then uvloop raises an error that is no OSError, in the middle of the client's background work."""

    def cut(_: bytes) -> None:
        raise RuntimeError("the handler is closed")

    record = OutRecord(shop.orders, b"1", b"{}", [], partition=0)
    async with Publisher(shop.kafka.settings, shop.partitions) as publisher:
        await publisher.publish([record])
        client = publisher._producer.client
        for connection in client._conns.values():
            monkeypatch.setattr(connection._writer, "write", cut)
        assert await client.force_metadata_update()
        await publisher.publish([record])
    assert len(await shop.kafka.read(shop.orders)) == 2


async def test_a_stage_pauses_while_its_database_is_away(
    shop: Shop, shelf: Database, door: Door, database_url: str
) -> None:
    stored, stage = f"{shop.name}.stored", f"{shop.name}.keep"
    replica = await shop.start("keep", database_url=through(door, database_url), retry_budget_seconds=0.5)
    await shop.order(*(Order(id=str(n)) for n in range(50)), topic=stored)
    assert len(await kept(shelf, 50)) == 50
    await door.shut()
    body = await replica.ready(503)
    assert body["database"] is False
    await shop.order(*(Order(id=str(n)) for n in range(50, 100)), topic=stored)
    await replica.reason(stage, "paused", "database")
    assert (await replica.health("live"))[0] == 200
    for _ in range(3):
        await replica.ready(503)
    await door.open()
    assert len(await kept(shelf, 100)) == 100
    await shop.kafka.committed_all(stage, stored)
    await replica.ready(200)
    assert await shop.kafka.read(shop.dead_letters) == []
    assert await replica.terminate() == 0


async def test_a_stage_that_starts_without_its_database_waits_for_it(
    shop: Shop, shelf: Database, door: Door, database_url: str
) -> None:
    await door.shut()
    stage = f"{shop.name}.keep"
    replica = await shop.start("keep", database_url=through(door, database_url))
    body = await replica.ready(503)
    assert body["stages"][stage]["state"] == "starting"
    await replica.reason(stage, "starting", "database")
    assert (await replica.health("live"))[0] == 200
    await shop.order(Order(id="1"), topic=f"{shop.name}.stored")
    await door.open()
    assert await kept(shelf, 1) == {"1"}
    await replica.ready(200)


async def test_a_stage_that_starts_before_the_tables_are_there_waits_for_them(
    shop: Shop, empty_database_url: str
) -> None:
    stage = f"{shop.name}.keep"
    replica = await shop.start("keep", database_url=empty_database_url)
    await replica.reason(stage, "starting", "run `sluice migrate`")
    assert (await replica.health("ready"))[0] == 503
    assert (await replica.health("live"))[0] == 200
    await shop.order(Order(id="1"), topic=f"{shop.name}.stored")
    async with Database(DatabaseSettings(url=SecretStr(empty_database_url))) as database:
        await database.execute("CREATE TABLE kept (id text PRIMARY KEY)")
        await apply_migrations(database)
        assert await kept(database, 1) == {"1"}
    await replica.ready(200)


async def test_a_sweep_that_takes_too_long_does_not_outlive_the_drain(
    shop: Shop, shelf: Database, database_url: str
) -> None:
    shop.gates.set("untidy")
    replica = await shop.start("keep", database_url=database_url)
    await shop.gates.until("tidying")
    assert await replica.terminate(30) == 0
    assert "sweeps are cut" in replica.log()


async def test_a_consumer_that_is_closed_is_not_taken_for_one_that_has_died(shop: Shop) -> None:
    """The watch over the consumers may look at one while the drain closes it."""
    said: list[str] = []
    consumer = StageConsumer(shop.orders, bootstrap_servers=shop.kafka.address, group_id=shop.group)
    consumer.report = lambda reason, fatal: said.append(reason)
    await consumer.start()
    consumer.report_health()
    assert said == [""]
    await consumer.stop()
    consumer.report_health()
    assert said == [""]


async def test_a_stage_that_starts_without_its_broker_says_so_and_obeys_sigterm(shop: Shop) -> None:
    async with Door("127.0.0.1", 1, shut=True) as nowhere:
        replica = await shop.start(kafka_bootstrap_servers=f"127.0.0.1:{nowhere.port}")
        await replica.ready(503)
        await replica.reason(shop.group, "starting", "broker")
        assert (await replica.health("live"))[0] == 200
        assert await replica.terminate(10) == 0


async def test_a_stage_whose_broker_goes_away_says_so_and_obeys_sigterm(
    new_broker: Callable[[Path], BrokerServer], tmp_path: Path
) -> None:
    broker = new_broker(tmp_path)
    shop = Shop("shop", Kafka(await broker.start()), Gates(tmp_path))
    async with shop.kafka:
        await shop.kafka.create(make_shop(shop.name, shop.gates).topic_names(), shop.partitions)
        await shop.order(Order(id="1", does="wait"))
        replica = await shop.start(drain_seconds=2)
        await shop.gates.until("reached")
        shop.kafka.forget()
    await broker.stop()
    shop.gates.set("open")
    try:
        await replica.reason(shop.group, "starting", "the broker is away")
        assert (await replica.health("live"))[0] == 200
        assert await replica.terminate() == 0
    finally:
        await replica.kill()


async def test_a_process_whose_consumer_has_died_ends_with_an_error(shop: Shop) -> None:
    """Otherwise it would go on as a member of the group that holds partitions and reads none of them."""
    shop.gates.set("sabotage")
    await shop.order(Order(id="1"))
    replica = await shop.start()
    assert await replica.ended() == 1
    assert "cannot go on" in replica.log()
    shop.gates.clear("sabotage")
    await shop.order(Order(id="2"))
    await shop.start()
    assert len(await shop.kafka.read_until(shop.priced, 2)) == 2


async def test_memory_stays_flat_over_many_messages(shop: Shop) -> None:
    """What 150,000 messages after the first 50,000 leave behind in the process."""
    replica = await shop.start()
    await replica.ready()
    sizes = []
    async with Publisher(shop.kafka.settings, shop.partitions) as publisher:
        for _ in range(4):
            for start in range(0, 50_000, 5_000):
                numbers = [b"%d" % n for n in range(start, start + 5_000)]
                await publisher.publish([OutRecord(shop.orders, n, b'{"id":"%s"}' % n, []) for n in numbers])
            await shop.kafka.committed_all(shop.group, shop.orders, timeout=60)
            sizes.append(replica.rss)
    assert sizes[-1] < 250_000_000
    assert sizes[-1] - sizes[0] < 40_000_000, f"resident bytes after each portion: {sizes}"


async def test_a_collector_that_is_away_costs_a_warning(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "50")
    replica = await shop.start(otlp_endpoint=f"http://127.0.0.1:{free_port()}")
    await shop.order(*(Order(id=str(n)) for n in range(20)))
    await shop.kafka.committed_all(shop.group, shop.orders)
    assert len(await shop.kafka.read(shop.priced)) == 20

    async def warned() -> bool:
        return "takes no spans" in replica.log()

    await eventually(warned, "it is said that the collector is away")
    await shop.order(Order(id="last"))
    await shop.kafka.committed_all(shop.group, shop.orders)
    assert await replica.terminate() == 0
    troubles = re.findall(r'.*(?:"level": "(?:warning|error)"|WARNING|ERROR).*', replica.log())
    assert len(troubles) == 1, troubles
