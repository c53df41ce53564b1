"""What people ask of the shared state: models, budgets, usage, switches; and the switch itself."""

from datetime import date, datetime
from typing import NamedTuple

from shared.database import Executor
from shared.llm.store import queries

EVERYTHING = "all"
"""The scope of a switch that covers every provider."""


class ModelState(NamedTuple):
    """One model for all replicas. Limits are a minute's; effective: what is used of them now, None: no limit."""

    key: str
    rpm: float
    announced_rpm: float | None
    effective_rpm: float | None
    tpm: float
    announced_tpm: float | None
    effective_tpm: float | None
    factor: float
    held_until: datetime | None
    breaker: str
    open_until: datetime | None
    switch: str
    in_flight: int
    calls_today: int
    spent_today_usd: float
    spent_total_usd: float
    cache_rows: int
    cache_hits: int


class BudgetState(NamedTuple):
    """One budget of today or of all time."""

    scope: str
    period: str
    limit_usd: float
    reserved_usd: float
    spent_usd: float
    left_usd: float | None
    warned_at: datetime | None


class UsageRow(NamedTuple):
    """A day's calls of one kind."""

    day: date
    provider: str
    model: str
    question: str
    outcome: str
    calls: int
    items: int
    tokens_in: int
    tokens_cached: int
    tokens_out: int
    cost_usd: float


class SwitchState(NamedTuple):
    """A switch that was touched at some time."""

    scope: str
    state: str
    reason: str
    changed_at: datetime


async def model_states(database: Executor, key: str | None = None) -> list[ModelState]:
    """Every model of which anything is known, or the one of `key`."""
    return [ModelState(*row) for row in await database.fetch(queries()["models"], key)]


async def budget_states(database: Executor) -> list[BudgetState]:
    """Today's budgets and those without an end."""
    return [BudgetState(*row) for row in await database.fetch(queries()["current_budgets"])]


async def usage(database: Executor, days: int) -> list[UsageRow]:
    """The ledger summed up, the newest day first."""
    return [UsageRow(*row) for row in await database.fetch(queries()["usage"], days)]


async def switches(database: Executor) -> list[SwitchState]:
    """Every switch that was ever touched; what has none is on."""
    return [SwitchState(*row) for row in await database.fetch(queries()["switches"])]


async def switch_off(database: Executor, scope: str, reason: str) -> None:
    """Nobody calls what `scope` covers (all, a provider, provider/model) after a second."""
    await database.execute(queries()["switch_off"], scope, reason)


async def switch_on(database: Executor, scope: str) -> list[str]:
    """Calls of what `scope` covers may be made again. Returns the scopes that were off."""
    return [row["scope"] for row in await database.fetch(queries()["switch_on"], scope)]
