"""Each distinct question is asked once over all replicas, its answer outlives them, and what it took is billed once."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import pytest
from pydantic import SecretStr

from shared.database import Database
from shared.errors import TransientError
from shared.llm.calls import CallOutcome, Closed
from shared.llm.gateway import Answer, Down
from shared.llm.keys import Keys
from shared.llm.pricing import Price, Prices
from shared.llm.store import AnswerStore
from shared.llm.vendor_provider import VendorProvider
from shared.settings import DatabaseSettings
from tests.contract.waiting import eventually
from tests.unit.llm.scripted import LENGTH, Length, OpenDoor, QuickClock, ScriptedVendor, Word, fails

PRICES = Prices({"parrot-1": Price(input=1.0, output=2.0)})


@dataclass(frozen=True)
class Limits:
    batch_items: int = 15
    batch_tokens: int = 6_000
    linger_ms: int = 1
    temperature: float = 0.2
    cache: bool = True
    cache_entries: int = 1_000
    coalesce: bool = True
    attempts: int = 2
    timeout_seconds: float = 5.0


@asynccontextmanager
async def replica(
    database: Database,
    vendor: ScriptedVendor,
    door: OpenDoor | None = None,
    *,
    name: str = "one",
    limits: Limits = Limits(),
    deadline: float = 30.0,
    store: AnswerStore | None = None,
    place: str = "",
) -> AsyncIterator[VendorProvider]:
    provider = VendorProvider(
        lambda: vendor,
        door or OpenDoor(),
        store or AnswerStore(database, name),
        PRICES,
        limits,
        clock=QuickClock(),
        jitter=random.Random(1),
        deadline_seconds=deadline,
        place=place,
    )
    async with provider:
        yield provider


async def ask(provider: VendorProvider, *texts: str) -> list[Answer[Length]]:
    answers = await provider.answer(LENGTH, [Word(text=text) for text in texts])
    assert not any(isinstance(answer, Down) for answer in answers), answers
    return [answer for answer in answers if isinstance(answer, Answer)]


def calls_of(*vendors: ScriptedVendor, count: int = 1) -> Callable[[], Awaitable[bool]]:
    async def look() -> bool:
        return sum(len(vendor.requests) for vendor in vendors) >= count

    return look


async def all_answered(provider: VendorProvider, *texts: str) -> list[Answer[Length]]:
    """The answers, or nothing while one of them is down."""
    answers = await provider.answer(LENGTH, [Word(text=text) for text in texts])
    found = [answer for answer in answers if isinstance(answer, Answer)]
    return found if len(found) == len(texts) else []


def lengths(answers: list[Answer[Length]]) -> list[int | None]:
    return [answer.value.letters if answer.value else None for answer in answers]


async def test_equal_items_share_one_question_and_the_first_pays(database: Database) -> None:
    vendor, door = ScriptedVendor(), OpenDoor()
    async with replica(database, vendor, door) as provider:
        answers = await ask(provider, "aa", "b", "aa", "aa")
        assert lengths(answers) == [2, 1, 2, 2]
        assert vendor.asked() == [["aa", "b"]]
        costs = [answer.usage.cost_usd for answer in answers]
        assert costs[2:] == [0, 0]
        assert sum(costs) == pytest.approx(door.results[0].cost_usd)
        assert costs[0] > 0
        again = await ask(provider, "b", "aa")
        assert lengths(again) == [1, 2]
        assert len(vendor.requests) == 1
        assert [answer.usage.cost_usd for answer in again] == [0, 0]


async def test_answers_outlive_the_process(database: Database) -> None:
    async with replica(database, ScriptedVendor()) as provider:
        await ask(provider, "aa", "b")
    vendor = ScriptedVendor()
    async with replica(database, vendor, name="two") as provider:
        answers = await ask(provider, "b", "aa")
    assert lengths(answers) == [1, 2]
    assert not vendor.requests
    assert await database.fetchval("SELECT sum(hits) FROM llm_cache") == 2
    assert await database.fetchval("SELECT count(*) FROM llm_claim") == 0


async def test_replicas_that_are_asked_the_same_at_once_make_one_call(database: Database) -> None:
    gate = asyncio.Event()
    vendors = [ScriptedVendor(gate=gate) for _ in range(4)]
    async with (
        replica(database, vendors[0], name="r0") as first,
        replica(database, vendors[1], name="r1") as second,
        replica(database, vendors[2], name="r2") as third,
        replica(database, vendors[3], name="r3") as fourth,
    ):
        asked = [
            asyncio.create_task(ask(provider, "same")) for provider in (first, second, third, fourth) for _ in range(25)
        ]
        await eventually(calls_of(*vendors), "a call")
        gate.set()
        answers = await asyncio.gather(*asked)
    assert [lengths(answer) for answer in answers] == [[4]] * 100
    assert sum(len(vendor.requests) for vendor in vendors) == 1
    assert sum(answer[0].usage.cost_usd > 0 for answer in answers) == 1


async def test_what_a_dead_replica_was_asking_is_taken_over(database: Database) -> None:
    async with AnswerStore(database, "dead") as store:
        vendor = ScriptedVendor()
        async with replica(database, vendor, name="alive") as provider:
            await store.claim([Keys(LENGTH, "local", "parrot-1", Limits.temperature).of({"text": "orphan"})])
            task = asyncio.create_task(ask(provider, "orphan"))
            await database.execute("UPDATE llm_claim SET expires_at = now() - interval '1 second'")
            assert lengths(await task) == [6]
    assert vendor.asked() == [["orphan"]]


async def test_what_is_not_answered_by_the_deadline_is_there_the_next_time(database: Database) -> None:
    gate = asyncio.Event()
    vendor, door = ScriptedVendor(gate=gate), OpenDoor()
    async with replica(database, vendor, door, deadline=0.01) as provider:
        first = await provider.answer(LENGTH, [Word(text="slow")])
        assert isinstance(first[0], Down)
        assert "still at it" in first[0].reason
        gate.set()
        await eventually(lambda: all_answered(provider, "slow"), "the answer")
    assert len(vendor.requests) == 1


async def test_the_bill_waits_until_the_whole_batch_has_its_answers(database: Database) -> None:
    gate = asyncio.Event()
    gate.set()
    vendor = ScriptedVendor(gate=gate)
    async with replica(database, vendor, deadline=0.2, limits=Limits(batch_items=1)) as provider:
        await ask(provider, "warm")
        gate.clear()
        waiting = asyncio.create_task(provider.answer(LENGTH, [Word(text="a"), Word(text="bb")]))
        await eventually(calls_of(vendor, count=3), "both calls")
        assert all(isinstance(answer, Down) for answer in await waiting)
        gate.set()
        answers = await eventually(lambda: all_answered(provider, "a", "bb"), "the answers")
        assert all(answer.usage.cost_usd > 0 for answer in answers)


async def test_a_closed_door_is_down_and_nothing_is_kept(database: Database) -> None:
    door = OpenDoor(closed=Closed("the budget of the day is spent", 60.0))
    async with replica(database, ScriptedVendor(), door) as provider:
        (answer,) = await provider.answer(LENGTH, [Word(text="a")])
        assert isinstance(answer, Down)
        assert (answer.reason, answer.retry_after) == ("the budget of the day is spent", 60.0)
        door.closed = None
        assert lengths(await ask(provider, "a")) == [1]


async def test_an_item_without_an_answer_has_a_reason_and_is_asked_anew_later(database: Database) -> None:
    vendor = ScriptedVendor([fails(CallOutcome.BAD_REQUEST)])
    async with replica(database, vendor) as provider:
        (answer,) = await ask(provider, "a")
        assert answer.value is None
        assert answer.reason == "local (parrot-1): it said bad-request"
        assert lengths(await ask(provider, "a")) == [1]


async def test_without_cache_and_coalescing_every_item_is_a_question(database: Database) -> None:
    vendor = ScriptedVendor()
    limits = Limits(cache=False, coalesce=False, batch_items=1)
    async with replica(database, vendor, limits=limits) as provider:
        await ask(provider, "a", "a")
        await ask(provider, "a")
    assert vendor.asked() == [["a"]] * 3
    assert await database.fetchval("SELECT count(*) FROM llm_cache") == 0


async def test_another_temperature_or_wording_is_another_question(database: Database) -> None:
    async with replica(database, ScriptedVendor()) as provider:
        await ask(provider, "a")
    vendor = ScriptedVendor()
    async with replica(database, vendor, limits=replace(Limits(), temperature=0.7)) as provider:
        await ask(provider, "a")
    assert len(vendor.requests) == 1


async def test_what_a_simulator_said_is_no_answer_of_the_vendor(database: Database) -> None:
    async with replica(database, ScriptedVendor(), place="127.0.0.1:8099/v1") as provider:
        await ask(provider, "a")
    vendor = ScriptedVendor()
    async with replica(database, vendor) as provider:
        await ask(provider, "a")
    assert len(vendor.requests) == 1


async def test_draining_makes_no_new_calls(database: Database) -> None:
    vendor = ScriptedVendor()
    async with replica(database, vendor) as provider:
        await ask(provider, "warm")
        provider.drain()
        assert isinstance((await provider.answer(LENGTH, [Word(text="late")]))[0], Down)
    assert len(vendor.requests) == 1


async def test_with_the_database_away_the_stage_tries_again_later() -> None:
    nowhere = DatabaseSettings(url=SecretStr("postgresql://nobody@127.0.0.1:1/none"), connect_timeout_seconds=0.2)
    with pytest.raises(TransientError):
        async with Database(nowhere) as away, replica(away, ScriptedVendor()) as provider:
            await ask(provider, "a")
