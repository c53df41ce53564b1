"""All stages on one machine: a few processes, started, watched, started again, drained."""

import asyncio
import os
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from shared.embedded.process import LOOPBACK, free_port, spawn, tail
from shared.errors import SluiceError
from shared.runtime.declaration import Stage
from shared.settings import Settings

READY_TIMEOUT_SECONDS = 60.0
POLL_SECONDS = 0.05
RESTART_DELAYS = (0.1, 1.0, 5.0)
KILL_GRACE_SECONDS = 10.0

Say = Callable[[str], None]


@dataclass(slots=True)
class StageChild:
    """One child process and what it is."""

    stages: tuple[str, ...]
    port: int
    log: Path
    process: asyncio.subprocess.Process | None = None
    restarts: int = 0

    @property
    def address(self) -> str:
        """Where health and metrics are."""
        return f"http://{LOOPBACK}:{self.port}"


class Supervisor:
    """Runs stages in child processes for as long as the context lasts; `command` is how a child is started."""

    def __init__(self, settings: Settings, stages: Sequence[Stage], command: Sequence[str], say: Say) -> None:
        self._settings = settings
        self._command = command
        self._say = say
        self._stopping = False
        logs = settings.embedded.directory / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        shares = spread(stages, settings.runtime.worker_processes)
        self.children = [
            StageChild(tuple(stage.full_name for stage in share), free_port(), logs / f"stages-{number}.log")
            for number, share in enumerate(shares, start=1)
        ]
        self._watches: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        for child in self.children:
            child.log.write_bytes(b"")
            await self._start(child)
        self._watches = [asyncio.create_task(self._watch(child)) for child in self.children]
        try:
            await self._ready()
        except BaseException:
            await self.__aexit__(None, None, None)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping = True
        for watch in self._watches:
            watch.cancel()
        await asyncio.gather(*(self._stop(child) for child in self.children))

    async def _start(self, child: StageChild) -> None:
        environment = {**os.environ, **self._settings.as_environment()}
        command = [*self._command, "run", *child.stages, "--port", str(child.port)]
        child.process = await spawn(command, child.log, env=environment, death_signal=signal.SIGTERM)

    async def _watch(self, child: StageChild) -> None:
        while child.process:
            code = await child.process.wait()
            if self._stopping:
                return
            delay = RESTART_DELAYS[min(child.restarts, len(RESTART_DELAYS) - 1)]
            self._say(f"stage process {child.process.pid} ended ({code}); starting it again in {delay:g} s: {child.log}")
            await asyncio.sleep(delay)
            child.restarts += 1
            await self._start(child)

    async def _ready(self) -> None:
        try:
            async with asyncio.timeout(READY_TIMEOUT_SECONDS), httpx.AsyncClient() as client:
                await asyncio.gather(*(self._child_ready(client, child) for child in self.children))
        except TimeoutError:
            logs = "\n".join(tail(child.log) for child in self.children)
            raise SluiceError(f"the stages were not ready after {READY_TIMEOUT_SECONDS:g} s:\n{logs}") from None

    async def _child_ready(self, client: httpx.AsyncClient, child: StageChild) -> None:
        while not await _answers(client, f"{child.address}/health/ready"):
            if child.restarts >= len(RESTART_DELAYS):
                raise SluiceError(f"a stage process does not start:\n{tail(child.log)}")
            await asyncio.sleep(POLL_SECONDS)

    async def _stop(self, child: StageChild) -> None:
        if child.process is None or child.process.returncode is not None:
            return
        child.process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(self._settings.runtime.drain_seconds + KILL_GRACE_SECONDS):
                await child.process.wait()
        except TimeoutError:
            child.process.kill()
            await child.process.wait()


async def _answers(client: httpx.AsyncClient, url: str) -> bool:
    try:
        return (await client.get(url)).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False


def spread(stages: Sequence[Stage], processes: int) -> list[list[Stage]]:
    """Deal the stages over at most `processes` processes, round robin, so that neighbours work side by side."""
    count = max(1, min(processes, len(stages)))
    return [list(stages[start::count]) for start in range(count)]
