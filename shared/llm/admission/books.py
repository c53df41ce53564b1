"""The statements behind the door: a lease and a sweep are one round trip, a settlement is two."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from shared.database import Database
from shared.llm.admission.settlement import Settlement
from shared.llm.admission.terms import Budgets, Limits
from shared.llm.calls import CallOutcome, Closed, Permit
from shared.llm.store import queries

HORIZON_SECONDS = 0.5
"""How far ahead slots are given: the further, the fewer leases, and the later a switch or a hold acts."""
ERROR_CHARACTERS = 500
UNUSED = "unused"


@dataclass(frozen=True, slots=True)
class Door:
    """Which model, with what limits, and who stands at it. `call_seconds`: a call that takes longer counts as lost."""

    provider: str
    model: str
    limits: Limits
    budgets: Budgets
    owner: str
    call_seconds: float

    @property
    def key(self) -> str:
        """The name of its row."""
        return f"{self.provider}/{self.model}"


class Turn(NamedTuple):
    """What becomes of one call: it begins after `delay`, or is `refused`, or waits on."""

    delay: float | None = None
    refused: Closed | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a lease brought. `turns` may be fewer than were asked for: the others come again after `pause`."""

    closed: Closed | None = None
    switched_off: bool = False
    turns: Sequence[Turn] = ()
    pause: float | None = None
    held: float = 0.0
    """Seconds that the vendor wants everybody to wait."""
    rpm: float | None = None
    """What may be used now; None: no limit."""
    tpm: float | None = None
    announced: tuple[float | None, float | None] = (None, None)
    factor: float = 1.0
    breaker: str = "closed"


class SpentBudget(NamedTuple):
    """A budget after a settlement."""

    scope: str
    period: str
    limit_usd: float
    spent_usd: float
    warned: bool


class Lost(NamedTuple):
    """Calls whose process died."""

    provider: str
    model: str
    question: str
    calls: int


@dataclass(frozen=True, slots=True)
class Signals:
    """What settlements tell about the vendor. `told` is what llm_heed takes."""

    told: dict[str, Any] = field(default_factory=dict)
    switch_off: str | None = None


class Books:
    """The shared tables as one door uses them."""

    def __init__(self, database: Database, door: Door) -> None:
        self._database = database
        self._door = door
        budgets = door.budgets
        limits = {"day": budgets.day_usd, "total": budgets.total_usd, "tasks": dict(budgets.tasks)}
        self._budgets = json.dumps(limits)
        told = {name: getattr(door, name) for name in ("key", "provider", "model", "owner", "call_seconds")}
        rates = {"rpm": door.limits.rpm, "tpm": door.limits.tpm, "horizon": HORIZON_SECONDS}
        self._terms = json.dumps(told | rates | {"budgets": limits})

    async def admit(self, permits: Sequence[Permit]) -> Verdict:
        """Take leases for `permits`, in their order. With none, only look. Raises TransientError."""
        calls = json.dumps([_asked(permit) for permit in permits])
        return self._verdict(json.loads(await self._database.fetchval(queries()["admit"], self._terms, calls)))

    async def settle(self, group: Sequence[Settlement], signals: Signals) -> list[SpentBudget]:
        """Write the ends of calls; durable when it returns, and harmless if it is repeated. Raises TransientError."""
        calls = json.dumps([_ended(one) for one in group])
        told = json.dumps(signals.told)
        rows = await self._database.fetch(queries()["settle"], self._terms, calls, told, signals.switch_off)
        await self._database.fetchval(queries()["flush"])
        return [SpentBudget(*row) for row in rows]

    async def sweep(self) -> list[Lost]:
        """Book what dead processes left open. Raises TransientError."""
        return [Lost(*row) for row in await self._database.fetch(queries()["sweep"], self._budgets)]

    def _verdict(self, answer: dict[str, Any]) -> Verdict:
        return Verdict(
            closed=self._closed(answer),
            switched_off="switched_off" in answer,
            turns=[_turn(turn) for turn in answer.get("turns") or ()],
            pause=answer.get("pause"),
            held=answer.get("held", 0.0),
            rpm=answer.get("rpm"),
            tpm=answer.get("tpm"),
            announced=(answer.get("announced_rpm"), answer.get("announced_tpm")),
            factor=answer.get("factor", 1.0),
            breaker=answer.get("breaker", "closed"),
        )

    def _closed(self, answer: dict[str, Any]) -> Closed | None:
        if "closed" not in answer:
            return None
        if scope := answer.get("switched_off"):
            who = "every language model is" if scope == "all" else f"{scope} is"
            return Closed(f"{who} switched off: {answer['closed'] or 'no reason given'}")
        seconds = answer["retry_after"]
        return Closed(f"{self._door.key} is failing; it is tried again in {max(seconds, 0):.0f} s", max(seconds, 0.0))


def _turn(turn: dict[str, Any]) -> Turn:
    if "refused" in turn:
        scope, period = turn["refused"].rsplit(" ", 1)
        whose = "the budget" if scope == "all" else f"the budget of {scope}"
        span = "for everything" if period == "total" else f"of {period}"
        return Turn(refused=Closed(f"{whose} {span} is spent: ${turn['limit']:g}", turn["retry_after"]))
    return Turn(delay=turn.get("delay"))


def _asked(permit: Permit) -> dict[str, Any]:
    plan = permit.plan
    return {
        "id": permit.id,
        "question": plan.question,
        "items": plan.items,
        "tokens": plan.tokens,
        "cost": plan.max_cost_usd,
    }


def _ended(settlement: Settlement) -> dict[str, Any]:
    plan, result = settlement.permit.plan, settlement.result
    known = {"id": settlement.permit.id, "question": plan.question, "items": plan.items, "tokens": plan.tokens}
    if result is None:
        return known | {"outcome": UNUSED}
    lost = result.outcome is CallOutcome.LOST
    return known | {
        "max_cost": plan.max_cost_usd,
        "outcome": result.outcome.value,
        "tokens_in": result.tokens.input,
        "tokens_cached": result.tokens.cached,
        "tokens_cache_written": result.tokens.cache_written,
        "tokens_out": result.tokens.output,
        "cost": max(result.cost_usd, plan.max_cost_usd) if lost else result.cost_usd,
        "latency": result.latency_seconds,
        "request_id": _text(result.request_id),
        "error": _text(result.error),
    }


def _text(value: str) -> str:
    """Short, and without what a text column refuses."""
    return value[:ERROR_CHARACTERS].replace("\0", "").encode(errors="replace").decode()
