"""A service in a process of its own: started, waited for until ready, started again when it dies, drained."""

import asyncio
import os
import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from shared.embedded.process import LOOPBACK, spawn, tail
from shared.errors import SluiceError
from shared.settings import Settings

READY_TIMEOUT_SECONDS = 60.0
POLL_SECONDS = 0.05
RESTART_DELAYS = (0.1, 1.0, 5.0)
KILL_GRACE_SECONDS = 15.0

Say = Callable[[str], None]


class ChildProcess:
    """Runs `command`, which serves /health/ready on `port`, for as long as the context lasts."""

    def __init__(self, name: str, command: Sequence[str], port: int, log: Path, settings: Settings, say: Say) -> None:
        self.name = name
        self.address = f"http://{LOOPBACK}:{port}"
        self.log = log
        self.process: asyncio.subprocess.Process | None = None
        self._command = command
        self._settings = settings
        self._say = say
        self._restarts = 0
        self._watcher: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.log.write_bytes(b"")
        self._restarts = 0
        await self._start()
        self._watcher = asyncio.create_task(self._watch())
        try:
            await self._ready()
        except BaseException:
            await self.__aexit__(None, None, None)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._watcher:
            self._watcher.cancel()
        if self.process is None or self.process.returncode is not None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(self._settings.runtime.drain_seconds + KILL_GRACE_SECONDS):
                await self.process.wait()
        except TimeoutError:
            self.process.kill()
            await self.process.wait()

    async def _start(self) -> None:
        environment = self._settings.in_environment(os.environ)
        # SIGTERM, not SIGKILL: if this process is killed, the child still drains.
        self.process = await spawn(self._command, self.log, env=environment, death_signal=signal.SIGTERM)

    async def _watch(self) -> None:
        while self.process:
            code = await self.process.wait()
            delay = RESTART_DELAYS[min(self._restarts, len(RESTART_DELAYS) - 1)]
            self._say(
                f"{self.name} (process {self.process.pid}) ended with {code}, again in {delay:g} s; log: {self.log}"
            )
            await asyncio.sleep(delay)
            self._restarts += 1
            await self._start()

    async def _ready(self) -> None:
        try:
            async with asyncio.timeout(READY_TIMEOUT_SECONDS), httpx.AsyncClient() as client:
                while not await _answers(client, f"{self.address}/health/ready"):
                    if self._restarts >= len(RESTART_DELAYS):
                        raise SluiceError(f"{self.name} does not start:\n{tail(self.log)}")
                    await asyncio.sleep(POLL_SECONDS)
        except TimeoutError:
            raise SluiceError(
                f"{self.name} was not ready after {READY_TIMEOUT_SECONDS:g} s:\n{tail(self.log)}"
            ) from None


async def _answers(client: httpx.AsyncClient, url: str) -> bool:
    try:
        return (await client.get(url)).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False
