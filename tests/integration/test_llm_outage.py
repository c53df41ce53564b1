"""The database goes away with calls in flight: no answer is paid for twice, and the books are exact once it is back."""

import asyncio
import random
from urllib.parse import urlsplit, urlunsplit

import pytest
from pydantic import SecretStr

from shared.database import Database
from shared.errors import Unavailable
from shared.llm.admission import Budgets, Limits, PostgresAdmission
from shared.llm.admission.settling import FIRST_PAUSE_SECONDS
from shared.llm.gateway import Answer, Down
from shared.llm.store import AnswerStore
from shared.llm.vendor_provider import VendorProvider
from shared.runtime.clock import SystemClock
from shared.settings import DatabaseSettings
from tests.contract.proxy import Door
from tests.contract.waiting import eventually
from tests.integration.llm_doors import budget, ledger
from tests.integration.test_llm_desk import PRICES
from tests.integration.test_llm_desk import Limits as AskingLimits
from tests.unit.llm.scripted import LENGTH, ScriptedVendor, Word

CALLS = 12


class CountingClock(SystemClock):
    """Remembers what was waited for."""

    def __init__(self) -> None:
        self.waits: list[float] = []

    async def wait(self, seconds: float, until: asyncio.Event) -> None:
        self.waits.append(seconds)
        await super().wait(seconds, until)


async def test_calls_in_flight_outlast_the_database(database: Database, database_url: str) -> None:
    url, clock, gate = urlsplit(database_url), CountingClock(), asyncio.Event()
    vendor, words = ScriptedVendor(gate=gate), [Word(text="x" * (number + 1)) for number in range(CALLS)]
    async with Door(url.hostname or "", url.port or 5432) as door:
        through = urlunsplit(url._replace(netloc=url.netloc.replace(f":{url.port}", f":{door.port}")))
        async with (
            Database(DatabaseSettings(url=SecretStr(through), pool_max=4)) as away,
            _provider(away, vendor, clock) as provider,
        ):
            asked = asyncio.create_task(provider.answer(LENGTH, words))
            await eventually(lambda: _made(vendor), "all calls")
            await door.shut()
            with pytest.raises(Unavailable):
                await provider.answer(LENGTH, [Word(text="new")])
            gate.set()
            await eventually(lambda: _tried(clock), "a booking that fails")
            await door.open()
            answers = await asked
            assert await _lengths(answers) == [number + 1 for number in range(CALLS)]
            assert len(vendor.requests) == CALLS
        rows = await ledger(database, "outcome, cost_usd::float8 AS cost")
        assert [row["outcome"] for row in rows] == ["ok"] * CALLS
        billed = sum(answer.usage.cost_usd for answer in answers if isinstance(answer, Answer))
        assert billed == pytest.approx(sum(row["cost"] for row in rows))
        assert await budget(database, "all") == (0.0, pytest.approx(billed))
        assert await database.fetchval("SELECT count(*) FROM llm_cache") == CALLS


def _provider(database: Database, vendor: ScriptedVendor, clock: CountingClock) -> VendorProvider:
    admission = PostgresAdmission(
        database,
        provider="local",
        model="parrot-1",
        limits=Limits(),
        concurrency=CALLS,
        budgets=Budgets(day_usd=100),
        owner="one",
        clock=clock,
    )
    return VendorProvider(
        lambda: vendor,
        admission,
        AnswerStore(database, "one"),
        PRICES,
        AskingLimits(batch_items=1),
        clock=clock,
        jitter=random.Random(1),
        deadline_seconds=30.0,
    )


async def _made(vendor: ScriptedVendor) -> bool:
    return len(vendor.requests) == CALLS


async def _tried(clock: CountingClock) -> bool:
    return FIRST_PAUSE_SECONDS in clock.waits


async def _lengths(answers: object) -> list[int | None]:
    assert isinstance(answers, list)
    assert not any(isinstance(answer, Down) for answer in answers), answers
    return [answer.value.letters if answer.value else None for answer in answers]
