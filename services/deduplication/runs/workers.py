"""Worker processes for what would hold up the event loop, and with it the heartbeats of its consumers.

They are forked from a server that has imported what a step needs, so that one that was killed is replaced at once. Each
has an executor of its own: the death of one breaks no other's work.
"""

import asyncio
import multiprocessing
import os
import signal
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import asynccontextmanager
from functools import cache
from multiprocessing.forkserver import ensure_running
from typing import TypeVar

from shared.errors import TransientError

T = TypeVar("T")
PRELOADED = "services.deduplication.runs.working"


class WorkerDiedError(TransientError):
    """A worker process has ended in the middle of its work."""


class Worker:
    """One process, started when there is something to do. One call at a time."""

    def __init__(self) -> None:
        self._executor: ProcessPoolExecutor | None = None

    async def run(self, function: Callable[..., T], *arguments: object) -> T:
        """Call `function` in the process. Raises WorkerDiedError; the next call gets another process."""
        self._executor = self._executor or _started()
        try:
            return await asyncio.get_running_loop().run_in_executor(self._executor, function, *arguments)
        except BrokenProcessPool as error:
            self._executor = None
            raise WorkerDiedError("a worker process was killed; was there too little memory?") from error


class Workers:
    """So many workers for all that asks for one."""

    def __init__(self, count: int) -> None:
        self._free: asyncio.LifoQueue[Worker] = asyncio.LifoQueue()  # the one that worked last is warm
        for _ in range(count):
            self._free.put_nowait(Worker())

    @asynccontextmanager
    async def free(self) -> AsyncIterator[Worker]:
        """Have a worker as soon as one is free."""
        worker = await self._free.get()
        try:
            yield worker
        finally:
            self._free.put_nowait(worker)


@cache
def workers(count: int | None) -> Workers:
    """Those of this process; as many as there are cores unless `count` says otherwise."""
    return Workers(count or os.cpu_count() or 1)


def warm_up() -> None:
    """Have what a worker imports being imported, in the background."""
    _context()
    ensure_running()


@cache
def _context() -> multiprocessing.context.ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([PRELOADED])
    return context


def _started() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(max_workers=1, mp_context=_context(), initializer=_be_a_worker)


def _be_a_worker() -> None:
    """Leave Ctrl-C to the process that started us, and end with it, whatever ended it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent:
        threading.Thread(target=_follow, args=(parent,), daemon=True).start()


def _follow(parent: multiprocessing.process.BaseProcess) -> None:
    parent.join()
    os._exit(1)
