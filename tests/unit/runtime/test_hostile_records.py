"""Records that nobody sends by accident: what one of them costs, and that it is never more than itself."""

from collections.abc import Sequence

import pytest

from schemas.delivery import Header, RejectCode
from schemas.indicator import MAX_MESSAGE_BYTES
from shared.broker.producer import BATCH_BYTES
from shared.errors import TransientError
from shared.runtime.dead_letters import MAX_RECORD_BYTES
from shared.runtime.declaration import Pipeline
from shared.runtime.envelope import MAX_HEADER_BYTES, MEANINGFUL, OutRecord, Record, moment_of, rolling_batch_id
from shared.runtime.outcome import Outcome, Reject, emit
from shared.runtime.policy import DeadLetterGuard, RetryPolicy
from shared.runtime.sizes import EDGE_OUTPUT_BYTES, INNER_INPUT_BYTES, INNER_OUTPUT_BYTES
from shared.runtime.worker import StageWorker, State, WorkerLimits
from tests.unit.runtime.harness import EPOCH, FakeInput, FakeRecord, JumpingClock, Order, Priced, Shop, header, order

PLACE, RETRY = ("shop.orders", 0), ("shop.price.retry", 0)


def test_the_limits_leave_room_in_a_record_batch() -> None:
    ours = 4096
    assert MAX_RECORD_BYTES + ours < BATCH_BYTES
    assert INNER_OUTPUT_BYTES + MAX_HEADER_BYTES + ours < BATCH_BYTES
    assert MAX_MESSAGE_BYTES < EDGE_OUTPUT_BYTES < INNER_OUTPUT_BYTES < INNER_INPUT_BYTES
    assert INNER_INPUT_BYTES + MAX_HEADER_BYTES + ours < MAX_RECORD_BYTES, "no item of ours is cut when it is buried"


async def test_a_dead_letter_too_large_for_a_batch_is_cut_and_says_so() -> None:
    shop = Shop()
    headers = [("big", b"x" * 500_000), ("small", b"kept")]
    await shop.process(FakeRecord(0, b"y" * 800_000, key=b"k" * 100_000, headers=headers))
    (letter,) = shop.published
    size = len(letter.key) + len(letter.value) + sum(len(name) + len(value) for name, value in letter.headers)
    assert size < MAX_RECORD_BYTES + 4096
    assert header(letter, "small") == "kept"
    assert "big" not in dict(letter.headers)
    assert int(header(letter, Header.DLQ_ORIGINAL_BYTES)) > 1_400_000


async def test_a_dead_letter_that_fits_is_whole_with_repeated_headers() -> None:
    shop = Shop()
    headers = [("x", b"1"), ("x", b"2"), ("n", None)]
    await shop.process(FakeRecord(0, b"junk", headers=headers))  # type: ignore[arg-type]  # a null header is possible
    (letter,) = shop.published
    assert letter.headers[:3] == headers
    assert Header.DLQ_ORIGINAL_BYTES not in dict(letter.headers)


async def test_an_answer_too_large_costs_the_item_all_its_outputs() -> None:
    async def handler(orders: Sequence[Order]) -> list[Outcome]:
        return [emit(Priced(id="small", price=1), Priced(id="x" * 1_000_000, price=1)) for _ in orders]

    shop = Shop(handler)
    await shop.process(order(0))
    (letter,) = shop.published
    assert header(letter, Header.DLQ_ERROR_CODE) == RejectCode.TOO_LARGE
    assert shop.input.committed == {PLACE: 1}


async def test_answers_of_an_undeclared_type_halt_the_stage() -> None:
    async def handler(orders: Sequence[Order]) -> list[Outcome]:
        return [emit(Order(id="x", amount=1)) for _ in orders]

    shop = Shop(handler)
    await shop.process(*(order(n) for n in range(50)))
    assert shop.worker.state is State.HALTED
    assert shop.published == []


@pytest.mark.parametrize("value", [b"soon", b"nan", b"inf", b"", b"\xff", None])
async def test_a_time_that_makes_no_sense_is_no_time(value: bytes | None) -> None:
    shop = Shop()
    await shop.process(order(0, topic=RETRY[0], headers=[(Header.NOT_BEFORE, value)]))
    assert len(shop.on("shop.priced")) == 1


async def test_no_record_waits_longer_than_we_would_have_made_it_wait() -> None:
    shop = Shop()
    await shop.process(order(0, topic=RETRY[0], headers=[(Header.NOT_BEFORE, b"%d" % (EPOCH * 100))]))
    ((place, offset, seconds),) = shop.input.held
    assert (place, offset, round(seconds)) == (RETRY, 0, 600)


async def test_a_wall_clock_that_is_set_back_makes_no_record_wait_longer() -> None:
    """The record was written while the clock was five hours ahead, and is read before and after another jump."""
    shop = Shop()
    late = order(0, topic=RETRY[0], headers=[(Header.NOT_BEFORE, b"%.3f" % (EPOCH + 60))])
    shop.clock.set_back = 5 * 3600
    await shop.process(late)
    ((place, offset, seconds),) = shop.input.held
    assert (place, offset, seconds) == (RETRY, 0, 600)
    shop.clock.time += seconds
    shop.clock.set_back = 10 * 3600
    await shop.process(late)
    assert len(shop.on("shop.priced")) == 1


