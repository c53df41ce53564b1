"""What only Apache Kafka does: a replica that is known again by its name."""

import json

import pytest

from tests.contract.conftest import Shop
from tests.contract.shop import Order
from tests.kafka import backend

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
