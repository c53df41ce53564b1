"""Records that somebody has compressed, and records that Sluice compresses."""

import json

import pytest
from aiokafka import AIOKafkaProducer

from tests.contract.conftest import Shop
from tests.contract.shop import Order


@pytest.mark.parametrize("kind", ["gzip", "snappy", "lz4", "zstd"])
async def test_compressed_records_are_read_and_written(shop: Shop, kind: str) -> None:
    await shop.start(kafka_compression=kind)
    orders = [Order(id=str(n)) for n in range(500)]
    async with AIOKafkaProducer(bootstrap_servers=shop.kafka.address, compression_type=kind, linger_ms=50) as producer:
        for order in orders:
            await producer.send(shop.orders, order.model_dump_json().encode(), key=order.id.encode())
    records = await shop.kafka.read_until(shop.priced, len(orders))
    assert {json.loads(record.value)["id"] for record in records} == {order.id for order in orders}
    await shop.kafka.committed_all(shop.group, shop.orders)
