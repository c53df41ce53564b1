"""The ledger counts exactly: under redelivery, concurrency, replays, rolling batches. Real server."""

import asyncio
import random
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import product
from typing import Any

import pytest
from pydantic import SecretStr

from schemas.enums import ItemStatus
from shared.database import Database, Executor
from shared.database.ledger import (
    Batch,
    Finish,
    ItemOutcome,
    NewBatch,
    batch,
    batches,
    close_rolling,
    finish_items,
    items,
    open_batch,
    open_batches,
    pending,
    register_items,
)
from shared.settings import DatabaseSettings

P = "classification"
DONE, HUMAN, DEAD = ItemStatus.COMPLETED, ItemStatus.NEEDS_HUMAN, ItemStatus.DEAD_LETTERED


def outcome(batch_id: str, item: object, status: ItemStatus = DONE, **facts: Any) -> ItemOutcome:
    return ItemOutcome(batch_id, str(item), status, **facts)


async def register(executor: Executor, batch_id: str, names: Iterable[object]) -> int:
    ids = [str(name) for name in names]
    registered = await register_items(
        executor,
        P,
        batch_ids=[batch_id] * len(ids),
        item_ids=ids,
        payloads=['{"name":"x"}'] * len(ids),
        positions=list(range(len(ids))),
    )
    return registered.fresh


async def prepare(database: Database, batch_id: str, size: int) -> None:
    await open_batch(database, NewBatch(batch_id, P, size))
    await register(database, batch_id, range(size))


async def known(database: Database, batch_id: str) -> Batch:
    found = await batch(database, batch_id)
    assert found
    return found


def counters(found: Batch) -> tuple[int, int, int, int]:
    return found.total, found.completed, found.needs_human, found.dead_lettered


async def assert_counters_match_items(database: Database) -> None:
    """The truth is in the items; the batches must say the same."""
    for found in await batches(database, 1_000):
        statuses = Counter(item.status for item in await items(database, found.batch_id))
        assert (found.completed, found.needs_human, found.dead_lettered) == (
            statuses[DONE],
            statuses[HUMAN],
            statuses[DEAD],
        )
        complete = not statuses[ItemStatus.PENDING] and statuses.total() >= found.total
        assert (found.ended_at is not None) == (complete and (found.declared or found.closed_at is not None))


