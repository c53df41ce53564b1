"""At least once: nothing is committed before its results are acknowledged, and nothing is lost whatever dies."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from tests.contract.conftest import Shop
from tests.contract.shop import Order
from tests.contract.waiting import eventually


def names(records: Sequence[Any]) -> list[str]:
    return [json.loads(record.value)["id"] for record in records]


async def test_partition_and_order_are_kept(shop: Shop) -> None:
    for partition in range(shop.partitions):
        await shop.order(*(Order(id=f"{partition}-{n}") for n in range(300)), partition=partition)
    await shop.start(batch_max_records=70)
    records = await shop.kafka.read_until(shop.priced, 300 * shop.partitions)
    for partition in range(shop.partitions):
        here = [record for record in records if record.partition == partition]
        assert names(here) == [f"{partition}-{n}" for n in range(300)]
        assert [record.key for record in here] == [name.encode() for name in names(here)]
    await shop.kafka.committed_all(shop.group, shop.orders)


async def test_a_process_killed_in_the_middle_of_a_batch_loses_nothing(shop: Shop) -> None:
    await shop.order(*(Order(id=str(n)) for n in range(200)))
    await shop.order(*(Order(id=f"late-{n}", does="wait" if n == 50 else "") for n in range(100)))
    first = await shop.start(batch_max_records=20)
    await shop.gates.until("reached")
    await first.kill()
    before = names(await shop.kafka.read(shop.priced))
    assert len(before) < 300
    shop.gates.set("open")
    await shop.start()
    await shop.kafka.committed_all(shop.group, shop.orders)
    after = names(await shop.kafka.read(shop.priced))
    assert set(after) == {str(n) for n in range(200)} | {f"late-{n}" for n in range(100)}
    assert after.count("late-50") == 1


async def test_nothing_is_committed_before_its_results_are_acknowledged(shop: Shop) -> None:
    shop.gates.set("refuse")
    await shop.order(*(Order(id=str(n)) for n in range(10)))
    replica = await shop.start()
    await shop.gates.until("refused")
    await replica.ready()
    shop.gates.clear("refused")
    await shop.gates.until("refused")
    assert await shop.kafka.committed(shop.group, shop.orders) == {}
    _, body = await replica.health("ready")
    assert body["stages"][shop.group] == {"state": "paused", "reason": "broker: not enough replicas"}
    shop.gates.clear("refuse")
    await shop.kafka.committed_all(shop.group, shop.orders)
    assert sorted(names(await shop.kafka.read(shop.priced))) == sorted(str(n) for n in range(10))


@pytest.mark.parametrize("moment", ["while publishing fails", "in the handler"])
async def test_a_replica_that_is_told_to_stop_leaves_its_batch_to_the_next(shop: Shop, moment: str) -> None:
    """A batch that cannot be finished in time is given back, not lost and not committed."""
    shop.gates.set("refuse" if moment == "while publishing fails" else "unused")
    await shop.order(Order(id="1", does="wait" if moment == "in the handler" else ""))
    first = await shop.start(drain_seconds=1)
    await shop.gates.until("refused" if moment == "while publishing fails" else "reached")
    assert await first.terminate(10) == 0
    assert await shop.kafka.committed(shop.group, shop.orders) == {}
    shop.gates.clear("refuse")
    shop.gates.set("open")
    await shop.start()
    assert names(await shop.kafka.read_until(shop.priced, 1)) == ["1"]


async def test_sigterm_finishes_and_commits_the_batch_in_hand(shop: Shop) -> None:
    await shop.order(*(Order(id=str(n), does="wait" if n == 0 else "") for n in range(20)), partition=1)
    first = await shop.start()
    await shop.gates.until("reached")
    first.ask_to_stop()

    async def draining() -> bool:
        return "draining" in first.log()

    await eventually(draining, "the process drains")
    shop.gates.set("open")
    assert await first.ended(10) == 0
    assert await shop.kafka.committed(shop.group, shop.orders) == {1: 20}
    assert len(await shop.kafka.read(shop.priced)) == 20
    await shop.start()  # nothing is repeated, and the group is free at once: the first has left it
    await shop.order(Order(id="20"), partition=1)
    assert names(await shop.kafka.read_until(shop.priced, 21)) == [str(n) for n in range(21)]


async def test_a_fetch_is_committed_slice_by_slice(shop: Shop) -> None:
    """The first slices of a fetch are durable while a later one is still worked on."""
    await shop.order(*(Order(id=str(n), does="wait" if n == 12 else "") for n in range(20)), partition=0)
    group = f"{shop.name}.parcel"
    await shop.start("parcel")
    await shop.gates.until("reached")
    assert await shop.kafka.committed(group, shop.orders) == {0: 10}
    shop.gates.set("open")
    await shop.kafka.committed_all(group, shop.orders)
