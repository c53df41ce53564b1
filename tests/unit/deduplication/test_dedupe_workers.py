"""Worker processes: side by side, replaced when they are killed, gone with whoever started them."""

import asyncio
import os
import signal
from collections.abc import Callable

import pytest

from services.deduplication.workers import WorkerDiedError, Workers


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


async def call(workers: Workers, function: Callable[..., object], *arguments: object) -> object:
    async with workers.free() as worker:
        return await worker.run(function, *arguments)


async def test_a_worker_that_is_killed_is_replaced_and_breaks_no_other() -> None:
    workers = Workers(2)
    first = await call(workers, os.getpid)
    assert first not in {os.getpid(), os.getppid()}
    died, whole = await asyncio.gather(call(workers, die), call(workers, os.getpid), return_exceptions=True)
    assert isinstance(died, WorkerDiedError)
    assert isinstance(whole, int)
    assert await call(workers, os.getpid) not in {first, os.getpid()}


async def test_an_error_of_the_work_is_passed_on() -> None:
    with pytest.raises(FileNotFoundError):
        await call(Workers(1), os.stat, "/nowhere/at/all")
