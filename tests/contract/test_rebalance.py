"""Replicas share the partitions; whoever joins or leaves, and however, nothing is lost."""

import asyncio
import json
from collections import Counter

from tests.contract.conftest import Shop
from tests.contract.kafka import Sent
from tests.contract.shop import Order
from tests.contract.waiting import eventually


async def feed(shop: Shop, prefix: str, count: int) -> set[str]:
    """Orders that come in small portions for a while; every portion keeps a stage busy for a moment."""
    for start in range(0, count, 25):
        orders = [Order(id=f"{prefix}-{n}", does="slow") for n in range(start, min(start + 25, count))]
        await shop.order(*orders)
    return {f"{prefix}-{n}" for n in range(count)}


async def workers(shop: Shop) -> Counter[int]:
    return Counter(json.loads(record.value)["by"] for record in await shop.kafka.read(shop.priced))


async def test_replicas_share_come_and_go_and_lose_nothing(shop: Shop) -> None:
    first, second = await asyncio.gather(shop.start(batch_max_records=20), shop.start(batch_max_records=20))
    await asyncio.gather(first.ready(), second.ready())
    expected = await feed(shop, "two", 400)
    await shop.kafka.read_until(shop.priced, len(expected))
    assert set(await workers(shop)) == {first.pid, second.pid}

    third = await shop.start(batch_max_records=20)
    expected |= await feed(shop, "joining", 600)
    await third.ready()

    async def third_works() -> bool:
        nonlocal expected
        expected |= await feed(shop, f"all-{len(expected)}", 100)
        return third.pid in await workers(shop)

    await eventually(third_works, "the third replica has a share")
    expected |= await feed(shop, "leaving", 400)
    assert await second.terminate() == 0
    expected |= await feed(shop, "killing", 400)
    await third.kill()
    expected |= await feed(shop, "alone", 200)
    await shop.kafka.committed_all(shop.group, shop.orders, timeout=40)
    done = Counter(json.loads(record.value)["id"] for record in await shop.kafka.read(shop.priced))
    assert set(done) == expected
    repeated = sum(done.values()) - len(done)
    assert repeated <= 200, f"{repeated} of {len(done)} were done twice"


async def test_a_batch_that_spans_a_rebalance_is_repeated_at_most(shop: Shop) -> None:
    """A replica in the middle of a batch while another joins: it finishes, and the newcomer gets its share."""
    for partition in range(shop.partitions):
        await shop.order(*(Order(id=f"{partition}-{n}", does="wait") for n in range(5)), partition=partition)
    first = await shop.start()
    await shop.gates.until("reached")
    second = await shop.start()

    async def noticed() -> bool:
        return "because it is rebalancing" in first.log()

    await eventually(noticed, "the first replica notices the second")
    shop.gates.set("open")
    await second.ready()
    await shop.kafka.committed_all(shop.group, shop.orders)
    done = Counter(json.loads(record.value)["id"] for record in await shop.kafka.read(shop.priced))
    assert set(done) == {f"{partition}-{n}" for partition in range(shop.partitions) for n in range(5)}
    assert max(done.values()) == 1, "the batch was committed before the partitions went"


async def test_sigterm_while_the_group_forms_ends_the_process(shop: Shop) -> None:
    first = await shop.start()
    await first.ready()
    second = await shop.start()

    async def joining() -> bool:
        return (await second.health("live"))[0] == 200

    await eventually(joining, "the second serves health")
    assert await second.terminate() == 0
    await shop.order(Order(id="1"))
    assert len(await shop.kafka.read_until(shop.priced, 1)) == 1


async def test_a_stage_that_rejects_too_much_halts_and_says_so(shop: Shop) -> None:
    """It buries and commits nothing, and a rebalance does not set it going again."""
    await shop.kafka.send(shop.orders, [Sent(b"junk", b"k", partition=0)] * 3)
    first = await shop.start(dead_letter_in_row=3)
    why = await first.reason(shop.group, "halted")
    assert "in a row" in why
    assert (await first.health("ready"))[0] == 503
    assert (await first.health("live"))[0] == 200
    assert await shop.kafka.read(shop.dead_letters) == []
    assert await shop.kafka.committed(shop.group, shop.orders) == {}
    second = await shop.start(dead_letter_in_row=100)
    await second.ready()
    _, body = await first.health("ready")
    assert body["stages"][shop.group] == {"state": "halted", "reason": why}
    assert await first.terminate() == 0
