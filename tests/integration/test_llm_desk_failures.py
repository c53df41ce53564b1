"""What was paid for is used, and what nobody asks any more is free for others, whatever the database does meanwhile."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from shared.database import Database
from shared.errors import TransientError, Unavailable
from shared.llm.calls import CallOutcome, Completion, Permit, Plan, Request, Result
from shared.llm.gateway import Answer, Ask, Down, Provider, Routes
from shared.llm.keys import Keys
from shared.llm.question import Question
from shared.llm.store import AnswerStore, Kept
from tests.contract.waiting import eventually
from tests.integration.test_llm_desk import Limits, ask, calls_of, lengths, replica
from tests.unit.llm.scripted import LENGTH, Length, OpenDoor, ScriptedVendor, Word, completion, fails, items_of, right


def first_alone(request: Request) -> Completion:
    key, facts = items_of(request)[0]
    return completion([{"id": key, "letters": len(str(facts["text"]))}])


KEYS = Keys(LENGTH, "local", "parrot-1", Limits.temperature)


class FaultyStore(AnswerStore):
    """Its next statements of the named kinds fail, as with a database that is away."""

    def __init__(self, database: Database, owner: str, *faults: str) -> None:
        super().__init__(database, owner, extend_seconds=0.01)
        self.faults = list(faults)

    def _may_fail(self, kind: str) -> None:
        if kind in self.faults:
            self.faults.remove(kind)
            raise TransientError(f"no {kind} now")

    async def lookup(self, keys: Sequence[bytes]) -> Mapping[bytes, str]:
        self._may_fail("lookup")
        return await super().lookup(keys)

    async def claim(self, keys: Sequence[bytes]) -> set[bytes]:
        claimed = await super().claim(keys)
        if "lookup after claim" in self.faults:
            self.faults.remove("lookup after claim")
            self.faults.append("lookup")
        return claimed

    async def free(self, keys: Sequence[bytes]) -> None:
        self._may_fail("free")
        await super().free(keys)

    async def keep(self, answers: Mapping[bytes, Kept], **details: str) -> None:
        self._may_fail("keep")
        await super().keep(answers, **details)


class ShutBooks(OpenDoor):
    """Lets calls pass and cannot book them."""

    async def settle(self, permit: Permit, result: Result) -> None:
        raise TransientError("the database is away")


class ShutAfterOne(OpenDoor):
    """The database goes away after the first call."""

    async def enter(self, plan: Plan) -> Permit:
        if self.plans:
            raise TransientError("the database is away")
        return await super().enter(plan)


async def test_an_answer_that_cannot_be_stored_is_used(database: Database) -> None:
    vendor = ScriptedVendor()
    async with replica(database, vendor, store=FaultyStore(database, "one", "keep")) as provider:
        assert lengths(await ask(provider, "a", "bb")) == [1, 2]
        assert lengths(await ask(provider, "a", "bb")) == [1, 2]
    assert len(vendor.requests) == 1


async def test_an_answer_whose_call_cannot_be_booked_is_used(database: Database) -> None:
    vendor = ScriptedVendor()
    async with replica(database, vendor, ShutBooks()) as provider:
        assert lengths(await ask(provider, "a", "bb")) == [1, 2]
    assert len(vendor.requests) == 1


async def test_a_database_that_goes_away_within_a_group_takes_no_answers_along(database: Database) -> None:
    door, vendor = ShutAfterOne(), ScriptedVendor([first_alone])
    async with replica(database, vendor, door) as provider:
        with pytest.raises(TransientError):
            await provider.answer(LENGTH, [Word(text="a"), Word(text="bb")])
        door.plans.clear()
        assert lengths(await ask(provider, "a", "bb")) == [1, 2]
    assert vendor.asked() == [["a", "bb"], ["bb"]]


async def test_what_is_being_called_is_not_called_again_when_a_statement_beside_it_fails(database: Database) -> None:
    gate = asyncio.Event()
    vendor, store = ScriptedVendor(gate=gate), FaultyStore(database, "one")
    async with replica(database, vendor, store=store) as provider, AnswerStore(database, "two") as other:
        await other.claim([KEYS.of({"text": "theirs"})])
        asked = asyncio.create_task(provider.answer(LENGTH, [Word(text="mine"), Word(text="theirs")]))
        await eventually(calls_of(vendor), "the call")
        store.faults.append("lookup")

        async def failed() -> bool:
            return asked.done() or not store.faults

        await eventually(failed, "the statement to fail")
        await other.free([KEYS.of({"text": "theirs"})])
        second = asyncio.create_task(provider.answer(LENGTH, [Word(text="mine"), Word(text="theirs")]))
        await eventually(calls_of(vendor, count=2), "the other's item")
        gate.set()
        answers = await asyncio.gather(asked, second, return_exceptions=True)
        assert isinstance(answers[0], TransientError)
    assert vendor.asked() == [["mine"], ["theirs"]]


@pytest.mark.parametrize("fault", ["keep", "lookup after claim"])
async def test_what_nobody_asks_any_more_is_free_once_its_lease_is_over(database: Database, fault: str) -> None:
    store = FaultyStore(database, "one", fault)
    async with replica(database, ScriptedVendor(), store=store) as provider:
        answers = await asyncio.gather(provider.answer(LENGTH, [Word(text="a")]), return_exceptions=True)
        assert isinstance(answers[0], TransientError) == (fault != "keep")
        async with AnswerStore(database, "other") as other:  # so that there is something to extend
            assert await store.claim([b"still asked"]) == {b"still asked"}
            past = "UPDATE llm_claim SET expires_at = now() - interval '1 hour'"

            async def extended() -> bool:
                count = "SELECT count(*) FROM llm_claim WHERE key = $1 AND expires_at > now()"
                return bool(await database.fetchval(count, b"still asked"))

            for _ in range(2):  # the first extension may have begun before the failure, the second has not
                await database.execute(past)
                await eventually(extended, "an extension")
            assert await other.claim([KEYS.of({"text": "a"}), b"still asked"]) == {KEYS.of({"text": "a"})}


async def test_a_kept_answer_that_this_release_refuses_is_asked_anew_and_replaced(database: Database) -> None:
    for text, value in (("a", '{"letters": 7}'), ("bb", '{"letters": "many"}'), ("ccc", '{"letters": 3}')):
        await database.execute(
            "INSERT INTO llm_cache (key, question, provider, model, value) VALUES ($1, 'length', 'local', 'm', $2)",
            KEYS.of({"text": text}),
            value,
        )
    vendor = ScriptedVendor()
    async with replica(database, vendor) as provider:
        assert lengths(await ask(provider, "a", "bb", "ccc")) == [1, 2, 3]
    assert vendor.asked() == [["a", "bb"]]
    later = ScriptedVendor()
    async with replica(database, later, name="two") as provider:
        assert lengths(await ask(provider, "a", "bb", "ccc")) == [1, 2, 3]
    assert not later.requests


async def test_the_keeper_outlives_whatever_the_database_says(database: Database) -> None:
    async with AnswerStore(database, "one", extend_seconds=0.01) as store:
        await store.claim([b"key"])
        store._hits[b"key"] = 2**40  # more than the column takes: not a failure that passes

        async def written() -> bool:
            return not store._hits

        await eventually(written, "the failure")
        await database.execute("UPDATE llm_claim SET expires_at = now() - interval '1 hour'")

        async def extended() -> bool:
            return bool(await database.fetchval("SELECT count(*) FROM llm_claim WHERE expires_at > now()"))

        await eventually(extended, "an extension")


async def test_the_bill_goes_with_the_answers_that_are_used_also_beside_a_fallback(database: Database) -> None:
    vendor, door = ScriptedVendor([right, fails(CallOutcome.SERVER_ERROR), fails(CallOutcome.SERVER_ERROR)]), OpenDoor()
    providers: dict[str, Provider] = {"spare": Spare()}
    async with replica(database, vendor, door, limits=Limits(batch_items=1)) as provider:
        providers["local"] = provider
        answers = await Ask(providers, ["local"] * 2, Routes(fallback=("spare",)))(
            LENGTH, [Word(text="a"), Word(text="bb")]
        )
        assert [answer.value and answer.value.letters for answer in answers] == [1, 99]
        assert answers[0].usage.cost_usd == pytest.approx(door.results[0].cost_usd)
        with pytest.raises(Unavailable):
            vendor.lines += [fails(CallOutcome.SERVER_ERROR)] * 2
            await Ask(providers, ["local"] * 2)(LENGTH, [Word(text="a"), Word(text="cc")])
        answers = await Ask(providers, ["local"] * 3)(LENGTH, [Word(text=text) for text in ("dd", "cc", "a")])
        assert [answer.usage.cost_usd > 0 for answer in answers] == [True, True, False]


async def test_a_process_that_stops_leaves_its_items_to_the_next_owner_and_to_no_fallback(database: Database) -> None:
    gate = asyncio.Event()
    vendor, spare = ScriptedVendor(gate=gate), Spare()
    async with replica(database, vendor, deadline=0.01) as provider:
        ask = Ask({"local": provider, "spare": spare}, ["local"], Routes(fallback=("spare",)))
        with pytest.raises(Unavailable, match="still at it"):
            await ask(LENGTH, [Word(text="slow")])
        provider.drain()
        with pytest.raises(Unavailable, match=r"stopping|still at it"):
            await ask(LENGTH, [Word(text="new")])
        gate.set()


async def test_a_model_without_a_price_is_asked_nothing_and_says_why(database: Database) -> None:
    vendor = ScriptedVendor(provider="openai", model="gpt-9000")
    async with replica(database, vendor) as provider:
        (answer,) = await provider.answer(LENGTH, [Word(text="a")])
    assert isinstance(answer, Answer)
    assert answer.value is None
    assert "the price of openai model 'gpt-9000' is not known" in answer.reason
    assert not vendor.requests


async def test_without_its_database_a_stage_waits_instead_of_passing_items_on(database: Database) -> None:
    async with replica(database, ScriptedVendor(), store=FaultyStore(database, "one", "lookup")) as provider:
        with pytest.raises(Unavailable):
            await provider.answer(LENGTH, [Word(text="a")])


class Spare(Provider):
    """Takes over what another cannot do."""

    async def answer(self, question: Question[Any, Any], facts: Sequence[Any]) -> Sequence[Answer[Any] | Down]:
        return [Answer(Length(letters=99)) for _ in facts]
