"""Ctrl-C as a wish to end soon rather than at once."""

import asyncio
import contextlib
import signal
import threading
from collections.abc import Iterator


@contextlib.contextmanager
def interruptible() -> Iterator[asyncio.Event]:
    """The event is set by the first Ctrl-C (or SIGTERM); the second one ends the program as it would without us."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    signals = (signal.SIGINT, signal.SIGTERM) if threading.current_thread() is threading.main_thread() else ()

    def release() -> None:
        for number in signals:
            loop.remove_signal_handler(number)

    def wish() -> None:
        release()
        stop.set()

    for number in signals:
        loop.add_signal_handler(number, wish)
    try:
        yield stop
    finally:
        release()


async def wait(stop: asyncio.Event, seconds: float) -> None:
    """Wait so long, or until somebody wants it to end."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()
