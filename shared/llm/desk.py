"""One question at one model: each distinct item is asked once, by whoever comes first.

The way of an item: identity → key → memory → asked in this process already → answers in Postgres → asked by another
replica already → a call, together with others.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Protocol

import structlog

from schemas.base import Contract
from shared.errors import SluiceError, TransientError
from shared.llm.batching import Batcher
from shared.llm.calling import Caller, Item
from shared.llm.calls import Vendor
from shared.llm.gateway import Down
from shared.llm.keys import Keys
from shared.llm.memory import Memory
from shared.llm.question import Answer, Question
from shared.llm.store import AnswerStore, Kept
from shared.runtime.outcome import Usage
from shared.telemetry import metrics

log = structlog.get_logger()

POLL_SECONDS = 0.1
"""How often we look whether another replica has its answer."""


class AskingLimits(Protocol):
    """How questions are asked; the settings have this form."""

    @property
    def batch_items(self) -> int:
        """Most items of a call."""

    @property
    def batch_tokens(self) -> int:
        """Most tokens of a call's items."""

    @property
    def linger_ms(self) -> int:
        """Longest wait of an item for company."""

    @property
    def temperature(self) -> float:
        """How freely the model answers."""

    @property
    def cache(self) -> bool:
        """Whether answers are kept and used again."""

    @property
    def coalesce(self) -> bool:
        """Whether equal questions in flight share one call."""


DRAIN_SECONDS = 15.0
MOST_BILLS = 100_000
"""Kept for whoever comes back for the answer; nobody does if the partition has moved."""
DRAINING = Down("this process is stopping", 0.0, comes=True)


@dataclass(frozen=True, slots=True)
class Found:
    """What came of a question about an item: a reply, or why there is none."""

    reply: Contract | None = None
    reason: str = ""
    down: Down | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """A question about one thing that somebody waits for."""

    key: bytes
    facts: Any
    found: asyncio.Future[Found]


