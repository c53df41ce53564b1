"""What keeps calls out - budgets, the switch, the breaker, a wrong key - and the books, where nothing is lost."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio
from pydantic import SecretStr
from structlog.testing import capture_logs

from shared.database import Database
from shared.errors import TransientError
from shared.llm.admission import Budgets, Limits, PostgresAdmission
from shared.llm.admission.reading import switch_off, switch_on
from shared.llm.calls import CallOutcome, Closed, Permit, Plan, Result, Tokens
from shared.settings import DatabaseSettings
from shared.telemetry import metrics
from tests.integration.llm_doors import (
    DONE,
    KEY,
    bucket,
    budget,
    call,
    closed,
    doors,
    failed,
    forget_calls,
    ledger,
    plan,
    set_bucket,
    until,
)

DOWN = failed(CallOutcome.UNREACHABLE)
DUE = "open_until = now() - interval '1 ms'"


@pytest_asyncio.fixture(loop_scope="session")
async def database_url(postgres_url: str) -> str:
    """The session's database without a trace of calls: quicker than one of its own for each test."""
    await forget_calls(postgres_url)
    return postgres_url


def costing(usd: float) -> Result:
    return Result(CallOutcome.OK, 0.01, Tokens(800, 0, 0, 200), usd)


class TestBudgets:
    @pytest.mark.parametrize("limits", [Budgets(total_usd=1.0), Budgets(day_usd=1.0), Budgets(tasks={"family": 1.0})])
    async def test_many_calls_at_once_never_spend_more_than_one_call_too_much(
        self, database: Database, database_url: str, limits: Budgets
    ) -> None:
        async def spend(door: PostgresAdmission) -> bool:
            try:
                permit = await door.enter(plan(most=0.03))
            except Closed as reason:
                assert "is spent: $1" in reason.reason
                return False
            await asyncio.sleep(0.005)
            await door.settle(permit, costing(0.03))
            return True

        async with doors(database_url, 4, budgets=limits, limits=Limits(0, 0)) as fleet:
            passed = await asyncio.gather(*(spend(door) for door in fleet for _ in range(50)))
        reserved, spent = await budget(database, "all")
        assert reserved == 0
        assert 1.0 <= spent <= 1.03
        assert spent == pytest.approx(0.03 * sum(passed)) == pytest.approx((await budget(database, "family", "day"))[1])

    async def test_while_the_rest_is_promised_callers_wait_and_then_get_what_is_left(
        self, database: Database, database_url: str
    ) -> None:
        async with doors(database_url, 2, budgets=Budgets(total_usd=0.1)) as (one, other):
            first = await one.enter(plan(most=0.2))
            waiting = asyncio.create_task(other.enter(plan(most=0.05)))
            await until(lambda: len(other._line) == 1)
            await one.settle(first, costing(0.01))
            await other.settle(await waiting, costing(0.02))
        assert await budget(database, "all") == (0, pytest.approx(0.03))

    async def test_a_question_without_money_does_not_stop_the_others(self, database_url: str) -> None:
        async with doors(database_url, 1, budgets=Budgets(tasks={"family": 0.01})) as (door,):
            await call(door, costing(0.02))
            answers = await asyncio.gather(
                *(door.enter(plan(name)) for name in ("family", "type", "family")), return_exceptions=True
            )
            assert [type(answer) for answer in answers] == [Closed, Permit, Closed]
            assert isinstance(answers[0], Closed)
            assert "the budget of family of 20" in answers[0].reason
            assert answers[0].retry_after is not None
            assert 0 < answers[0].retry_after <= 86_400  # until midnight
            assert isinstance(answers[1], Permit)
            await door.settle(answers[1], DONE)

    async def test_without_limits_money_is_counted_all_the_same(self, database: Database, database_url: str) -> None:
        async with doors(database_url, 2) as fleet:
            await asyncio.gather(*(call(door, costing(0.25)) for door in fleet for _ in range(4)))
        for scope, period in (("all", "total"), ("all", "day"), ("family", "day")):
            assert await budget(database, scope, period) == (0, 2.0)

    async def test_at_80_percent_there_is_one_warning_for_the_fleet(self, database_url: str) -> None:
        counter = metrics.LLM_BUDGET_WARNINGS.labels("all", "total")._value
        before = counter.get()
        with capture_logs() as logs:
            async with doors(database_url, 3, budgets=Budgets(total_usd=1.0)) as fleet:
                await call(fleet[0], costing(0.75))
                assert not logs
                await asyncio.gather(*(call(door, costing(0.06)) for door in fleet))
                await call(fleet[0], costing(0.0))
        assert [(log["scope"], log["period"]) for log in logs] == [("all", "total")]
        assert counter.get() == before + 1
        assert metrics.LLM_BUDGET_SPENT.labels("all", "total")._value.get() == pytest.approx(0.93)


