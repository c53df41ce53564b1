"""Answers that may be a moment old: many who ask at once make one query."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

MOST_KEPT = 1_000


@dataclass(slots=True, eq=False)
class _Entry(Generic[V]):
    task: "asyncio.Task[V]"
    fresh_until: float | None = None
    """None while the query runs."""


class Recent(Generic[K, V]):
    """Loads by key, and gives what it loaded to everybody who asks within `seconds`. An error counts as an answer."""

    def __init__(
        self, load: Callable[[K], Awaitable[V]], seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._load = load
        self._seconds = seconds
        self._clock = clock
        self._entries: dict[K, _Entry[V]] = {}

    async def get(self, key: K) -> V:
        """The value, at most `seconds` old."""
        entry = self._entries.get(key)
        if entry is None or self._stale(entry):
            entry = self._start(key)
        return await asyncio.shield(entry.task)  # one who stops waiting does not take the answer from the others

    def _stale(self, entry: _Entry[V]) -> bool:
        return entry.fresh_until is not None and entry.fresh_until <= self._clock()

    def _start(self, key: K) -> _Entry[V]:
        if len(self._entries) >= MOST_KEPT:
            self._entries = {key: entry for key, entry in self._entries.items() if not self._stale(entry)}
        entry = self._entries[key] = _Entry(asyncio.create_task(self._loaded(key)))
        entry.task.add_done_callback(lambda task: self._done(entry, task))
        return entry

    async def _loaded(self, key: K) -> V:
        return await self._load(key)

    def _done(self, entry: _Entry[V], task: "asyncio.Task[V]") -> None:
        entry.fresh_until = self._clock() + self._seconds
        if not task.cancelled():
            task.exception()  # seen, even if nobody waits any more
