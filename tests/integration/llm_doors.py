"""Several doors to one model, each with connections of its own, as replicas have them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime
from typing import Any

from pydantic import SecretStr

from shared.database import Database
from shared.llm.admission import Budgets, Limits, PostgresAdmission
from shared.llm.calls import CallOutcome, Closed, Permit, Plan, Result, Tokens
from shared.runtime.clock import SystemClock
from shared.settings import DatabaseSettings

PROVIDER, MODEL = "openai", "gpt-4o-mini"
KEY = f"{PROVIDER}/{MODEL}"
DONE = Result(CallOutcome.OK, 0.01, Tokens(800, 0, 0, 200), 0.001)

OpenDoor = Callable[..., Any]


async def forget_calls(url: str) -> None:
    """Empty every table that doors write to."""
    async with Database(DatabaseSettings(url=SecretStr(url))) as database:
        for table in ("llm_call", "llm_bucket", "llm_budget", "llm_switch", "llm_cache"):
            await database.execute(f"DELETE FROM {table}")


def plan(question: str = "family", *, tokens: int = 1000, most: float = 0.002, provider: str = PROVIDER) -> Plan:
    return Plan(provider, MODEL, question, 15, tokens, most)


def failed(outcome: CallOutcome, **more: Any) -> Result:
    return Result(outcome, more.pop("latency_seconds", 0.0), **more)


@asynccontextmanager
async def doors(url: str, count: int, **terms: Any) -> AsyncIterator[list[PostgresAdmission]]:
    """`count` doors to the same model; `terms` as PostgresAdmission takes them."""
    async with AsyncExitStack() as stack:
        opened = []
        for number in range(count):
            settings = DatabaseSettings(url=SecretStr(url), pool_max=4)
            database = await stack.enter_async_context(Database(settings))
            usual: dict[str, Any] = {
                "provider": PROVIDER,
                "model": MODEL,
                "limits": Limits(60_000, 0),
                "concurrency": 64,
                "budgets": Budgets(),
                "owner": f"replica-{number}",
                "clock": SystemClock(),
            }
            opened.append(await stack.enter_async_context(PostgresAdmission(database, **usual | terms)))
        yield opened


async def call(door: PostgresAdmission, result: Result = DONE, *, planned: Plan | None = None) -> Permit:
    permit = await door.enter(planned or plan())
    await door.settle(permit, result)
    return permit


async def closed(door: PostgresAdmission, planned: Plan | None = None) -> Closed:
    """Why the door is closed; it has to be."""
    try:
        permit = await door.enter(planned or plan())
    except Closed as reason:
        return reason
    raise AssertionError(f"{permit} was let in")


async def bucket(database: Database) -> dict[str, Any]:
    row = await database.fetchrow("SELECT * FROM llm_bucket WHERE key = $1", KEY)
    assert row
    return dict(row)


async def set_bucket(database: Database, assignments: str) -> None:
    """Move the shared row to where the passing of time would have brought it."""
    await database.execute(f"UPDATE llm_bucket SET {assignments} WHERE key = $1", KEY)


async def ledger(database: Database, columns: str = "*") -> list[dict[str, Any]]:
    return [dict(row) for row in await database.fetch(f"SELECT {columns} FROM llm_call ORDER BY started_at")]


async def slots(database: Database) -> list[float]:
    """When each call began, in seconds."""
    return [_seconds(row["started_at"]) for row in await ledger(database, "started_at")]


async def budget(database: Database, scope: str, period: str = "total") -> Any:
    """What is reserved and what is spent. `period`: total, or day for whatever days there are."""
    row = await database.fetchrow(
        "SELECT sum(reserved_usd)::float8, sum(spent_usd)::float8 FROM llm_budget "
        "WHERE scope = $1 AND (period = 'total') = ($2 = 'total')",
        scope,
        period,
    )
    assert row
    return (row[0], row[1])


async def until(condition: Callable[[], bool]) -> None:
    """Let others run until `condition` holds."""
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 -- the condition belongs to the object under test
            await asyncio.sleep(0.001)


def _seconds(moment: datetime) -> float:
    return moment.timestamp()
