"""What one batch of one stage does: outputs, dead letters, retries, commits. No broker needed to decide that."""

import json
from collections.abc import Sequence

import pytest

from schemas.delivery import Header, RejectCode
from shared.errors import HaltStage, PermanentError, TransientError, Unavailable, UsageError
from shared.runtime.envelope import Envelopes, parse_trail
from shared.runtime.outcome import Outcome, Reject, Usage, emit
from shared.runtime.worker import HALTED_FETCH_SECONDS, State, WorkerLimits
from tests.unit.runtime.harness import EPOCH, FakeRecord, Order, Priced, Shop, header, order, price_all

PLACE = ("shop.orders", 0)
GOOD = b'{"id":"x","amount":1}'


async def test_outputs_keep_partition_order_batch_and_context() -> None:
    shop = Shop()
    context = [(Header.BATCH_ID, b"b1"), (Header.TRACEPARENT, b"00-aa-bb-01"), (Header.PROVIDER, b"openai")]
    await shop.process(*(order(n, partition=3, headers=context) for n in range(5)))
    assert [json.loads(record.value)["id"] for record in shop.published] == ["o0", "o1", "o2", "o3", "o4"]
    first = shop.published[0]
    assert (first.topic, first.partition, first.key) == ("shop.priced", 3, b"o0")
    assert header(first, Header.BATCH_ID) == "b1"
    assert header(first, Header.TRACEPARENT) == "00-aa-bb-01"
    assert header(first, Header.PROVIDER) == "openai"
    assert header(first, Header.ATTEMPT) == "1"
    assert shop.input.committed == {("shop.orders", 3): 5}


async def test_outputs_with_a_key_of_their_own_go_where_it_leads() -> None:
    async def several(orders: Sequence[Order]) -> list[Outcome]:
        return [emit(*(Priced(id=f"{order.id}.{part}", price=1) for part in range(3))) for order in orders]

    shop = Shop(several, output_key="id")
    await shop.process(order(7, partition=3, headers=[(Header.BATCH_ID, b"b1")]))
    assert [(record.key, record.partition) for record in shop.published] == [
        (b"o7.0", None),
        (b"o7.1", None),
        (b"o7.2", None),
    ]
    assert {header(record, Header.BATCH_ID) for record in shop.published} == {"b1"}


async def test_the_trail_grows_by_one_run_a_stage() -> None:
    async def handler(orders: Sequence[Order]) -> list[Outcome]:
        return [emit(Priced(id=o.id, price=1), usage=Usage("openai", "gpt", 10, 5, 0.25)) for o in orders]

    shop = Shop(handler)
    await shop.process(order(0, headers=[(Header.TRAIL, b'{"stage":"first","started_at":1,"duration_ms":2.0}')]))
    runs = parse_trail(dict(shop.published[0].headers)[Header.TRAIL])
    assert [run.stage for run in runs] == ["first", "price"]
    assert (runs[1].provider, runs[1].tokens_in, runs[1].cost_usd) == ("openai", 10, 0.25)


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (FakeRecord(1, b"not json"), RejectCode.NOT_JSON),
        (FakeRecord(1, b"\xff\xfe"), RejectCode.NOT_JSON),
        (FakeRecord(1, None), RejectCode.NOT_JSON),
        (FakeRecord(1, b'{"id": "x"}'), RejectCode.WRONG_SCHEMA),
        (FakeRecord(1, b'["x"]'), RejectCode.WRONG_SCHEMA),
        (FakeRecord(1, GOOD, headers=[(Header.SCHEMA_VERSION, b"99")]), RejectCode.UNKNOWN_SCHEMA_VERSION),
        (FakeRecord(1, GOOD, headers=[(Header.SCHEMA_VERSION, b"\xff")]), RejectCode.UNKNOWN_SCHEMA_VERSION),
        (FakeRecord(1, b'{"id":"' + b"x" * 20_000 + b'","amount":1}'), RejectCode.TOO_LARGE),
    ],
)
async def test_an_invalid_message_is_buried_and_its_neighbours_go_on(bad: FakeRecord, code: RejectCode) -> None:
    shop = Shop()
    await shop.process(order(0), bad, order(2))
    assert [record.key for record in shop.on("shop.priced")] == [b"o0", b"o2"]
    (letter,) = shop.on("shop.dead-letter")
    assert letter.value == (bad.value or b"")
    assert header(letter, Header.DLQ_ERROR_CODE) == code
    assert header(letter, Header.DLQ_ERROR_CLASS) == "InvalidMessage"
    assert (header(letter, Header.DLQ_TOPIC), header(letter, Header.DLQ_OFFSET)) == ("shop.orders", "1")
    assert header(letter, Header.DLQ_STAGE) == "shop.price"
    assert shop.input.committed == {PLACE: 3}


