"""Worker processes: side by side, replaced when they are killed, gone with whoever started them."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable

import psutil
import pytest

from services.deduplication.runs.workers import WorkerDiedError, Workers
from tests.contract.waiting import eventually


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


START_ONE = """
import asyncio, os
from services.deduplication.runs.workers import Workers
async def main():
    async with Workers(1).free() as worker:
        print(await worker.run(os.getpid), await worker.run(os.getppid), flush=True)
        await asyncio.Event().wait()
asyncio.run(main())
"""


async def test_they_end_with_the_process_that_started_them_however_it_ends() -> None:
    parent = await asyncio.create_subprocess_exec(sys.executable, "-c", START_ONE, stdout=asyncio.subprocess.PIPE)
    assert parent.stdout
    started = [int(pid) for pid in (await parent.stdout.readline()).split()]
    assert all(psutil.pid_exists(pid) for pid in started)
    parent.kill()
    await parent.wait()

    async def gone() -> bool:
        return not any(_runs(pid) for pid in started)

    await eventually(gone, "the worker and the server it was forked from end")


def _runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
