"""Settlements, written together: whatever has queued goes into one statement, so a commit is shared by many calls."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence

import structlog

from shared.errors import TransientError
from shared.llm.admission.settlement import Settlement
from shared.runtime.clock import Clock

log = structlog.get_logger()

MOST_AT_ONCE = 200
TRIES = 8
"""Over thirteen seconds: a server that restarts is back by then, and what calls took is not lost."""
FIRST_PAUSE_SECONDS = 0.1

Write = Callable[[Sequence[Settlement]], Awaitable[None]]


class Settling:
    """Hands groups of settlements to `write`, which is harmless to repeat, one group at a time."""

    def __init__(self, write: Write, clock: Clock) -> None:
        self._write = write
        self._clock = clock
        self._queue: deque[Settlement] = deque()
        self._news = asyncio.Event()
        self._closing = asyncio.Event()
        self._closed = False

    def post(self, settlement: Settlement) -> None:
        """Take a settlement; it is written even if nobody waits for it."""
        if self._closed:
            settlement.written.set_exception(TransientError("a call ended after its admission was closed"))
            settlement.written.exception()  # seen: perhaps nobody waits
            return
        self._queue.append(settlement)
        self._news.set()

    def close(self) -> None:
        """Stop once the queue is empty."""
        self._closing.set()
        self._news.set()

    async def run(self) -> None:
        """Write until closed."""
        while self._queue or not self._closing.is_set():
            await self._news.wait()
            group = [self._queue.popleft() for _ in range(min(len(self._queue), MOST_AT_ONCE))]
            if group:
                await self._finish(group)
            if not self._queue and not self._closing.is_set():
                self._news.clear()
        self._closed = True

    async def _finish(self, group: Sequence[Settlement]) -> None:
        failure = await self._written(group)
        if failure is not None and not isinstance(failure, TransientError) and len(group) > 1:
            for settlement in group:  # one of them cannot be written: not the fault of the others
                await self._finish([settlement])
            return
        for settlement in group:
            if settlement.written.done():
                continue  # its caller was cancelled
            if failure is None:
                settlement.written.set_result(None)
            else:
                settlement.written.set_exception(TransientError(f"a call could not be booked: {failure}"))
                settlement.written.exception()  # seen: a caller that has gone leaves no noise behind

    async def _written(self, group: Sequence[Settlement]) -> Exception | None:
        """None, or why it cannot be: a database that is away for longer than a moment."""
        failure: Exception | None = None
        for attempt in range(TRIES):
            try:
                await self._write(group)
            except TransientError as error:
                failure = error
                await self._clock.wait(FIRST_PAUSE_SECONDS * 2**attempt, self._closing)
            except Exception as error:  # whatever it is, nobody may be left waiting for a word
                log.exception("calls cannot be booked", count=len(group))
                return error
            else:
                return None
        return failure
