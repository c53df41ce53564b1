"""What only Apache Kafka does, or can be made to do: replicas with names, records with numbers, a broker that hangs."""

import json
from pathlib import Path

import pytest
from aiokafka import TopicPartition

from shared.broker.producer import Publisher
from shared.embedded.process import free_port
from shared.errors import TransientError
from shared.runtime.envelope import OutRecord
from tests.contract.conftest import Shop
from tests.contract.kafka import Kafka, Sent
from tests.contract.proxy import Door
from tests.contract.shop import Gates, Order, make_shop
from tests.kafka import backend
from tests.kafka.apache import ApacheKafka

pytestmark = pytest.mark.skipif(backend.CHOSEN == backend.EMBEDDED, reason="the embedded broker cannot do this")


async def test_a_replica_that_is_back_in_time_has_its_partitions_and_moves_no_others(shop: Shop) -> None:
    patient = {"kafka_session_timeout_ms": 30_000}
    first = await shop.start(kafka_group_instance_id="first", **patient)
    await first.ready()
    second = await shop.start(kafka_group_instance_id="second", **patient)
    await second.ready()
    moves = "sluice_stage_rebalances_total"
    before = await second.metric(moves)
    await first.kill()
    again = await shop.start(kafka_group_instance_id="first", **patient)
    await again.ready()
    for partition in range(shop.partitions):
        await shop.order(*(Order(id=f"{partition}-{n}") for n in range(20)), partition=partition)
    records = await shop.kafka.read_until(shop.priced, 20 * shop.partitions)
    assert {json.loads(record.value)["by"] for record in records} == {second.pid, again.pid}
    assert await second.metric(moves) == before


async def test_a_producer_with_a_gap_in_its_numbers_is_replaced(shop: Shop) -> None:
    """aiokafka leaves one when it gives up a batch for want of a leader; the broker then refuses all that follows."""
    record = OutRecord(topic=shop.orders, key=b"k", value=b"{}", headers=[], partition=0)
    async with Publisher(shop.kafka.settings, shop.partitions) as publisher:
        await publisher.publish([record])
        publisher._producer._txn_manager.increment_sequence_number(TopicPartition(shop.orders, 0), 5)
        with pytest.raises(TransientError, match="OutOfOrderSequenceNumber"):
            await publisher.publish([record])
        await publisher.publish([record])
    assert await shop.kafka.ends(shop.orders) == {0: 2, 1: 0, 2: 0, 3: 0}


async def test_a_stage_whose_broker_hangs_obeys_sigterm(tmp_path: Path) -> None:
    """It cannot tell its group, and does not wait for an answer."""
    cluster = ApacheKafka(tmp_path)
    shop = Shop("shop", Kafka(await cluster.start()), Gates(tmp_path))
    try:
        async with shop.kafka:
            await shop.kafka.create(make_shop(shop.name, shop.gates).topic_names(), shop.partitions)
            replica = await shop.start(drain_seconds=1, kafka_request_timeout_ms=120_000)
            await replica.ready()
            shop.kafka.forget()
        cluster.nodes[0].suspend()
        assert await replica.terminate(60) == 0, replica.log()
    finally:
        await cluster.stop()
        for replica in shop.replicas:
            await replica.kill()


async def test_a_cluster_that_has_moved_is_found_by_the_address_that_is_configured(tmp_path: Path) -> None:
    """As in Kubernetes, where a broker comes back at another address and only the name of the service stays."""
    cluster = ApacheKafka(tmp_path)
    await cluster.start()
    (node,) = cluster.nodes
    shop = Shop("shop", Kafka(cluster.address), Gates(tmp_path))
    try:
        async with shop.kafka:
            await shop.kafka.create(make_shop(shop.name, shop.gates).topic_names(), shop.partitions)
            shop.kafka.forget()
        async with Door("127.0.0.1", node.port) as service:
            replica = await shop.start(kafka_bootstrap_servers=f"127.0.0.1:{service.port}")
            await replica.ready()
            await node.stop()
            node.move(free_port())
            await node.start()
            assert await node.answers(cluster.cluster)
        async with Door("127.0.0.1", node.port, at=service.port), Kafka(cluster.address) as moved:
            await moved.send(shop.orders, [Sent(Order(id="1").model_dump_json().encode(), b"1")])
            assert len(await moved.read_until(shop.priced, 1, timeout=60)) == 1
    finally:
        await cluster.stop()
        for replica in shop.replicas:
            await replica.kill()