class Desk:
    """Answers one question by one model. `deadline_seconds`: longest stay in `answer`; `place`: see Keys."""

    def __init__(  # noqa: PLR0913 -- the wiring of a desk; everything is injected
        self,
        question: Question[Any, Any],
        vendor: Vendor,
        caller: Caller,
        store: AnswerStore,
        memory: Memory,
        limits: AskingLimits,
        *,
        deadline_seconds: float,
        place: str = "",
    ) -> None:
        if question.prompt is None:
            raise LookupError(f"no language model can be asked {question.name}")
        self._question = question.name
        self._prompt = question.prompt
        self._vendor = vendor
        self._caller = caller
        self._store = store
        self._memory = memory
        self._limits = limits
        self._deadline = deadline_seconds
        self._keys = Keys(question, vendor.provider, vendor.model, limits.temperature, place)
        self._batcher = Batcher(self._send, limits.batch_items, limits.batch_tokens, limits.linger_ms / 1000)
        self._asking: dict[bytes, Entry] = {}
        self._called: dict[Item, Entry] = {}
        self._bills: dict[bytes, Usage] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._draining = False

    async def answer(self, facts: Sequence[Any]) -> Sequence[Answer[Any] | Down]:
        """One answer for each of `facts`. Raises TransientError if the database is away.

        What is not answered by the deadline goes on being asked, and is there when the same is asked again.
        """
        entries = self._entries(facts)
        waiting = {entry.found for entry in entries if not entry.found.done()}
        if waiting:
            await asyncio.wait(waiting, timeout=self._deadline)
        late = Found(down=Down(f"{self._name} is still at it; the answers so far are kept", 0.0, comes=True))
        found = [entry.found.result() if entry.found.done() else late for entry in entries]
        return [self._answer(entry, item, one) for entry, item, one in zip(entries, facts, found, strict=True)]

    def take_back(self, fact: Any, usage: Usage) -> None:
        """Send the bill again with the next answer about `fact`."""
        if usage.tokens_in or usage.tokens_out:
            self._owe(self._keys.of(self._prompt.identity(fact)), usage)

    def drain(self) -> None:
        """Begin nothing new; whoever waits gets what comes within a moment, and leaves the rest to the next owner."""
        if not self._draining:
            self._draining = True
            asyncio.get_running_loop().call_later(DRAIN_SECONDS, self._abandon)

    def _abandon(self) -> None:
        for entry in list(self._asking.values()):
            self._settle(entry, Found(down=DRAINING))

    async def finish(self) -> None:
        """Return when every call in flight has ended."""
        await self._batcher.finish()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def _name(self) -> str:
        return f"{self._vendor.provider} ({self._vendor.model})"

    # --- what is asked, and what comes of it ----------------------------------------------------

    def _entries(self, facts: Sequence[Any]) -> list[Entry]:
        """One entry for each of `facts`; equal ones share one, also with whoever is asking already."""
        known: dict[bytes, Entry] = {}
        entries, new = list[Entry](), list[Entry]()
        for item in facts:
            key = self._keys.of(self._prompt.identity(item))
            entry = (known.get(key) or self._asking.get(key)) if self._limits.coalesce else None
            if entry:
                metrics.LLM_COALESCED.labels(self._question).inc()
            else:
                entry = Entry(key, item, asyncio.get_running_loop().create_future())
                if (reply := self._memory.get(key)) is not None:
                    metrics.LLM_CACHE_HITS.labels(self._question, "memory").inc()
                    entry.found.set_result(Found(reply))
                else:
                    new.append(entry)
            known[key] = entry
            entries.append(entry)
        self._begin(new)
        return entries

    def _begin(self, new: Sequence[Entry]) -> None:
        """Find answers in a task of its own: others may come to wait for them, so it outlives whoever asked first."""
        if not new:
            return
        self._asking |= {entry.key: entry for entry in new}
        task = asyncio.create_task(self._resolve(new))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _answer(self, entry: Entry, item: Any, found: Found) -> Answer[Any] | Down:
        """The answer, with the bill if it is the first one about its key."""
        if found.down:
            return found.down
        free = Usage(provider=self._vendor.provider, model=self._vendor.model)
        return self._accepted(item, found, self._bills.pop(entry.key, free))

    def _accepted(self, item: Any, found: Found, usage: Usage) -> Answer[Any]:
        if found.reply is None:
            return Answer(None, usage, reason=f"{self._name}: {found.reason}")
        try:
            return Answer(self._prompt.accept(item, found.reply), usage)
        except ValueError as error:
            return Answer(None, usage, reason=f"{self._name}: {error}")

    # --- from keys to replies -------------------------------------------------------------------

    async def _resolve(self, entries: Sequence[Entry]) -> None:
        try:
            if not self._limits.cache:
                self._call(entries)
            elif self._limits.coalesce:
                await self._share(entries)
            else:
                self._call(await self._uncached(entries))
        except Exception as error:
            if not isinstance(error, TransientError):
                log.exception("asking failed", question=self._question)
            calling = set(self._called.values())  # these go on: failed now, they would be asked and paid for twice
            failed = [entry for entry in entries if entry not in calling]
            self._store.forget(entry.key for entry in failed)
            for entry in failed:
                self._fail(entry, error)

    async def _share(self, entries: Sequence[Entry]) -> None:
        """Call what nobody claims, and wait for what another replica is asking."""
        left = await self._uncached(entries)
        while left:
            claimed = await self._store.claim([entry.key for entry in left])
            mine = [entry for entry in left if entry.key in claimed]
            uncached = await self._uncached(mine)  # others may have been answered between our look and our claim
            self._call(uncached)
            if answered := claimed - {entry.key for entry in uncached}:
                await self._store.free(list(answered))
            left = [entry for entry in left if entry.key not in claimed]
            if left:
                await asyncio.sleep(POLL_SECONDS)
                left = await self._uncached(left)
            if self._draining:
                for entry in left:
                    self._settle(entry, Found(down=DRAINING))
                return

    async def _uncached(self, entries: Sequence[Entry]) -> list[Entry]:
        """Settle what the cache knows; returns the others."""
        if not entries:
            return []
        kept = await self._store.lookup([entry.key for entry in entries])
        metrics.LLM_CACHE_HITS.labels(self._question, "database").inc(len(kept))
        left = []
        for entry in entries:
            if reply := self._readable(entry, kept.get(entry.key)):
                self._settle(entry, Found(reply))
            else:
                left.append(entry)
        return left

    def _readable(self, entry: Entry, value: str | None) -> Contract | None:
        """A kept reply that this release can use. Another one may have taken what this one would refuse."""
        if value is None:
            return None
        try:
            reply = self._prompt.reply.model_validate_json(value)
            self._prompt.accept(entry.facts, reply)
        except ValueError as error:
            log.warning("a kept answer is of no use", question=self._question, reason=str(error)[:200])
            return None
        return reply

    def _call(self, entries: Sequence[Entry]) -> None:
        """Have the model asked, together with whatever else is asked now."""
        metrics.LLM_CACHE_MISSES.labels(self._question).inc(len(entries))
        items = [self._item(entry) for entry in entries]
        self._called |= dict(zip(items, entries, strict=True))
        if items:
            self._batcher.add(items)

    def _item(self, entry: Entry) -> Item:
        return Item(entry.key, self._prompt.facts(entry.facts), partial(self._prompt.accept, entry.facts))

    async def _send(self, items: Sequence[Item]) -> None:
        """Settle a group of items by calls, and keep what came of it before anybody hears of it."""
        failure: Exception | None = None
        try:
            await self._caller.solve(items)
        except Exception as error:
            if not isinstance(error, TransientError):
                log.exception("a call failed", question=self._question)
            failure = error
        if self._limits.cache:
            await self._keep(items)
        for item in items:
            entry = self._called.pop(item)
            self._bill(item)
            if failure is not None and not item.settled:
                self._fail(entry, failure)
                continue
            self._settle(entry, Found(item.reply, item.reason, self._down(item)))

    def _down(self, item: Item) -> Down | None:
        if item.down is None:
            return None
        return DRAINING if self._draining else Down(item.down.reason, item.down.retry_after)

    async def _keep(self, items: Sequence[Item]) -> None:
        """Store the replies, and free the claims on what has none. What cannot be stored is used all the same."""
        kept = {item.key: _kept(item) for item in items if item.reply is not None}
        without = [item.key for item in items if item.reply is None]
        self._store.forget([*kept, *without])
        try:
            if kept:
                await self._store.keep(
                    kept, question=self._question, provider=self._vendor.provider, model=self._vendor.model
                )
            if self._limits.coalesce and without:
                await self._store.free(without)
        except SluiceError as error:
            log.warning("answers are not kept", question=self._question, count=len(kept), reason=str(error))

    def _bill(self, item: Item) -> None:
        if item.calls:
            tokens = item.tokens
            usage = Usage(self._vendor.provider, self._vendor.model, tokens.input, tokens.output, item.cost_usd)
            self._owe(item.key, usage)

    def _owe(self, key: bytes, usage: Usage) -> None:
        if len(self._bills) >= MOST_BILLS:
            del self._bills[next(iter(self._bills))]
        before = self._bills.get(key, Usage())
        self._bills[key] = replace(
            usage,
            tokens_in=before.tokens_in + usage.tokens_in,
            tokens_out=before.tokens_out + usage.tokens_out,
            cost_usd=before.cost_usd + usage.cost_usd,
        )

    def _settle(self, entry: Entry, found: Found) -> None:
        if found.reply is not None:
            self._memory.put(entry.key, found.reply)
        self._forget(entry)
        if not entry.found.done():
            entry.found.set_result(found)

    def _fail(self, entry: Entry, error: Exception) -> None:
        self._forget(entry)
        if not entry.found.done():
            entry.found.set_exception(error)
            entry.found.exception()  # whoever asked may have left by now

    def _forget(self, entry: Entry) -> None:
        if self._asking.get(entry.key) is entry:
            del self._asking[entry.key]


def _kept(item: Item) -> Kept:
    assert item.reply is not None
    return Kept(item.reply.model_dump_json(), item.tokens.input, item.tokens.output, item.cost_usd)