class TestDeclaredBatches:
    async def test_a_batch_is_done_when_every_item_is_final(self, database: Database) -> None:
        await prepare(database, "b", 3)

        first = await finish_items(
            database,
            P,
            [
                outcome("b", 0, confidence=0.5, duration_ms=10.0, cost_usd=0.25, tokens_in=100, tokens_out=7),
                outcome("b", 1, HUMAN, confidence=0.75, duration_ms=20.0),
            ],
        )
        assert (first.moved, first.batches) == (frozenset({0, 1}), ())
        assert (await known(database, "b")).pending == 1

        last = await finish_items(database, P, [outcome("b", 2, DEAD, error="no good")])
        (done,) = last.batches
        assert (done.batch_id, done.pipeline, done.total) == ("b", P, 3)
        assert (done.completed, done.needs_human, done.dead_lettered, done.cost_usd) == (1, 1, 1, 0.25)
        assert done.duration_ms > 0

        found = await known(database, "b")
        assert (found.avg_confidence, found.tokens_in, found.tokens_out) == (0.625, 100, 7)
        assert found.ended_at
        assert found.ended_at >= found.started_at
        assert found.avg_time_ms == pytest.approx(done.duration_ms / 3)

    async def test_redelivery_moves_nothing_and_finishes_nothing_again(self, database: Database) -> None:
        await prepare(database, "b", 4)
        outcomes = [outcome("b", item, cost_usd=1.0) for item in range(4)]

        results = [await finish_items(database, P, outcomes) for _ in range(3)]

        assert [len(result.moved) for result in results] == [4, 0, 0]
        assert [len(result.batches) for result in results] == [1, 0, 0]
        assert counters(await known(database, "b")) == (4, 4, 0, 0)
        assert (await known(database, "b")).cost_usd == 4.0

    async def test_an_item_named_twice_in_one_call_counts_once(self, database: Database) -> None:
        await prepare(database, "b", 1)
        result = await finish_items(database, P, [outcome("b", 0, DEAD), outcome("b", 0), outcome("b", 0)])
        assert result.moved == {1}
        assert counters(await known(database, "b")) == (1, 1, 0, 0)

    async def test_a_final_status_stays_but_a_dead_letter_may_be_redeemed(self, database: Database) -> None:
        await prepare(database, "b", 2)
        await finish_items(database, P, [outcome("b", 0), outcome("b", 1, DEAD, error="no")])

        assert not (await finish_items(database, P, [outcome("b", 0, DEAD)])).moved
        assert not (await finish_items(database, P, [outcome("b", 1, DEAD)])).moved
        redeemed = await finish_items(database, P, [outcome("b", 1, HUMAN), outcome("b", 0, HUMAN)])
        assert (redeemed.moved, redeemed.batches) == (frozenset({0}), ())
        assert not (await finish_items(database, P, [outcome("b", 1)])).moved
        assert counters(await known(database, "b")) == (2, 1, 1, 0)

    async def test_nothing_to_finish_needs_no_database(self) -> None:
        assert await finish_items(Database(DatabaseSettings()), P, []) == Finish(frozenset(), ())

    async def test_an_item_that_was_never_registered_is_counted(self, database: Database) -> None:
        await open_batch(database, NewBatch("b", P, 2))
        result = await finish_items(database, P, [outcome("b", "x"), outcome("b", "y")])
        assert (len(result.moved), len(result.batches)) == (2, 1)
        assert not await register(database, "b", ["x"])
        assert counters(await known(database, "b")) == (2, 2, 0, 0)

    async def test_a_transaction_that_fails_takes_the_credit_back(self, database: Database) -> None:
        await prepare(database, "b", 1)
        with pytest.raises(RuntimeError):
            async with database.transaction() as transaction:
                assert (await finish_items(transaction, P, [outcome("b", 0)])).batches
                raise RuntimeError
        assert counters(await known(database, "b")) == (1, 0, 0, 0)
        assert (await finish_items(database, P, [outcome("b", 0)])).batches

    @pytest.mark.parametrize("asked", ["", "anthropic"])
    async def test_the_newest_answer_stands_for_the_batch(self, database: Database, asked: str) -> None:
        async def stats() -> tuple[str, str]:
            row = await database.fetchrow("SELECT provider, model FROM pipeline_stats WHERE batch_id = 'b'")
            assert row
            return tuple(row)

        await open_batch(database, NewBatch("b", P, 5, asked))
        await register(database, "b", range(5))
        first = [outcome("b", 0, provider="one", model="m1"), outcome("b", 1, provider="two", model="m2")]
        await finish_items(database, P, [*first, outcome("b", 2, DEAD)])
        assert await stats() == (asked or "two", "m2")
        await finish_items(database, P, [outcome("b", 0, provider="late", model="again"), outcome("b", 3)])
        assert await stats() == (asked or "two", "m2")
        await finish_items(database, P, [outcome("b", 4, provider="three", model="m3")])
        assert await stats() == (asked or "three", "m3")
        assert (await known(database, "b")).provider == asked

    async def test_one_call_may_finish_several_batches(self, database: Database) -> None:
        for name in "abc":
            await prepare(database, name, 2)
        result = await finish_items(database, P, [outcome(name, item) for item, name in product(range(2), "cab")])
        assert sorted(done.batch_id for done in result.batches) == ["a", "b", "c"]


