"""Waiting for what must become true: poll, with a deadline, and say what was seen last."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")
POLL_SECONDS = 0.05


async def eventually(look: Callable[[], Awaitable[T]], what: str, timeout: float = 20.0) -> T:
    """The first true thing that `look` returns."""
    deadline = time.monotonic() + timeout
    while True:
        seen = await look()
        if seen:
            return seen
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout:g} s: {what}")
        await asyncio.sleep(POLL_SECONDS)
