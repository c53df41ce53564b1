"""Limits that all replicas share: rates, tokens, holds, the factor, what vendors announce."""

import asyncio
from itertools import pairwise
from typing import Any

import pytest
import pytest_asyncio

from shared.database import Database
from shared.llm.admission import Limits, PostgresAdmission
from shared.llm.calls import Announced, CallOutcome, Closed, Result, Tokens
from tests.integration.llm_doors import (
    DONE,
    MODEL,
    bucket,
    call,
    closed,
    doors,
    failed,
    forget_calls,
    ledger,
    plan,
    set_bucket,
    slots,
    until,
)

HEADROOM = 0.95
LIMITED = CallOutcome.RATE_LIMITED


@pytest_asyncio.fixture(loop_scope="session")
async def database_url(postgres_url: str) -> str:
    """The session's database without a trace of calls: quicker than one of its own for each test."""
    await forget_calls(postgres_url)
    return postgres_url


async def _many(door: PostgresAdmission, count: int) -> None:
    await asyncio.gather(*(call(door) for _ in range(count)))


class TestRate:
    async def test_no_window_holds_more_than_the_limit_and_a_skewed_load_uses_it(
        self, database: Database, database_url: str
    ) -> None:
        a_second = 200
        async with doors(database_url, 4, limits=Limits(a_second * 60, 0)) as fleet:
            await asyncio.gather(*(_many(door, count) for door, count in zip(fleet, (165, 45, 45, 45), strict=True)))
        began = await slots(database)
        assert len(began) == 300
        for span in (0.05, 0.25, 1.0):
            fullest = max(sum(start <= other < start + span for other in began) for start in began)
            assert fullest <= a_second * span + 1
        assert (len(began) - 1) / (began[-1] - began[0]) >= 0.9 * a_second
        owners = {row["owner"] for row in await ledger(database, "owner, started_at")}
        assert len(owners) == 4

    async def test_calls_are_paced_one_by_one(self, database: Database, database_url: str) -> None:
        async with doors(database_url, 1, limits=Limits(6_000, 0)) as (door,):
            await _many(door, 20)
        began = await slots(database)
        assert min(later - earlier for earlier, later in pairwise(began)) >= 0.01 / HEADROOM - 1e-5

    async def test_only_slots_of_the_next_half_second_are_given(self, database: Database, database_url: str) -> None:
        async with doors(database_url, 1, limits=Limits(60, 0)) as (door,):
            first = await door.enter(plan())
            waiting = asyncio.create_task(door.enter(plan()))
            await until(lambda: len(door._line) == 1)
            await door.settle(first, DONE)
            assert len(await ledger(database)) == 1
            clock = (await bucket(database))["requests_tat"]
            assert (clock - (await ledger(database))[0]["started_at"]).total_seconds() == pytest.approx(1 / HEADROOM)
        with pytest.raises(Closed, match="shutting down"):
            await waiting

    async def test_zero_is_no_limit_and_leaves_the_shared_row_alone(
        self, database: Database, database_url: str
    ) -> None:
        async with doors(database_url, 2, limits=Limits(0, 0)) as fleet:
            await asyncio.gather(*(_many(door, 100) for door in fleet))
        row = await bucket(database)
        assert row["requests_tat"].year == row["tokens_tat"].year == 1  # -infinity
        assert len(await ledger(database)) == 200

    async def test_no_more_calls_are_in_flight_than_allowed(self, database_url: str) -> None:
        flying = most = 0
        async with doors(database_url, 1, concurrency=5, limits=Limits(0, 0)) as (door,):

            async def one() -> None:
                nonlocal flying, most
                permit = await door.enter(plan())
                flying += 1
                most = max(most, flying)
                await asyncio.sleep(0)
                flying -= 1
                await door.settle(permit, DONE)

            await asyncio.gather(*(one() for _ in range(60)))
            assert (await door.status()).in_flight == 0
        assert most == 5


