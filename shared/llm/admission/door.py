"""The admission to one model, on Postgres."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from random import Random
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

from shared.database import Database
from shared.llm.admission.books import Books, Door, Signals, Verdict
from shared.llm.admission.breaker import Breaker
from shared.llm.admission.line import Line, Waiter
from shared.llm.admission.measure import DoorMetrics, note_budgets, note_lost
from shared.llm.admission.misconfigured import Misconfiguration
from shared.llm.admission.reading import ModelState, model_states
from shared.llm.admission.settlement import Settlement, what_they_tell
from shared.llm.admission.settling import Settling
from shared.llm.admission.terms import BreakerPolicy, Budgets, Limits
from shared.llm.calls import CallOutcome, Closed, Permit, Plan, Result
from shared.runtime.clock import Clock

SWEEP_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Status:
    """How the door stands: in this process, and for all replicas (None before anybody has called)."""

    in_flight: int
    waiting: int
    hindrance: str
    """Why this process calls nobody: a key or a model that the vendor refuses."""
    shared: ModelState | None


class PostgresAdmission:
    """Lets calls to one model pass, and books them. Works inside its context; every permit must be settled.

    `owner` names this process in the ledger. A call without an end `call_seconds` after it began counts as lost.
    """

    def __init__(  # noqa: PLR0913 -- the wiring of a door; everything is injected
        self,
        database: Database,
        *,
        provider: str,
        model: str,
        limits: Limits,
        concurrency: int,
        budgets: Budgets,
        owner: str,
        clock: Clock,
        call_seconds: float = 180.0,
        breaker: BreakerPolicy | None = None,
        jitter: Random | None = None,
        new_id: Callable[[], str] = lambda: str(uuid4()),
    ) -> None:
        self._door = Door(provider, model, limits, budgets, owner, call_seconds)
        self._database = database
        self._books = Books(database, self._door)
        self._clock = clock
        self._policy = breaker or BreakerPolicy()
        self._breaker = Breaker(self._policy)
        self._wrong = Misconfiguration(provider, model)
        self._jitter = jitter or Random()  # noqa: S311 -- spreads replicas, guards nothing
        self._new_id = new_id
        self._metrics = DoorMetrics(provider, model)
        self._line = Line(self._admit, self._void, concurrency, clock, self._jitter)
        self._settling = Settling(self._write, clock)
        self._seen = Verdict()
        self._probe = ""
        self._swept_at = float("-inf")
        self._began: dict[str, float] = {}
        self._reaching = 0
        self._one_less = asyncio.Event()
        self._open = AsyncExitStack()

    async def __aenter__(self) -> Self:
        tasks = [asyncio.create_task(work.run()) for work in (self._settling, self._line)]
        self._open.push_async_callback(self._stop, tasks)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._open.aclose()

    def drain(self) -> None:
        """Let no new call pass, and tell those in line. Calls in flight are still settled."""
        self._line.close()

    async def enter(self, plan: Plan) -> Permit:
        """Wait for the turn of a call. Raises Closed, and TransientError if the database is away."""
        if self._line.closing.is_set():
            raise Closed("shutting down")
        began = self._clock.monotonic()
        self._wrong.check(began)
        waiter = self._line.join(Permit(self._new_id(), plan))
        self._reaching += 1
        try:
            await self._reach(waiter)
        except asyncio.CancelledError:
            self._withdraw(waiter)
            raise
        finally:
            self._reaching -= 1
            self._one_less.set()
        now = self._began[waiter.permit.id] = self._clock.monotonic()
        self._metrics.wait.observe(now - began)
        self._metrics.in_flight.inc()
        return waiter.permit

    async def settle(self, permit: Permit, result: Result) -> None:
        """Book the end of a call: returns when it is durable. Raises TransientError."""
        now = self._clock.monotonic()
        began = self._began.pop(permit.id, None)
        if began is not None:
            self._line.leave()
            self._metrics.in_flight.dec()
            self._metrics.ended(permit.plan, result)
        tripped = self._learn(result, now if began is None else began, now)
        settlement = Settlement(permit, result, asyncio.get_running_loop().create_future(), tripped)
        self._settling.post(settlement)
        await asyncio.shield(settlement.written)

    async def status(self) -> Status:
        """How the door stands now. Raises TransientError."""
        shared = await model_states(self._database, self._door.key)
        return Status(self._line.in_flight, len(self._line), self._wrong.reason, shared[0] if shared else None)

    # --- a turn --------------------------------------------------------------------------------

    async def _reach(self, waiter: Waiter) -> None:
        delay = await waiter.turn
        if delay > 0:
            await self._clock.wait(delay, self._line.closing)
        if self._line.closing.is_set():
            self._abandon(waiter.permit)
            raise Closed("shutting down")

    def _withdraw(self, waiter: Waiter) -> None:
        """The caller has gone: out of the line, or the lease goes unused."""
        if not waiter.turn.done():
            waiter.turn.cancel()
        elif not waiter.turn.cancelled() and waiter.turn.exception() is None:
            self._abandon(waiter.permit)

    def _abandon(self, permit: Permit) -> None:
        self._line.leave()
        self._void(permit)

    def _void(self, permit: Permit) -> None:
        """Give back what a call that is never made has reserved."""
        self._settling.post(Settlement(permit, None, asyncio.get_running_loop().create_future()))

    async def _admit(self, permits: Sequence[Permit]) -> Verdict:
        await self._sweep()
        verdict = await self._books.admit(permits)
        self._metrics.verdict(verdict)
        if not verdict.switched_off:
            self._seen = verdict
        if verdict.breaker != "closed":
            self._breaker.forget(self._clock.monotonic())
            granted = [
                permit.id for permit, turn in zip(permits, verdict.turns, strict=False) if turn.delay is not None
            ]
            self._probe = next(iter(granted), self._probe)
        return verdict

    async def _sweep(self) -> None:
        """Before a lease, now and then: what dead processes hold of the budgets is needed."""
        now = self._clock.monotonic()
        if now - self._swept_at >= SWEEP_SECONDS:
            note_lost(await self._books.sweep())
            self._swept_at = now

    # --- an end --------------------------------------------------------------------------------

    def _learn(self, result: Result, began: float, now: float) -> bool:
        """Note what concerns this process. True if the breaker has to open."""
        if self._wrong.record(result.outcome, result.error, began, now):
            self._line.turn_away(self._wrong.closed(now))
        return self._breaker.record(result.outcome, began, now)

    async def _write(self, group: Sequence[Settlement]) -> None:
        note_budgets(await self._books.settle(group, Signals(self._told(group), self._quota(group))))

    def _told(self, group: Sequence[Settlement]) -> dict[str, Any]:
        seen = self._seen
        told = what_they_tell(
            group,
            limited_tokens=seen.tpm is not None,
            announced=seen.announced,
            probe=self._probe,
            jitter=self._jitter,
        )
        policy = {"probe_seconds": self._policy.probe_seconds, "probe_cap": self._policy.longest_seconds}
        return told | policy if told else told

    def _quota(self, group: Sequence[Settlement]) -> str | None:
        """Why nobody shall call this provider until a person has acted."""
        provider = self._door.provider
        for one in group:
            if one.result and one.result.outcome is CallOutcome.OUT_OF_QUOTA:
                said = f" ({one.result.error[:200]})" if one.result.error else ""
                return f"its quota or credit is used up{said}. Raise it there, then run `sluice llm resume {provider}`"
        return None

    async def _stop(self, tasks: Sequence["asyncio.Task[None]"]) -> None:
        settling, line = tasks
        self._line.close()
        await line
        while self._reaching:  # they have been told; each gives its lease back as soon as it runs
            self._one_less.clear()
            await self._one_less.wait()
        self._settling.close()
        await settling