async def test_reasons_never_show_the_payload() -> None:
    shop = Shop()
    await shop.process(FakeRecord(0, b'{"id": "secret-id", "amount": "secret-amount"}'))
    assert "secret" not in header(shop.published[0], Header.DLQ_ERROR_MESSAGE)
    assert "amount" in header(shop.published[0], Header.DLQ_ERROR_MESSAGE)


async def test_a_rejected_item_keeps_its_reason() -> None:
    async def handler(orders: Sequence[Order]) -> list[Outcome]:
        cheap = Reject(RejectCode.INVALID_VALUE, "too cheap")
        return [cheap if o.amount < 5 else (await price_all([o]))[0] for o in orders]

    shop = Shop(handler)
    await shop.process(order(0, amount=9), order(1, amount=1))
    (letter,) = shop.on("shop.dead-letter")
    assert header(letter, Header.DLQ_ERROR_MESSAGE) == "too cheap"
    assert len(shop.on("shop.priced")) == 1


async def test_a_rejected_item_is_buried_in_the_batch_that_it_was_moved_to() -> None:
    async def handler(orders: Sequence[Order], envelopes: Envelopes) -> list[Outcome]:
        envelopes[0].rebatch("own")
        return [Reject(RejectCode.INVALID_VALUE, "no") for _ in orders]

    shop = Shop(handler)  # type: ignore[arg-type]  # handlers may ask for resources
    await shop.process(order(0, headers=[(Header.BATCH_ID, b"given")]), order(1, headers=[(Header.BATCH_ID, b"given")]))
    assert [header(letter, Header.BATCH_ID) for letter in shop.published] == ["own", "given"]


async def test_a_transient_failure_is_retried_in_place() -> None:
    failures = [TransientError("database away"), TransientError("429", retry_after=4.0)]

    async def handler(orders: Sequence[Order]) -> list[Outcome]:
        if failures:
            raise failures.pop(0)
        return await price_all(orders)

    shop = Shop(handler)
    await shop.process(order(0))
    assert len(shop.on("shop.priced")) == 1
    assert shop.clock.waits[1] >= 4.0
    assert shop.worker.state is State.RUNNING


async def test_past_its_budget_a_failure_goes_to_the_retry_topic_and_at_last_to_the_dead_letters() -> None:
    async def handler(orders: Sequence[Order]) -> list[Outcome]:
        raise TransientError("provider away")

    shop = Shop(handler)
    await shop.process(order(0))
    (waiting,) = shop.on("shop.price.retry")
    assert header(waiting, Header.ATTEMPT) == "2"
    assert float(header(waiting, Header.NOT_BEFORE)) >= EPOCH + 60
    assert shop.input.committed == {PLACE: 1}

    await shop.process(order(1, headers=[(Header.ATTEMPT, b"3")]))
    (letter,) = shop.on("shop.dead-letter")
    assert header(letter, Header.DLQ_ERROR_CODE) == RejectCode.RETRIES_EXHAUSTED
    assert header(letter, Header.DLQ_ATTEMPTS) == "3"
    assert "provider away" in header(letter, Header.DLQ_ERROR_MESSAGE)


async def test_a_stage_that_waits_passes_nothing_on() -> None:
    async def handler(orders: Sequence[Order]) -> list[Outcome]:
        raise TransientError("database away")

    shop = Shop(handler, waits=True)
    await shop.process(order(0), order(1))
    assert shop.published == []
    assert shop.input.committed == {}
    assert shop.input.rewound == {PLACE: 0}
    assert shop.worker.state is State.PAUSED