class TestSwitch:
    @pytest.mark.parametrize("scope", ["all", "openai", KEY])
    async def test_it_closes_to_new_and_waiting_callers_and_opens_again(
        self, database: Database, database_url: str, scope: str
    ) -> None:
        async with doors(database_url, 2, concurrency=1) as (one, other):
            permit = await one.enter(plan())
            waiting = [asyncio.create_task(one.enter(plan())) for _ in range(3)]
            await until(lambda: len(one._line) == 3)
            await switch_off(database, scope, "costs too much")
            for reason in [await closed(other), *await asyncio.gather(*waiting, return_exceptions=True)]:
                assert isinstance(reason, Closed)
                assert reason.reason.endswith("switched off: costs too much")
                assert reason.retry_after is None
            await one.settle(permit, DONE)
            assert len(await ledger(database)) == 1
            assert await switch_on(database, scope) == [scope]
            await asyncio.gather(call(one), call(other))

    async def test_of_another_provider_it_is_nothing_to_us(self, database: Database, database_url: str) -> None:
        await switch_off(database, "anthropic", "")
        async with doors(database_url, 1) as (door,):
            await call(door)

    async def test_a_vendor_out_of_quota_is_switched_off_for_everybody(
        self, database: Database, database_url: str
    ) -> None:
        async with doors(database_url, 2) as (one, other), doors(database_url, 1, model="gpt-5") as (third,):
            await call(one, failed(CallOutcome.OUT_OF_QUOTA, error="insufficient_quota"))
            for door in (one, other, third):
                reason = await closed(door)
                assert "openai is switched off: its quota or credit is used up (insufficient_quota)" in reason.reason
                assert "sluice llm resume openai" in reason.reason
            await switch_on(database, "openai")
            await call(other)


