"""Language models: how they stand, and what was spent."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import RenderableType

from shared.database import Database
from shared.llm.admission.reading import (
    BudgetState,
    ModelState,
    SwitchState,
    UsageRow,
    budget_states,
    model_states,
    switches,
)
from shared.terminal.printing import table

LIMITS = ("model", "limit", "configured", "announced", "in use", "factor")
HEALTH = ("model", "switch", "breaker", "held until", "in flight", "calls today", "today", "in total", "cached", "hits")
BUDGETS = ("budget", "period", "limit", "spent", "in flight", "left", "80 % passed at")
USAGE = (
    "day",
    "provider",
    "model",
    "question",
    "outcome",
    "calls",
    "items",
    "tokens in",
    "cached",
    "tokens out",
    "cost",
)
NO_LIMIT = "none"


@dataclass(frozen=True, slots=True)
class LlmStatus:
    """What `sluice llm status` shows."""

    models: Sequence[ModelState]
    budgets: Sequence[BudgetState]
    switches: Sequence[SwitchState]

    def as_json(self) -> dict[str, Any]:
        """One object, a key a section."""
        return {
            "models": [row._asdict() for row in self.models],
            "budgets": [row._asdict() for row in self.budgets],
            "switches": [row._asdict() for row in self.switches],
        }

    def as_tables(self) -> list[RenderableType]:
        """The sections in the order in which one asks."""
        off = [(row.scope, row.reason, row.changed_at) for row in self.switches if row.state == "off"]
        return [
            table("Models", HEALTH, [_health(row) for row in self.models]),
            table("Limits a minute", LIMITS, [line for row in self.models for line in _limits(row)]),
            table("Budgets", BUDGETS, [_budget(row) for row in self.budgets]),
            table("Paused", ("what", "reason", "since"), off),
        ]


async def gather(database: Database) -> LlmStatus:
    """Ask for every section."""
    return LlmStatus(await model_states(database), await budget_states(database), await switches(database))


def usage_tables(rows: Sequence[UsageRow]) -> list[RenderableType]:
    """One line a kind of call, and what they come to."""
    cells = [(*row[:-1], dollars(row.cost_usd)) for row in rows]
    total = dollars(sum(row.cost_usd for row in rows))
    calls = sum(row.calls for row in rows)
    return [table("Usage", USAGE, cells), *([table("In total", ("calls", "cost"), [(calls, total)])] if rows else [])]


def dollars(amount: float | None) -> str | None:
    """$0.0012: calls cost fractions of a cent."""
    return None if amount is None else f"${amount:,.4f}"


def _health(row: ModelState) -> list[object]:
    breaker = f"{row.breaker} until" if row.open_until else row.breaker
    return [
        row.key,
        row.switch,
        breaker + (f" {row.open_until:%H:%M:%S}Z" if row.open_until else ""),
        row.held_until,
        row.in_flight,
        row.calls_today,
        dollars(row.spent_today_usd),
        dollars(row.spent_total_usd),
        row.cache_rows,
        row.cache_hits,
    ]


def _limits(row: ModelState) -> list[list[object]]:
    kinds = {
        "requests": (row.rpm, row.announced_rpm, row.effective_rpm),
        "tokens": (row.tpm, row.announced_tpm, row.effective_tpm),
    }
    return [
        [row.key, kind, configured or NO_LIMIT, announced, NO_LIMIT if used is None else used, row.factor]
        for kind, (configured, announced, used) in kinds.items()
    ]


def _budget(row: BudgetState) -> list[object]:
    limit = dollars(row.limit_usd) if row.limit_usd else NO_LIMIT
    spent, reserved = dollars(row.spent_usd), dollars(row.reserved_usd)
    return [row.scope, row.period, limit, spent, reserved, dollars(row.left_usd), row.warned_at]