class TestConcurrency:
    @pytest.fixture
    async def replicas(self, database_url: str) -> Sequence[Database]:
        """Four processes would have a pool each; connections are what matters."""
        return [Database(DatabaseSettings(url=SecretStr(database_url), pool_max=1)) for _ in range(4)]

    async def _run(
        self, replicas: Sequence[Database], chunks: Sequence[Sequence[Sequence[ItemOutcome]]]
    ) -> list[Finish]:
        async def replica(database: Database, work: Sequence[Sequence[ItemOutcome]]) -> list[Finish]:
            async with database:
                return [await finish_items(database, P, chunk) for chunk in work]

        results = await asyncio.gather(*map(replica, replicas, chunks))
        return [finish for finishes in results for finish in finishes]

    @pytest.mark.parametrize("seed", range(3))
    async def test_every_item_moves_once_and_every_batch_finishes_once(
        self, database: Database, replicas: Sequence[Database], seed: int
    ) -> None:
        dice = random.Random(seed)
        names, size = [f"b{number}" for number in range(5)], 120
        for name in names:
            await prepare(database, name, size)
        everything = [outcome(name, item) for name, item in product(names, range(size))]

        finishes = await self._run(replicas, [_shuffled_chunks(everything, dice) for _ in replicas])

        assert sum(len(finish.moved) for finish in finishes) == len(everything)
        assert sorted(done.batch_id for finish in finishes for done in finish.batches) == names
        await assert_counters_match_items(database)

    @pytest.mark.parametrize("seed", range(3))
    async def test_with_different_opinions_on_the_status_the_counters_still_match(
        self, database: Database, replicas: Sequence[Database], seed: int
    ) -> None:
        dice = random.Random(seed)
        names, size = ["b0", "b1", "b2"], 100
        for name in names:
            await prepare(database, name, size)

        def opinion() -> list[ItemOutcome]:
            return [outcome(n, i, dice.choice([DONE, HUMAN, DEAD])) for n, i in product(names, range(size))]

        finishes = await self._run(replicas, [_shuffled_chunks(opinion(), dice) for _ in replicas])

        assert sorted(done.batch_id for finish in finishes for done in finish.batches) == names
        await assert_counters_match_items(database)

    @pytest.mark.parametrize("seed", range(3))
    async def test_batches_and_items_that_nobody_has_announced(
        self, database: Database, replicas: Sequence[Database], seed: int
    ) -> None:
        dice = random.Random(seed)
        names, size = ["b0", "b1", "b2"], 100
        everything = [outcome(name, item, dice.choice([DONE, DEAD])) for name, item in product(names, range(size))]

        finishes = await self._run(replicas, [_shuffled_chunks(everything, dice) for _ in replicas])

        assert not any(finish.batches for finish in finishes)
        assert [found.total for found in await batches(database)] == [size] * 3
        await assert_counters_match_items(database)
        assert sorted(done.batch_id for done in await close_rolling(database, 0)) == names
        await assert_counters_match_items(database)

    async def test_registering_and_finishing_at_the_same_time(
        self, database: Database, replicas: Sequence[Database]
    ) -> None:
        dice = random.Random(7)
        everything = [outcome("b", item) for item in range(300)]

        async def submit() -> None:
            for chunk in _shuffled_chunks(everything, dice):
                await register(database, "b", [row.item_id for row in chunk])

        finishes, _ = await asyncio.gather(
            self._run(replicas, [_shuffled_chunks(everything, dice) for _ in replicas]), submit()
        )
        assert sum(len(finish.moved) for finish in finishes) == 300
        assert counters(await known(database, "b")) == (300, 300, 0, 0)

    async def test_one_idempotency_key_opens_one_batch(self, database: Database) -> None:
        opened = await asyncio.gather(
            *(open_batch(database, NewBatch(f"b{n}", P, 5, idempotency_key="key")) for n in range(8))
        )
        assert len({found.batch_id for found, _ in opened}) == 1
        assert [new for _, new in opened].count(True) == 1
        assert len(await batches(database)) == 1


def _shuffled_chunks(rows: Sequence[ItemOutcome], dice: random.Random, size: int = 40) -> list[list[ItemOutcome]]:
    shuffled = dice.sample(rows, len(rows))
    return [shuffled[start : start + size] for start in range(0, len(shuffled), size)]


class TestRollingBatches:
    async def test_the_total_grows_with_new_items_only(self, database: Database) -> None:
        assert await register(database, "hour", range(3)) == 3
        assert await register(database, "hour", range(1, 5)) == 2
        found = await known(database, "hour")
        assert (found.total, found.declared, found.pipeline) == (5, False, P)

    async def test_it_is_done_only_when_it_is_closed_and_complete(self, database: Database) -> None:
        await register(database, "hour", range(2))
        assert not (await finish_items(database, P, [outcome("hour", 0)])).batches
        assert await close_rolling(database, 3_600) == []
        assert await close_rolling(database, 0) == []
        (done,) = (await finish_items(database, P, [outcome("hour", 1)])).batches
        assert (done.batch_id, done.total, done.completed) == ("hour", 2, 2)

    async def test_a_complete_one_is_done_by_closing_it_once(self, database: Database) -> None:
        await register(database, "hour", range(2))
        await finish_items(database, P, [outcome("hour", item) for item in range(2)])
        assert [done.batch_id for done in await close_rolling(database, 0)] == ["hour"]
        assert await close_rolling(database, 0) == []

    async def test_items_that_come_late_are_counted_but_do_not_finish_it_again(self, database: Database) -> None:
        await register(database, "hour", range(1))
        await finish_items(database, P, [outcome("hour", 0)])
        await close_rolling(database, 0)
        await register(database, "hour", range(1, 3))
        assert not (await finish_items(database, P, [outcome("hour", 1), outcome("hour", 2)])).batches
        assert counters(await known(database, "hour")) == (3, 3, 0, 0)

    async def test_declared_batches_are_not_closed_and_keep_their_total(self, database: Database) -> None:
        await prepare(database, "b", 3)
        assert await register(database, "b", range(3, 5)) == 2
        assert await close_rolling(database, 0) == []
        found = await known(database, "b")
        assert (found.total, found.closed_at) == (3, None)

    async def test_one_that_is_opened_afterwards_becomes_declared(self, database: Database) -> None:
        await register(database, "b", range(2))
        await finish_items(database, P, [outcome("b", 0)])
        found, new = await open_batch(database, NewBatch("b", P, 2, "openai", "m"))
        assert (found.declared, found.total, found.completed, found.provider, new) == (True, 2, 1, "openai", False)
        assert (await finish_items(database, P, [outcome("b", 1)])).batches