class TestTokens:
    @pytest.mark.parametrize(
        ("provider", "result", "counted"),
        [
            ("openai", Result(CallOutcome.OK, 0.0, Tokens(150, 100, 0, 50)), 200),
            ("openai", Result(CallOutcome.OK, 0.0, Tokens(1500, 0, 0, 500)), 2000),
            ("anthropic", Result(CallOutcome.OK, 0.0, Tokens(150, 100, 0, 50)), 100),
            ("openai", failed(CallOutcome.SERVER_ERROR), 0),
            ("openai", failed(CallOutcome.TIMEOUT), 1000),
        ],
        ids=["refund", "charge", "cached is free", "refused", "unknown"],
    )
    async def test_the_estimate_is_corrected_to_what_the_vendor_counts(
        self, database: Database, database_url: str, provider: str, result: Result, counted: int
    ) -> None:
        async with doors(database_url, 1, provider=provider, limits=Limits(0, 60_000)) as (door,):
            await call(door, result, planned=plan(tokens=1000, provider=provider))
        (row,) = await ledger(database)
        clock = await database.fetchval("SELECT tokens_tat FROM llm_bucket")
        paid = (clock - row["started_at"]).total_seconds()
        assert paid == pytest.approx(counted / (1000 * HEADROOM), abs=1e-4)

    async def test_calls_wait_for_the_tokens_of_those_before(self, database: Database, database_url: str) -> None:
        async with doors(database_url, 2, limits=Limits(0, 600_000)) as fleet:
            permits = await asyncio.gather(*(door.enter(plan(tokens=1000)) for door in fleet for _ in range(3)))
            for number, permit in enumerate(permits):
                await fleet[number // 3].settle(permit, DONE)
        began = await slots(database)
        assert min(later - earlier for earlier, later in pairwise(began)) >= 0.1 / HEADROOM - 1e-5


class TestHold:
    async def test_retry_after_holds_every_replica_and_is_never_shortened(
        self, database: Database, database_url: str
    ) -> None:
        async with doors(database_url, 2) as (one, other):
            permits = [await one.enter(plan()) for _ in range(2)]
            await one.settle(permits[0], failed(LIMITED, retry_after=0.6))
            held = (await bucket(database))["hold_until"]
            await one.settle(permits[1], failed(LIMITED, retry_after=0.01))
            assert (await bucket(database))["hold_until"] == held
            await asyncio.gather(call(one), call(other))
        assert all(row["started_at"] >= held for row in (await ledger(database))[2:])

    async def test_without_retry_after_it_is_about_a_second(self, database: Database, database_url: str) -> None:
        async with doors(database_url, 1) as (door,):
            await call(door, failed(LIMITED))
        row = await bucket(database)
        assert 0.5 <= (row["hold_until"] - row["last_cut_at"]).total_seconds() <= 1.5

    async def test_a_very_long_hold_closes_the_door(self, database_url: str) -> None:
        async with doors(database_url, 2) as (one, other):
            await call(one, failed(LIMITED, retry_after=3600.0))
            reason = await closed(other)
        assert "takes no call" in reason.reason
        assert reason.retry_after == pytest.approx(3600, abs=60)

    async def test_nothing_remaining_holds_until_there_is_something_but_not_for_long(
        self, database: Database, database_url: str
    ) -> None:
        def told(reset: float) -> Result:
            return Result(
                CallOutcome.OK, 0.1, announced=Announced(requests_remaining=0, requests_reset=reset, tokens_remaining=5)
            )

        async with doors(database_url, 1) as (door,):
            await call(door, told(0.05))  # older than its own reset
            assert (await bucket(database))["hold_until"].year == 1
            await call(door, told(30.0))
            row = await bucket(database)
            assert (row["hold_until"] - row["updated_at"]).total_seconds() == pytest.approx(0.9, abs=1e-3)
            assert row["factor"] == 1


class TestFactor:
    async def test_many_calls_that_hit_one_wall_cut_the_rate_once(self, database: Database, database_url: str) -> None:
        async with doors(database_url, 3) as fleet:
            permits = [(door, await door.enter(plan())) for door in fleet for _ in range(4)]
            wall = failed(LIMITED, retry_after=0.01, latency_seconds=0.5)
            await asyncio.gather(*(door.settle(permit, wall) for door, permit in permits))
            assert (await bucket(database))["factor"] == pytest.approx(0.85)
            # More than a second later, but of calls that began before the cut:
            await set_bucket(database, "last_cut_at = last_cut_at - interval '2 s'")
            await call(fleet[0], failed(LIMITED, retry_after=0.01, latency_seconds=5.0))
            assert (await bucket(database))["factor"] == pytest.approx(0.85)
            await call(fleet[0], failed(LIMITED, retry_after=0.01))
            assert (await bucket(database))["factor"] == pytest.approx(0.85 * 0.85)

    async def test_it_grows_back_with_every_five_clean_seconds(self, database: Database, database_url: str) -> None:
        async with doors(database_url, 1) as (door,):
            await call(door, failed(LIMITED, retry_after=0.01))
            for seconds, factor in ((4, 0.85), (11, 0.89), (3600, 1.0)):
                await set_bucket(database, f"clean_since = now() - interval '{seconds} s', hold_until = now()")
                state = (await door.status()).shared
                assert state
                assert state.factor == pytest.approx(factor)
                assert state.effective_rpm == pytest.approx(60_000 * HEADROOM * factor)

    async def test_the_cut_rate_is_the_one_that_is_given_out(self, database: Database, database_url: str) -> None:
        async with doors(database_url, 1, limits=Limits(6_000, 0)) as (door,):
            await call(door, failed(LIMITED, retry_after=0.01))
            await set_bucket(database, "clean_since = now() + interval '1 hour', factor = 0.5")
            await _many(door, 10)
        began = (await slots(database))[1:]
        assert min(later - earlier for earlier, later in pairwise(began)) >= 0.02 / HEADROOM - 1e-5


class TestAnnounced:
    async def test_the_smaller_of_configured_and_announced_counts_and_later_news_win(
        self, database: Database, database_url: str
    ) -> None:
        async def effective(door: PostgresAdmission, **announced: Any) -> Any:
            await call(door, Result(CallOutcome.OK, 0.0, announced=Announced(**announced)))
            state = (await door.status()).shared
            assert state
            return state.effective_rpm, state.effective_tpm

        async with doors(database_url, 2, limits=Limits(60_000, 0)) as (one, other):
            assert await effective(one, requests_limit=30_000) == (pytest.approx(28_500), None)
            assert await effective(other) == (pytest.approx(28_500), None)
            assert await effective(other, tokens_limit=1e9) == (pytest.approx(28_500), pytest.approx(9.5e8))
            assert await effective(one, requests_limit=90_000) == (pytest.approx(57_000), pytest.approx(9.5e8))
            assert await effective(one, requests_limit=0) == (pytest.approx(57_000), pytest.approx(9.5e8))

    async def test_an_unlimited_model_obeys_what_it_announces(self, database: Database, database_url: str) -> None:
        async with doors(database_url, 2, limits=Limits(0, 0)) as (one, other):
            await call(one, Result(CallOutcome.OK, 0.0, announced=Announced(requests_limit=6_000)))
            await asyncio.gather(_many(one, 10), _many(other, 10))
        began = (await slots(database))[1:]
        assert min(later - earlier for earlier, later in pairwise(began)) >= 0.01 / HEADROOM - 1e-5

    async def test_the_status_shows_it(self, database_url: str) -> None:
        async with doors(database_url, 1, limits=Limits(600, 90_000)) as (door,):
            assert (await door.status()).shared is None
            permit = await door.enter(plan())
            status = await door.status()
            await door.settle(permit, DONE)
        assert (status.in_flight, status.waiting, status.hindrance) == (1, 0, "")
        assert status.shared
        assert (status.shared.key, status.shared.rpm, status.shared.tpm) == (f"openai/{MODEL}", 600, 90_000)
        assert (status.shared.in_flight, status.shared.switch, status.shared.breaker) == (1, "on", "closed")