class TestBreaker:
    async def test_five_failures_close_all_doors_and_one_probe_at_a_time_tries(
        self, database: Database, database_url: str
    ) -> None:
        async with doors(database_url, 3) as fleet:
            for _ in range(5):
                await call(fleet[0], DOWN)
            for door in fleet:
                reason = await closed(door)
                assert f"{KEY} is failing" in reason.reason
                assert reason.retry_after is not None
                assert 0 < reason.retry_after <= 7
            await set_bucket(database, DUE)
            ((door, probe),) = await self._let_in(fleet)
            await door.settle(probe, DOWN)
            assert (await bucket(database))["failed_probes"] == 1
            await closed(fleet[2])
            for _ in range(2):
                await set_bucket(database, DUE)
                ((door, probe),) = await self._let_in(fleet)
                await door.settle(probe, DONE)
            assert (await bucket(database))["open_until"] is None
            await asyncio.gather(*(call(door) for door in fleet for _ in range(3)))

    async def _let_in(self, fleet: list[PostgresAdmission]) -> list[tuple[PostgresAdmission, Permit]]:
        """Everybody comes at once."""
        answers = await asyncio.gather(
            *(door.enter(plan()) for door in fleet for _ in range(4)), return_exceptions=True
        )
        return [(fleet[at // 4], permit) for at, permit in enumerate(answers) if isinstance(permit, Permit)]

    async def test_after_a_success_the_second_probe_need_not_wait(self, database: Database, database_url: str) -> None:
        async with doors(database_url, 2) as (one, other):
            for _ in range(5):
                await call(one, DOWN)
            await set_bucket(database, DUE)
            await call(other)
            await call(one)
            assert (await bucket(database))["open_until"] is None

    async def test_probes_come_evenly_at_first_and_more_rarely_then(
        self, database: Database, database_url: str
    ) -> None:
        async with doors(database_url, 1) as (door,):
            for _ in range(5):
                await call(door, DOWN)
            for before, seconds in ((0, 7), (8, 7), (9, 7), (10, 14), (12, 56), (30, 300)):
                await set_bucket(database, f"{DUE}, failed_probes = {before}")
                await call(door, DOWN)
                row = await bucket(database)
                assert (row["open_until"] - row["updated_at"]).total_seconds() == pytest.approx(seconds)

    async def test_a_probe_whose_process_died_does_not_block_the_next(
        self, database: Database, database_url: str
    ) -> None:
        async with doors(database_url, 2) as (one, other):
            for _ in range(5):
                await call(one, DOWN)
            await set_bucket(database, DUE)
            lost = await one.enter(plan())
            await closed(other)
            await set_bucket(database, "probe_until = now()")
            probe = await other.enter(plan())
            await one.settle(lost, DONE)
            assert (await bucket(database))["passed_probes"] == 0
            await other.settle(probe, DONE)
            assert (await bucket(database))["passed_probes"] == 1

    async def test_stragglers_of_the_bad_time_do_not_open_it_again(self, database: Database, database_url: str) -> None:
        async with doors(database_url, 2) as (one, other):
            stragglers = [await other.enter(plan()) for _ in range(6)]
            for _ in range(5):
                await call(one, DOWN)
            for _ in range(2):
                await set_bucket(database, DUE)
                await call(one)
            slow = failed(CallOutcome.TIMEOUT, latency_seconds=60.0)
            await asyncio.gather(*(other.settle(permit, slow) for permit in stragglers))
            await call(other)

    async def test_rate_limits_and_bad_answers_do_not_open_it(self, database_url: str) -> None:
        async with doors(database_url, 1) as (door,):
            for outcome in (
                CallOutcome.RATE_LIMITED,
                CallOutcome.INVALID,
                CallOutcome.REFUSED,
                CallOutcome.BAD_REQUEST,
            ):
                for _ in range(6):
                    await call(door, failed(outcome, retry_after=0.0))
            await call(door)


class TestMisconfigured:
    async def test_a_refused_key_closes_the_door_of_this_process_alone(self, database_url: str) -> None:
        async with doors(database_url, 2, concurrency=2) as (one, other):
            permits = [await one.enter(plan()) for _ in range(2)]
            waiting = asyncio.create_task(one.enter(plan()))
            await until(lambda: len(one._line) == 1)
            for permit in permits:
                await one.settle(permit, failed(CallOutcome.UNAUTHORIZED, error="invalid x-api-key"))
            for reason in (await closed(one), *await asyncio.gather(waiting, return_exceptions=True)):
                assert isinstance(reason, Closed)
                assert reason.reason == "openai refuses the key: invalid x-api-key"
                assert reason.retry_after == pytest.approx(30, abs=5)
            assert (await one.status()).hindrance
            await call(other)


class TestLedger:
    async def test_an_attempt_is_in_the_books_before_it_is_made_and_complete_after(
        self, database: Database, database_url: str
    ) -> None:
        async with doors(database_url, 1, budgets=Budgets(day_usd=5)) as (door,):
            permit = await door.enter(plan(most=0.5))
            (row,) = await ledger(database)
            assert (row["outcome"], str(row["id"]), row["owner"]) == ("pending", permit.id, "replica-0")
            assert (row["estimated_tokens"], float(row["reserved_usd"])) == (1000, 0.5)
            assert (row["deadline"] - row["started_at"]).total_seconds() == pytest.approx(180)
            result = Result(
                CallOutcome.TRUNCATED, 1.5, Tokens(900, 300, 20, 64), 0.000123456789, "req-1", error="nul \0 \ud800"
            )
            await door.settle(permit, result)
            async with Database(DatabaseSettings(url=SecretStr(database_url))) as another:
                (row,) = await ledger(another)
        assert (row["outcome"], row["tokens_in"], row["tokens_cached"], row["tokens_out"]) == (
            "truncated",
            900,
            300,
            64,
        )
        assert (float(row["cost_usd"]), row["reserved_usd"]) == (0.000123456789, 0)
        assert (row["latency_ms"], row["request_id"], row["error"]) == (1500, "req-1", "nul  ?")
        assert await budget(database, "all", "day") == (0, pytest.approx(0.000123456789))

    async def test_booking_twice_is_booking_once(self, database: Database, database_url: str) -> None:
        async with doors(database_url, 1, budgets=Budgets(day_usd=5)) as (door,):
            permit = await call(door, costing(0.1))
            await door.settle(permit, costing(0.1))
            assert (await door.status()).in_flight == 0
        assert await budget(database, "all", "day") == (0, pytest.approx(0.1))

    async def test_a_call_that_the_server_has_forgotten_is_booked(self, database: Database, database_url: str) -> None:
        async with doors(database_url, 1) as (door,):
            permit = await door.enter(plan())
            await database.execute("DELETE FROM llm_call")
            await door.settle(permit, costing(0.1))
        assert [row["outcome"] for row in await ledger(database)] == ["ok"]
        assert await budget(database, "all") == (0, pytest.approx(0.1))

    async def test_calls_of_a_dead_process_are_booked_at_their_estimate_and_corrected_if_it_lives(
        self, database: Database, database_url: str
    ) -> None:
        limits = Budgets(day_usd=5, total_usd=5)
        async with doors(database_url, 1, budgets=limits) as (silent,):
            permits = [await silent.enter(plan(most=0.5)) for _ in range(3)]
            assert await budget(database, "all") == (1.5, 0)
            await database.execute("UPDATE llm_call SET deadline = now() - interval '1 s'")
            async with doors(database_url, 1, budgets=limits) as (alive,):
                await call(alive, costing(0.1))
            outcomes = [row["outcome"] for row in await ledger(database)]
            assert sorted(outcomes) == ["lost", "lost", "lost", "ok"]
            assert await budget(database, "all") == (0, pytest.approx(1.6))
            await silent.settle(permits[0], costing(0.2))
            assert await budget(database, "all") == (0, pytest.approx(1.3))
            assert await budget(database, "family", "day") == (0, pytest.approx(1.3))

    async def test_what_a_caller_calls_lost_costs_its_estimate(self, database: Database, database_url: str) -> None:
        async with doors(database_url, 1) as (door,):
            await call(door, failed(CallOutcome.LOST), planned=plan(most=0.5))
        assert await budget(database, "all") == (0, 0.5)

    async def test_settlements_share_statements(
        self, database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        sizes: list[int] = []
        async with doors(database_url, 1, limits=Limits(0, 0), concurrency=100) as (door,):
            write = door._settling._write

            async def counted(group: Any) -> None:
                sizes.append(len(group))
                await write(group)

            monkeypatch.setattr(door._settling, "_write", counted)
            permits = await asyncio.gather(*(door.enter(plan()) for _ in range(100)))
            await asyncio.gather(*(door.settle(permit, costing(0.01)) for permit in permits))
        assert sum(sizes) == 100
        assert len(sizes) < 20
        assert await budget(database, "all") == (0, pytest.approx(1.0))


class TestGoing:
    async def test_leaving_tells_those_who_wait_and_gives_unused_leases_back(
        self, database: Database, database_url: str
    ) -> None:
        async with doors(database_url, 1, limits=Limits(600, 0), budgets=Budgets(day_usd=9)) as (door,):
            waiting = [asyncio.create_task(door.enter(plan())) for _ in range(9)]
            await waiting[0]
            await until(lambda: door._line.in_flight > 1)  # leases for slots that have not begun
        reasons = await asyncio.gather(*waiting[1:], return_exceptions=True)
        assert {str(reason) for reason in reasons} == {"shutting down"}
        assert [row["outcome"] for row in await ledger(database)] == ["pending"]
        assert await budget(database, "all", "day") == (pytest.approx(0.002), 0)
        assert "shutting down" in (await closed(door)).reason
        with pytest.raises(TransientError, match="after its admission was closed"):
            await door.settle(waiting[0].result(), DONE)

    async def test_draining_lets_nobody_in_and_still_books(self, database: Database, database_url: str) -> None:
        async with doors(database_url, 1) as (door,):
            permit = await door.enter(plan())
            door.drain()
            await closed(door)
            await door.settle(permit, DONE)
        assert [row["outcome"] for row in await ledger(database)] == ["ok"]

    async def test_a_caller_that_is_cancelled_leaves_nothing_open(self, database: Database, database_url: str) -> None:
        async with doors(database_url, 1, limits=Limits(600, 0), budgets=Budgets(day_usd=9)) as (door,):
            callers = [asyncio.create_task(door.enter(plan())) for _ in range(12)]
            await callers[0]
            for caller in callers[1:]:
                caller.cancel()
            await asyncio.gather(*callers[1:], return_exceptions=True)
            await door.settle(callers[0].result(), DONE)
            assert (await door.status()).in_flight == (await door.status()).waiting == 0
        assert [row["outcome"] for row in await ledger(database)] == ["ok"]
        assert (await budget(database, "all", "day"))[0] == 0

    async def test_without_a_database_callers_are_told(self, database_url: str) -> None:
        async with doors(database_url, 1) as (door,):
            permit = await door.enter(plan())
            await door._database.__aexit__()
            with pytest.raises(TransientError):
                await door.enter(plan())
            with pytest.raises(TransientError, match="could not be booked"):
                await door.settle(permit, DONE)

    async def test_a_nonsensical_plan_harms_nobody_but_itself(self, database_url: str) -> None:
        async with doors(database_url, 1, new_id=iter(["no uuid", str(uuid4())]).__next__) as (door,):
            with pytest.raises(TransientError):
                await door.enter(Plan("openai", "m", "family", 1, 1, 0.0))
            await call(door)