@pytest.mark.parametrize("attempt", [b"-7", b"0", b"x", b"9" * 5000, b"1001"])
async def test_an_attempt_that_makes_no_sense_is_the_first(attempt: bytes) -> None:
    async def handler(orders: Sequence[Order]) -> list[Outcome]:
        raise TransientError("away")

    shop = Shop(handler)
    await shop.process(order(0, headers=[(Header.ATTEMPT, attempt)]))
    (waiting,) = shop.on("shop.price.retry")
    assert header(waiting, Header.ATTEMPT) == "2"


async def test_whatever_breaks_outside_the_handler_is_read_again() -> None:
    """FastStream drops an exception without a word, and the consumer is past the records already."""

    class BrokenInput(FakeInput):
        def hold(self, partition: tuple[str, int], offset: int, seconds: float) -> None:
            raise ZeroDivisionError

    shop = Shop()
    shop.input = BrokenInput()
    late = [(Header.NOT_BEFORE, b"%.3f" % (EPOCH + 30))]
    await shop.process(order(3), order(0, topic=RETRY[0], headers=late))
    assert shop.input.rewound == {PLACE: 3, RETRY: 0}
    assert (shop.worker.state, shop.worker.reason) == (State.PAUSED, "ZeroDivisionError: ")


async def test_a_handover_finishes_the_slice_in_hand_and_no_other() -> None:
    async def handler(orders: Sequence[Order]) -> list[Outcome]:
        shop.worker.hand_over(True)
        return [emit(Priced(id=o.id, price=1)) for o in orders]

    shop = Shop(handler, slice_size=2)
    await shop.process(*(order(n) for n in range(6)))
    assert (shop.input.committed, shop.input.rewound) == ({PLACE: 2}, {PLACE: 2})
    shop.worker.hand_over(False)
    await shop.process(*(order(n) for n in range(2, 4)))
    assert shop.input.committed == {PLACE: 4}


async def test_a_drain_outlasts_a_handover() -> None:
    shop = Shop()
    shop.worker.drain()
    shop.worker.hand_over(True)
    shop.worker.hand_over(False)
    await shop.process(order(0))
    assert shop.input.committed == {}


def test_only_a_stage_that_starts_is_set_going_by_its_consumer() -> None:
    shop = Shop()
    for state in (State.PAUSED, State.HALTED, State.DRAINING):
        shop.worker.state = state
        shop.worker.started()
        assert shop.worker.state is state
    shop.worker.state = State.RUNNING
    shop.worker.cut_off("the broker is away")
    assert (shop.worker.state, shop.worker.reason) == (State.STARTING, "the broker is away")
    shop.worker.started()
    assert (shop.worker.state, shop.worker.reason) == (State.RUNNING, "")


async def keep(records: Sequence[Record]) -> list[Outcome]:
    """The last stage: what it does with a record is the record's key."""
    if any(record.key == b"bug" for record in records):
        raise KeyError("bug")
    return [Reject(RejectCode.INVALID_VALUE, "full") if record.key == b"bad" else emit() for record in records]


def last_stage(published: list[OutRecord]) -> StageWorker:
    async def publish(records: Sequence[OutRecord]) -> None:
        published.extend(records)

    pipeline = Pipeline("shop", key="id")
    return StageWorker(
        pipeline.stage("dead-letter", keep, reads=pipeline.dead_letters, waits=True),
        "id",
        publish,
        lambda *_: None,
        clock=JumpingClock(),
        retry=RetryPolicy(),
        guard=DeadLetterGuard(),
        limits=WorkerLimits(message_bytes=10),
    )


@pytest.mark.parametrize("keys", [[b"bad"], [b"bad", b"bad"], [b"bug"], [b"good", b"bug"]])
async def test_the_last_stage_gives_nothing_up_that_is_not_at_fault_for_sure(keys: list[bytes]) -> None:
    published: list[OutRecord] = []
    worker, source = last_stage(published), FakeInput()
    topic = "shop.dead-letter"
    await worker.process([FakeRecord(n, b"x", topic=topic, key=key) for n, key in enumerate(keys)], source)
    assert (published, source.committed, source.rewound) == ([], {}, {(topic, 0): 0})
    assert worker.state is State.PAUSED
    assert "dead letters cannot be kept" in worker.reason


async def test_a_dead_letter_that_cannot_be_kept_does_not_come_back_for_ever() -> None:
    published: list[OutRecord] = []
    worker, source = last_stage(published), FakeInput()
    odd = [("batch_id", b"\xff"), ("ingested_at", b"x"), ("schema_version", b"99"), ("provider", b"\xff")]
    topic = "shop.dead-letter"
    contents: list[tuple[bytes | None, bytes | None]] = [(None, None), (b"x" * 99, b"\xff"), (b"", b"bad")]
    letters = [FakeRecord(n, value, topic=topic, key=key, headers=odd) for n, (value, key) in enumerate(contents)]
    await worker.process(letters, source)
    assert published == []
    assert source.committed == {(topic, 0): 3}


@pytest.mark.parametrize("timestamp", [-1, 2**62, 10**17])
def test_a_timestamp_out_of_range_is_1970(timestamp: int) -> None:
    assert rolling_batch_id(timestamp) == "rolling-19700101T00"
    assert moment_of(timestamp).timestamp() == 0


def test_what_we_write_ourselves_makes_sense() -> None:
    assert MEANINGFUL[Header.BATCH_ID].fullmatch(rolling_batch_id(1_700_000_000_000).encode())
    assert MEANINGFUL[Header.INGESTED_AT].fullmatch(b"%.3f" % 1_700_000_000.5)
    assert MEANINGFUL[Header.TRACEPARENT].fullmatch(b"00-" + b"a" * 32 + b"-" + b"b" * 16 + b"-01")
