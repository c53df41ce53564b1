"""A vendor's model as a provider of answers."""

import asyncio
import random
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any, Protocol, Self

from shared.errors import TransientError, Unavailable, UsageError
from shared.llm.calling import Caller
from shared.llm.calls import Admission, Vendor
from shared.llm.desk import AskingLimits, Desk
from shared.llm.gateway import Down, Provider
from shared.llm.memory import Memory
from shared.llm.pricing import Prices
from shared.llm.question import Answer, Question
from shared.llm.store import AnswerStore
from shared.runtime.clock import Clock
from shared.runtime.outcome import Usage


class OpenAdmission(Admission, Protocol):
    """An admission that works inside its context."""

    async def __aenter__(self) -> Self:
        """Take up work."""

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Book what is open, and stop."""

    def drain(self) -> None:
        """Let no new call pass."""


class VendorLimits(AskingLimits, Protocol):
    """How a vendor is asked; the settings have this form."""

    @property
    def attempts(self) -> int:
        """Calls tried before a group is given up."""

    @property
    def timeout_seconds(self) -> float:
        """Longest wait for the answer to a call."""

    @property
    def cache_entries(self) -> int:
        """Answers kept in memory."""


class VendorProvider(Provider):
    """Answers questions by one vendor's model. Open inside its context.

    The vendor is made when the first question comes: its SDK takes a second and tens of megabytes to load.
    """

    def __init__(  # noqa: PLR0913 -- the wiring of a provider; everything is injected
        self,
        make_vendor: Callable[[], Vendor],
        admission: OpenAdmission,
        store: AnswerStore,
        prices: Prices,
        limits: VendorLimits,
        *,
        clock: Clock,
        jitter: random.Random,
        deadline_seconds: float,
        place: str = "",
    ) -> None:
        self._make_vendor = make_vendor
        self._vendor: Vendor | None = None
        self._making = asyncio.Lock()
        self._admission = admission
        self._store = store
        self._prices = prices
        self._limits = limits
        self._clock = clock
        self._jitter = jitter
        self._deadline = deadline_seconds
        self._place = place
        self._memory = Memory(limits.cache_entries if limits.cache else 0)
        self._desks: dict[str, Desk] = {}
        self._draining = False
        self._open = AsyncExitStack()

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self._close)
            await stack.enter_async_context(self._store)
            await stack.enter_async_context(self._admission)
            stack.push_async_callback(self._finish)
            self._open = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._open.aclose()

    def drain(self) -> None:
        """Make no new calls; those in flight may finish."""
        self._draining = True
        self._admission.drain()
        for desk in self._desks.values():
            desk.drain()

    async def answer(self, question: Question[Any, Any], facts: Sequence[Any]) -> Sequence[Answer[Any] | Down]:
        """One answer for each of `facts`, in order. Raises Unavailable if the database is away: no item is to blame."""
        if question.prompt is None:
            return [Answer(None, reason=f"no language model can be asked {question.name}")] * len(facts)
        if question.name not in self._desks:
            vendor = await self._made()
            if problem := self._unpriced(vendor):
                return [Answer(None, reason=problem)] * len(facts)
            self._desks.setdefault(question.name, self._desk(question, vendor))
        desk = self._desks[question.name]
        if self._draining:
            desk.drain()
        try:
            return await desk.answer(facts)
        except TransientError as error:
            raise Unavailable(str(error), retry_after=error.retry_after) from error

    def take_back(self, question: Question[Any, Any], fact: Any, usage: Usage) -> None:
        """Send the bill again with the next answer about `fact`."""
        if question.name in self._desks:
            self._desks[question.name].take_back(fact, usage)

    def _unpriced(self, vendor: Vendor) -> str:
        """What is wrong with a model that a request chose: those that settings choose are looked at before."""
        try:
            self._prices.check(vendor.provider, vendor.model)
        except UsageError as error:
            return " ".join(str(error).split())
        return ""

    async def _made(self) -> Vendor:
        """The vendor. Its SDK loads in a thread, so that heartbeats go on."""
        async with self._making:
            if self._vendor is None:
                self._vendor = await asyncio.to_thread(self._make_vendor)
        return self._vendor

    async def _close(self) -> None:
        if self._vendor:
            await self._vendor.close()

    async def _finish(self) -> None:
        self.drain()
        await asyncio.gather(*(desk.finish() for desk in self._desks.values()))

    def _desk(self, question: Question[Any, Any], vendor: Vendor) -> Desk:
        caller = Caller(
            vendor,
            self._admission,
            self._prices,
            question,
            attempts=self._limits.attempts,
            timeout_seconds=self._limits.timeout_seconds,
            clock=self._clock,
            jitter=self._jitter,
        )
        return Desk(
            question,
            vendor,
            caller,
            self._store,
            self._memory,
            self._limits,
            deadline_seconds=self._deadline,
            place=self._place,
        )
