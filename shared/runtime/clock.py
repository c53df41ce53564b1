"""Time as a dependency."""

import asyncio
import contextlib
import time
from typing import Protocol


class Clock(Protocol):
    """Wall time, running time, and waiting that a drain can cut short."""

    def now(self) -> float:
        """Seconds since the epoch."""
        ...

    def monotonic(self) -> float:
        """Seconds on a clock that never goes back."""
        ...

    async def wait(self, seconds: float, until: asyncio.Event) -> None:
        """Return after `seconds` or as soon as `until` is set."""
        ...


class SystemClock:
    """The machine's clocks."""

    now = staticmethod(time.time)
    monotonic = staticmethod(time.monotonic)

    async def wait(self, seconds: float, until: asyncio.Event) -> None:
        """Return after `seconds` or as soon as `until` is set."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await until.wait()
