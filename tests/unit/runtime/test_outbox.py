"""What a sweep publishes carries the headers that every record carries."""

import re
from collections.abc import Sequence

from schemas.delivery import BatchCompleted, Header, RejectCode
from shared.runtime.declaration import Pipeline
from shared.runtime.envelope import MEANINGFUL, OutRecord
from shared.runtime.outbox import Outbox, StoredRecord
from shared.runtime.outcome import Reject
from tests.unit.runtime.harness import JumpingClock, Order, header, price_all

TRACE = b"00-" + b"a" * 32 + b"-" + b"b" * 16 + b"-01"


def outbox(published: list[OutRecord]) -> Outbox:
    async def publish(records: Sequence[OutRecord]) -> None:
        published.extend(records)

    pipeline = Pipeline("shop", key="id")
    orders = pipeline.topic("shop.orders", Order, "orders")
    done = pipeline.topic("shop.batch-completed", BatchCompleted, "done")
    stage = pipeline.stage("price", price_all, reads=orders, writes=[done])
    return Outbox(stage, publish, JumpingClock())


async def test_an_event_names_its_batch_and_begins_a_trace() -> None:
    event = BatchCompleted(
        batch_id="b1", pipeline="shop", total=1, completed=1, needs_human=0, dead_lettered=0, duration_ms=1, cost_usd=0
    )
    published: list[OutRecord] = []
    await outbox(published).send([("b1", event)])
    (record,) = published
    assert (header(record, Header.BATCH_ID), header(record, Header.ATTEMPT)) == ("b1", "1")
    assert re.fullmatch(MEANINGFUL[Header.TRACEPARENT], dict(record.headers)[Header.TRACEPARENT])


async def test_what_was_made_before_is_published_as_it_is_and_as_of_now() -> None:
    published: list[OutRecord] = []
    box = outbox(published)
    made = OutRecord(box.topics[0], b"b1", b"{}", [(Header.BATCH_ID, b"b1"), (Header.TRACEPARENT, TRACE)])
    await box.forward([made])
    (record,) = published
    assert (record.topic, record.key, record.value) == ("shop.batch-completed", b"b1", b"{}")
    assert (header(record, Header.BATCH_ID), header(record, Header.TRACEPARENT)) == ("b1", TRACE.decode())
    assert float(header(record, Header.PRODUCED_AT)) == JumpingClock().now()


async def test_a_dead_letter_keeps_what_is_known_of_its_record() -> None:
    known = [(Header.BATCH_ID, b"b1"), (Header.TRACEPARENT, TRACE), (Header.ATTEMPT, b"3")]
    records = [StoredRecord("shop.orders", 0, "k", b"{}", headers, 0) for headers in (known, known[:1])]
    published: list[OutRecord] = []
    await outbox(published).bury([(record, Reject(RejectCode.INCOMPLETE, "late")) for record in records])
    first, second = published
    assert (header(first, Header.TRACEPARENT), header(first, Header.ATTEMPT)) == (TRACE.decode(), "3")
    assert header(first, Header.BATCH_ID) == header(second, Header.BATCH_ID) == "b1"
    assert (header(second, Header.ATTEMPT), header(second, Header.DLQ_ATTEMPTS)) == ("1", "1")
    assert re.fullmatch(MEANINGFUL[Header.TRACEPARENT], dict(second.headers)[Header.TRACEPARENT])
