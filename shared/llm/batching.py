"""Items that wait a moment for company, so that one call carries many."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from shared.llm.calling import Item
from shared.llm.packing import pack
from shared.llm.pricing import estimate_tokens
from shared.llm.rendering import render_item

Send = Callable[[Sequence[Item]], Awaitable[None]]
"""Settles a group of items; does not raise."""
TYPICAL_ID = "m10"


def size_of(item: Item) -> int:
    """Estimated tokens of an item within a call."""
    return estimate_tokens(render_item(TYPICAL_ID, item.facts))


class Batcher:
    """Sends items in groups of at most `most_items` and `most_tokens`; a group that is not full waits `linger`."""

    def __init__(self, send: Send, most_items: int, most_tokens: int, linger_seconds: float) -> None:
        self._send_group = send
        self._most_items = most_items
        self._most_tokens = most_tokens
        self._linger = linger_seconds
        self._waiting: list[Item] = []
        self._sizes: list[int] = []
        self._timer: asyncio.TimerHandle | None = None
        self._calls: set[asyncio.Task[None]] = set()

    def add(self, items: Sequence[Item]) -> None:
        """Have the items sent, soon."""
        self._waiting += items
        self._sizes += map(size_of, items)
        if len(self._waiting) >= self._most_items:
            self._send(everything=False)
        if self._waiting and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._linger, self._flush)

    async def finish(self) -> None:
        """Send what waits, and return when all calls have ended."""
        self._flush()
        await asyncio.gather(*self._calls, return_exceptions=True)

    def _flush(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None
        self._send(everything=True)

    def _send(self, *, everything: bool) -> None:
        groups = pack(self._sizes, self._most_items, self._most_tokens)
        kept = groups.pop() if not everything and len(groups[-1]) < self._most_items else []
        waiting, sizes = self._waiting, self._sizes
        self._waiting, self._sizes = [waiting[place] for place in kept], [sizes[place] for place in kept]
        for group in groups:
            task = asyncio.create_task(self._awaited([waiting[place] for place in group]))
            self._calls.add(task)
            task.add_done_callback(self._calls.discard)

    async def _awaited(self, items: Sequence[Item]) -> None:
        await self._send_group(items)
