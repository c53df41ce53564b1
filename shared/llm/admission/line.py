"""Callers in line, and the one task that takes leases for them from the shared limiter."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from random import Random

from shared.errors import SluiceError, TransientError
from shared.llm.admission.books import HORIZON_SECONDS, Verdict
from shared.llm.calls import PATIENCE_SECONDS, Closed, Permit
from shared.runtime.clock import Clock

LEASE_CALLS = 8
LEASE_SPAN_SECONDS = 0.05
"""At high rates a lease takes as many calls as begin within this: its cost hardly depends on what it holds."""
UNLIMITED_LEASE_CALLS = 64
LOOK_SECONDS = 0.5
"""How often callers in line hear of the switch, whatever they wait for."""

Admit = Callable[[Sequence[Permit]], Awaitable[Verdict]]


@dataclass(frozen=True, slots=True, eq=False)
class Waiter:
    """A caller in line. `turn` brings the seconds until its call may begin."""

    permit: Permit
    turn: "asyncio.Future[float]"


class Line:
    """First come, first served, at most `concurrency` calls in flight. Nobody is in flight until they have a lease."""

    def __init__(
        self, admit: Admit, give_back: Callable[[Permit], None], concurrency: int, clock: Clock, jitter: Random
    ) -> None:
        self._admit = admit
        self._give_back = give_back
        self._concurrency = concurrency
        self._clock = clock
        self._jitter = jitter
        self._waiting: deque[Waiter] = deque()
        self._lease_calls = LEASE_CALLS
        self._arrived, self._freed = asyncio.Event(), asyncio.Event()
        self.closing = asyncio.Event()
        self.in_flight = 0

    def __len__(self) -> int:
        return sum(not waiter.turn.done() for waiter in self._waiting)

    def join(self, permit: Permit) -> Waiter:
        """Stand in line."""
        waiter = Waiter(permit, asyncio.get_running_loop().create_future())
        self._waiting.append(waiter)
        self._arrived.set()
        return waiter

    def leave(self) -> None:
        """A call is over."""
        self.in_flight -= 1
        self._freed.set()

    def close(self) -> None:
        """Let nobody in any more."""
        for event in (self.closing, self._arrived, self._freed):
            event.set()
        self.turn_away(Closed("shutting down"))

    def turn_away(self, reason: Closed | SluiceError) -> None:
        """Tell everybody in line that there is no call for them."""
        waiting, self._waiting = self._waiting, deque()
        for waiter in waiting:
            _refuse(waiter, reason)

    async def run(self) -> None:
        """Serve until closed."""
        while not self.closing.is_set():
            if not self._waiting:
                self._arrived.clear()
                await self._arrived.wait()
            elif self.in_flight >= self._concurrency:
                await self._stand_by()
            else:
                await self._rest(await self._serve(self._lease_calls))

    async def _rest(self, seconds: float) -> None:
        if seconds > 0:
            await self._clock.wait(seconds, self.closing)

    async def _stand_by(self) -> None:
        """Every place is taken: wait for one, and hear of the switch meanwhile."""
        self._freed.clear()
        await self._clock.wait(LOOK_SECONDS, self._freed)
        if not self._freed.is_set():
            await self._serve(0)

    async def _serve(self, most: int) -> float:
        """Take a lease for the first in line. Returns the seconds until it makes sense to ask again."""
        asked = self._first(min(most, self._concurrency - self.in_flight))
        try:
            verdict = await self._admit([waiter.permit for waiter in asked])
        except Exception as error:  # whatever it is, nobody may be left standing
            self._waiting.extendleft(reversed(asked))
            self.turn_away(error if isinstance(error, SluiceError) else TransientError(f"no lease: {error!r}"))
            return 0.0
        self._deal(asked, verdict)
        return self._until_next(verdict)

    def _first(self, most: int) -> list[Waiter]:
        asked: list[Waiter] = []
        while self._waiting and len(asked) < most:
            waiter = self._waiting.popleft()
            if not waiter.turn.done():
                asked.append(waiter)
        return asked

    def _deal(self, asked: Sequence[Waiter], verdict: Verdict) -> None:
        self._waiting.extendleft(reversed(asked[len(verdict.turns) :]))
        for waiter, turn in zip(asked, verdict.turns, strict=False):
            if turn.delay is not None:
                self._grant(waiter, turn.delay)
            elif turn.refused is not None:
                _refuse(waiter, turn.refused)
            else:
                self._waiting.append(waiter)  # its budget is promised to others for now: let those pass who have one
        if verdict.closed is not None:
            self.turn_away(verdict.closed)
        elif verdict.held > PATIENCE_SECONDS:
            self.turn_away(Closed(f"the vendor takes no call for {verdict.held:.0f} s", verdict.held))
        elif self.closing.is_set():
            self.turn_away(Closed("shutting down"))

    def _grant(self, waiter: Waiter, delay: float) -> None:
        if waiter.turn.done():
            self._give_back(waiter.permit)
            return
        self.in_flight += 1
        waiter.turn.set_result(delay)

    def _until_next(self, verdict: Verdict) -> float:
        """Replicas ask again at different moments, all of them before the slots given out so far are used up."""
        rate = verdict.rpm
        if rate is None:
            self._lease_calls = UNLIMITED_LEASE_CALLS if verdict.tpm is None else LEASE_CALLS
        else:
            self._lease_calls = max(LEASE_CALLS, int(rate / 60 * LEASE_SPAN_SECONDS))
        if verdict.pause is None:
            return 0.0
        ahead = HORIZON_SECONDS * self._jitter.uniform(0.3, 0.7)
        return min(LOOK_SECONDS, verdict.pause - ahead if verdict.pause > HORIZON_SECONDS else verdict.pause)


def _refuse(waiter: Waiter, reason: Closed | SluiceError) -> None:
    if waiter.turn.done():
        return
    same = Closed(reason.reason, reason.retry_after) if isinstance(reason, Closed) else _again(reason)
    waiter.turn.set_exception(same)
    waiter.turn.exception()  # seen: a caller that has gone leaves no noise behind


def _again(error: SluiceError) -> SluiceError:
    """The same for each caller: an exception that many raise would collect their tracebacks."""
    return TransientError(str(error), retry_after=getattr(error, "retry_after", None))