class TestItemsThatABatchDoesNotStandFor:
    async def _register(
        self, executor: Executor, batch_id: str, *given: tuple[str, str], opener: bool = False
    ) -> tuple[int, list[int]]:
        ids, payloads = [name for name, _ in given], [payload for _, payload in given]
        batch_ids = [batch_id] * len(given)
        found = await register_items(executor, P, batch_ids=batch_ids, item_ids=ids, payloads=payloads, opener=opener)
        return found.fresh, sorted(found.others)

    async def test_another_version_of_an_item_is_named_however_it_comes(self, database: Database) -> None:
        assert await self._register(database, "hour", ("a", "1"), ("b", "1"), ("a", "2"), ("a", "1")) == (2, [2])
        assert await self._register(database, "hour", ("c", "1"), ("a", "1"), ("b", "2")) == (1, [2])
        assert [item.payload for item in await items(database, "hour")] == ["1", "1", "1"]
        assert (await known(database, "hour")).total == 3

    async def test_only_its_opener_adds_to_a_declared_batch(self, database: Database) -> None:
        await open_batch(database, NewBatch("b", P, 2))
        assert await self._register(database, "b", ("a", "1"), ("b", "1"), opener=True) == (2, [])
        assert await self._register(database, "b", ("a", "1"), ("stranger", "1"), ("b", "2")) == (0, [1, 2])
        assert [item.item_id for item in await items(database, "b")] == ["a", "b"]

    async def test_an_item_that_ended_unregistered_is_the_same(self, database: Database) -> None:
        await finish_items(database, P, [outcome("hour", "a", DEAD)])
        assert await self._register(database, "hour", ("a", "1")) == (0, [])

    async def test_what_another_registers_at_the_same_moment_is_compared(self, database: Database) -> None:
        await self._register(database, "hour", ("z", "1"))
        async with database.transaction() as transaction:
            await self._register(transaction, "hour", ("a", "1"), ("b", "1"))
            waiting = asyncio.create_task(self._register(database, "hour", ("a", "1"), ("b", "2"), ("c", "1")))
            await asyncio.sleep(0.2)
            assert not waiting.done()
        assert await waiting == (1, [1])

    async def test_a_batch_that_is_being_declared_is_waited_for(self, database: Database) -> None:
        await self._register(database, "b", ("z", "1"))
        async with database.transaction() as transaction:
            await open_batch(transaction, NewBatch("b", P, 2))
            await self._register(transaction, "b", ("a", "1"), opener=True)
            waiting = asyncio.create_task(self._register(database, "b", ("a", "1"), ("stranger", "1")))
            await asyncio.sleep(0.2)
        assert await waiting == (0, [1])


class TestReading:
    async def test_opening_again_returns_what_there_is(self, database: Database) -> None:
        first, new = await open_batch(database, NewBatch("b", P, 5, "embedded", "rules", "trace", "key"))
        assert new
        assert (first.trace_id, first.idempotency_key, first.pending) == ("trace", "key", 5)
        assert await open_batch(database, NewBatch("b", P, 99)) == (first, False)
        assert await open_batch(database, NewBatch("other", P, 5, idempotency_key="key")) == (first, False)
        assert await batch(database, "other") is None

    async def test_items_are_listed_in_the_order_of_submission(self, database: Database) -> None:
        await open_batch(database, NewBatch("b", P, 3))
        await register(database, "b", ["z", "a", "m"])
        await finish_items(database, P, [outcome("b", "a", DEAD, error="why")])

        assert [item.item_id for item in await items(database, "b")] == ["z", "a", "m"]
        assert [item.item_id for item in await items(database, "b", offset=1, limit=1)] == ["a"]
        assert [item.item_id for item in await pending(database, "b")] == ["z", "m"]
        _, failed, _ = await items(database, "b")
        assert (failed.item_id, failed.error, failed.status, failed.payload) == ("a", "why", DEAD, '{"name":"x"}')

    async def test_batches_are_listed_newest_first_by_pipeline(self, database: Database) -> None:
        for name, pipeline in (("one", P), ("two", "correction"), ("three", P)):
            await open_batch(database, NewBatch(name, pipeline, 1))
        await finish_items(database, P, [outcome("one", 1)])

        assert [found.batch_id for found in await batches(database)] == ["three", "two", "one"]
        assert [found.batch_id for found in await batches(database, 1, pipeline=P)] == ["three"]
        assert [found.batch_id for found in await open_batches(database)] == ["two", "three"]

    async def test_a_submitted_text_comes_back_to_the_byte(self, database: Database) -> None:
        text = '{ "name" : "Ünïcode \\u0000 \U0001f600",  "n":1.10 }'
        await register_items(database, P, batch_ids=["b"], item_ids=["i"], payloads=[text])
        (item,) = await items(database, "b")
        assert item.payload == text
