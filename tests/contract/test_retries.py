"""What may pass is tried again: in place, then over the retry topic at its time, then no more."""

import json
import time
from pathlib import Path
from typing import Any

from schemas.delivery import Header, RejectCode
from tests.contract.conftest import Shop
from tests.contract.kafka import Sent, headers_of
from tests.contract.shop import Order
from tests.contract.waiting import eventually
from tests.contract.wall_clock import WallClock


def ids(records: list[Any]) -> list[str]:
    return [json.loads(record.value)["id"] for record in records]


async def test_a_failure_that_passes_is_retried_in_place(shop: Shop) -> None:
    shop.gates.set("busy")
    await shop.order(Order(id="1", does="fail"), Order(id="2"))
    replica = await shop.start(retry_budget_seconds=20)
    assert await replica.reason(shop.group, "paused") == "the price list is away"
    shop.gates.clear("busy")
    assert sorted(ids(await shop.kafka.read_until(shop.priced, 2))) == ["1", "2"]
    assert await shop.kafka.read(shop.retry) == []
    assert (await replica.ready())["stages"][shop.group]["state"] == "running"


async def test_past_its_budget_an_item_waits_on_the_retry_topic_and_holds_nobody_up(shop: Shop) -> None:
    shop.gates.set("busy")
    await shop.order(Order(id="1", does="fail"), partition=3)
    await shop.start(retry_budget_seconds=0.2, retry_delays_seconds="6")
    (waiting,) = await shop.kafka.read_until(shop.retry, 1)
    headers = headers_of(waiting)
    assert (waiting.partition, waiting.key, headers[Header.ATTEMPT]) == (3, b"1", b"2")
    not_before = float(headers[Header.NOT_BEFORE])
    shop.gates.clear("busy")
    await shop.order(*(Order(id=f"other-{n}") for n in range(20)), partition=3)
    records = await shop.kafka.read_until(shop.priced, 21)
    assert ids(records) == [*(f"other-{n}" for n in range(20)), "1"], "the others did not wait"
    late = records[-1]
    assert float(headers_of(late)[Header.PRODUCED_AT]) >= not_before
    assert json.loads(b"[" + headers_of(late)[Header.TRAIL] + b"]")[0]["attempt"] == 2
    await shop.kafka.committed_all(shop.group, shop.retry)


async def test_past_the_last_attempt_an_item_is_a_dead_letter(shop: Shop) -> None:
    shop.gates.set("busy")
    await shop.order(Order(id="1", does="fail"))
    await shop.start(retry_budget_seconds=0.1, retry_delays_seconds="0.1", retry_attempts=2)
    (letter,) = await shop.kafka.read_until(shop.dead_letters, 1)
    headers = headers_of(letter)
    assert headers[Header.DLQ_ERROR_CODE] == RejectCode.RETRIES_EXHAUSTED.encode()
    assert headers[Header.DLQ_ERROR_CLASS] == b"TransientFailure"
    assert headers[Header.DLQ_ATTEMPTS] == b"3"
    assert b"the price list is away" in headers[Header.DLQ_ERROR_MESSAGE]
    assert len(await shop.kafka.read(shop.retry)) == 2


async def test_an_impossible_time_on_the_retry_topic_is_no_time(shop: Shop) -> None:
    good = Order(id="1").model_dump_json().encode()
    times = [b"soon", b"\xff", b"nan", b"inf", b"1e400", None, b"-1"]
    await shop.kafka.send(shop.retry, [Sent(good, b"1", [(Header.NOT_BEFORE, value)], 0) for value in times])
    await shop.start()
    assert len(await shop.kafka.read_until(shop.priced, len(times))) == len(times)
    await shop.kafka.committed_all(shop.group, shop.retry)


async def test_a_wall_clock_that_jumps_puts_no_retry_off(shop: Shop, tmp_path: Path) -> None:
    """An item is put off while the clock is an hour ahead, and waits no longer although it is then hours behind."""
    shop.clock = clock = WallClock(tmp_path / "clock")
    shop.gates.set("busy")
    clock.jump(3500)
    await shop.start(retry_budget_seconds=0.2, retry_delays_seconds="1")
    await shop.order(Order(id="1", does="fail"))
    (waiting,) = await shop.kafka.read_until(shop.retry, 1)
    assert waiting.timestamp / 1000 > time.time() + 3000
    shop.gates.clear("busy")
    clock.jump(-5 * 3600)
    assert ids(await shop.kafka.read_until(shop.priced, 1)) == ["1"]
    await shop.kafka.committed_all(shop.group, shop.retry)


async def test_a_due_retry_is_not_held_up_by_a_later_one_behind_it(shop: Shop) -> None:
    """A failure on the due record reads it again at once, although its partition is held for the next one."""
    shop.gates.set("refuse")
    good = Order(id="1").model_dump_json().encode()
    far = b"%.3f" % (time.time() + 3600)
    await shop.kafka.send(shop.retry, [Sent(good, b"1", (), 0), Sent(good, b"2", [(Header.NOT_BEFORE, far)], 0)])
    replica = await shop.start()
    await shop.gates.until("refused")
    shop.gates.clear("refuse")
    assert [record.key for record in await shop.kafka.read_until(shop.priced, 1)] == [b"1"]

    async def waits() -> bool:
        return await replica.metric("sluice_stage_retry_waiting_records") == 1

    await eventually(waits, "the later one is seen waiting")
    assert await replica.metric("sluice_stage_consumer_lag_records") == 0, "what waits on purpose is no lag"