async def test_what_no_item_can_have_passes_none_of_them_on() -> None:
    async def handler(orders: Sequence[Order]) -> list[Outcome]:
        raise Unavailable("the budget of the day is spent", retry_after=50_000.0)

    shop = Shop(handler)
    await shop.process(order(0), order(1))
    assert shop.published == []
    assert shop.input.committed == {}
    assert shop.input.rewound == {PLACE: 0}
    assert (shop.worker.state, shop.worker.reason) == (State.PAUSED, "the budget of the day is spent")
    assert sum(shop.clock.waits) <= WorkerLimits().call_seconds, "it comes back to poll, or the group would drop it"


async def test_records_of_the_retry_topic_wait_for_their_time_without_holding_others_up() -> None:
    shop = Shop()
    late = [(Header.NOT_BEFORE, b"%.3f" % (EPOCH + 30)), (Header.ATTEMPT, b"2")]
    due = [(Header.NOT_BEFORE, b"%.3f" % (EPOCH - 1)), (Header.ATTEMPT, b"2")]
    retry = "shop.price.retry"
    await shop.process(
        order(7, topic=retry, headers=due),
        order(8, topic=retry, headers=late),
        order(9, topic=retry, headers=due),
        order(0),
    )
    assert sorted(record.key for record in shop.on("shop.priced")) == [b"o0", b"o7"]
    ((place, offset, seconds),) = shop.input.held
    assert (place, offset) == ((retry, 0), 8)
    assert seconds == pytest.approx(30)
    assert shop.input.committed == {(retry, 0): 8, PLACE: 1}


async def test_an_item_that_breaks_the_handler_is_found_by_halving() -> None:
    async def handler(orders: Sequence[Order]) -> list[Outcome]:
        if any(o.amount == 13 for o in orders):
            raise ZeroDivisionError
        return await price_all(orders)

    shop = Shop(handler)
    await shop.process(*(order(n, amount=13 if n == 5 else 1) for n in range(9)))
    assert len(shop.on("shop.priced")) == 8
    (letter,) = shop.on("shop.dead-letter")
    assert (letter.key, header(letter, Header.DLQ_ERROR_CODE)) == (b"o5", RejectCode.HANDLER_ERROR)


async def test_a_permanent_error_for_the_batch_hits_only_the_item_that_causes_it() -> None:
    async def handler(orders: Sequence[Order]) -> list[Outcome]:
        if any(o.amount == 13 for o in orders):
            raise PermanentError(RejectCode.INVALID_VALUE, "unlucky")
        return await price_all(orders)

    shop = Shop(handler)
    await shop.process(order(0), order(1, amount=13))
    assert [header(letter, Header.DLQ_ERROR_MESSAGE) for letter in shop.on("shop.dead-letter")] == ["unlucky"]
    assert len(shop.on("shop.priced")) == 1


async def test_nothing_is_committed_before_it_is_published() -> None:
    shop = Shop()
    shop.publish_failures = [TransientError("broker away")]
    await shop.process(order(0), order(1))
    assert shop.input.committed == {}
    assert shop.input.rewound == {PLACE: 0}
    assert shop.worker.reason == "broker away"
    await shop.process(order(0), order(1))
    assert shop.input.committed == {PLACE: 2}
    assert (shop.worker.state, shop.worker.reason) == (State.RUNNING, "")


async def test_a_fault_of_the_client_library_loses_nothing() -> None:
    shop = Shop()
    shop.publish_failures = [TypeError("expected str")]
    await shop.process(order(0))
    assert (shop.input.committed, shop.input.rewound) == ({}, {PLACE: 0})
    assert (shop.worker.state, shop.worker.reason) == (State.PAUSED, "TypeError: expected str")


async def test_slices_commit_one_by_one_and_a_drain_gives_back_the_rest() -> None:
    async def handler(orders: Sequence[Order]) -> list[Outcome]:
        if orders[0].id == "o2":
            shop.worker.drain()
        return await price_all(orders)

    shop = Shop(handler, slice_size=2)
    await shop.process(*(order(n) for n in range(6)))
    assert len(shop.on("shop.priced")) == 4
    assert shop.input.committed == {PLACE: 4}
    assert shop.input.rewound == {PLACE: 4}
    assert shop.worker.state is State.DRAINING


async def test_a_slow_batch_returns_to_poll_in_time() -> None:
    async def handler(orders: Sequence[Order]) -> list[Outcome]:
        shop.clock.time += 60
        return await price_all(orders)

    shop = Shop(handler, slice_size=1)
    await shop.process(*(order(n) for n in range(5)))
    assert shop.input.committed == {PLACE: 2}
    assert shop.input.rewound == {PLACE: 2}


async def test_a_refused_commit_is_no_failure() -> None:
    shop = Shop()
    shop.input.refuse = True
    await shop.process(order(0))
    assert len(shop.published) == 1
    assert shop.worker.state is State.RUNNING


async def test_a_stage_that_rejects_everything_halts_before_it_buries_the_topic() -> None:
    shop = Shop()
    await shop.process(*(FakeRecord(n, b"junk") for n in range(60)))
    assert shop.published == []
    assert shop.input.committed == {}
    assert shop.worker.state is State.HALTED
    assert "in a row" in shop.worker.reason
    await shop.process(order(60))
    assert shop.published == []
    assert shop.clock.waits == [HALTED_FETCH_SECONDS] * 2, "it does not fetch in a loop"


async def test_at_the_edge_bad_input_never_stops_the_stream() -> None:
    shop = Shop(edge=True)
    await shop.process(*(FakeRecord(n, b"junk") for n in range(60)), order(60))
    assert len(shop.on("shop.dead-letter")) == 60
    assert len(shop.on("shop.priced")) == 1


async def broken(orders: Sequence[Order]) -> list[Outcome]:
    raise KeyError("column")


async def test_at_the_edge_a_fault_of_ours_stops_the_stream() -> None:
    shop = Shop(broken, edge=True)
    await shop.process(*(order(n) for n in range(60)))
    assert (shop.published, shop.input.committed) == ([], {})
    assert shop.worker.state is State.HALTED


async def test_a_stage_that_waits_halts_too_when_it_rejects_everything() -> None:
    shop = Shop(broken, waits=True)
    await shop.process(*(order(n) for n in range(60)))
    assert (shop.published, shop.input.committed) == ([], {})
    assert shop.worker.state is State.HALTED


async def test_a_wrong_setting_costs_no_item() -> None:
    async def handler(orders: Sequence[Order]) -> list[Outcome]:
        raise UsageError("provider 'x' is not available", remedy="choose one of: embedded")

    shop = Shop(handler)
    await shop.process(order(0), order(1))
    assert (shop.published, shop.input.committed, shop.input.rewound) == ([], {}, {PLACE: 0})
    assert shop.worker.state is State.HALTED
    assert "choose one of: embedded" in shop.worker.reason


async def test_a_handler_that_miscounts_halts_its_stage() -> None:
    async def handler(orders: Sequence[Order]) -> list[Outcome]:
        return []

    shop = Shop(handler)
    await shop.process(order(0))
    assert shop.worker.state is State.HALTED
    assert shop.input.committed == {}


async def test_a_halt_ordered_by_the_handler_is_obeyed() -> None:
    async def handler(orders: Sequence[Order]) -> list[Outcome]:
        raise HaltStage("the model is corrupt")

    shop = Shop(handler)
    await shop.process(order(0))
    assert (shop.worker.state, shop.worker.reason) == (State.HALTED, "the model is corrupt")


async def test_a_record_without_a_batch_joins_the_hour_it_was_written_in() -> None:
    seen: list[str] = []

    async def handler(orders: Sequence[Order], envelopes: Envelopes) -> list[Outcome]:
        seen.extend(envelope.batch_id for envelope in envelopes)
        return await price_all(orders)

    shop = Shop(handler, edge=True)  # type: ignore[arg-type]  # handlers may ask for resources
    await shop.process(order(0), order(0))
    assert seen == ["rolling-20231114T22"] * 2


async def test_a_pause_after_long_work_leaves_time_to_poll() -> None:
    calls = 0

    async def slow_then_away(orders: Sequence[Order]) -> Sequence[Outcome]:
        nonlocal calls
        calls += 1
        shop.clock.time += 90.0
        if calls == 2:
            raise Unavailable("the model is away", retry_after=3600.0)
        return await price_all(orders)

    shop = Shop(slow_then_away, slice_size=1)
    began = shop.clock.time
    await shop.process(order(0), order(1), order(2))
    assert shop.clock.time - began <= 2 * WorkerLimits().call_seconds
    assert shop.input.rewound == {("shop.orders", 0): 1}
