"""One stage process of the shop as a test sees it: start it, look at its health, end it one way or the other."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import httpx
import psutil

from shared.embedded.process import LOOPBACK, free_port, spawn, tail
from tests.contract.waiting import eventually

ROOT = Path(__file__).resolve().parents[2]
READY_TIMEOUT = 30.0


class Replica:
    """A running process. `exit_code` is None while it lives."""

    def __init__(self, process: asyncio.subprocess.Process, port: int, log: Path) -> None:
        self._process = process
        self._address = f"http://{LOOPBACK}:{port}"
        self._log = log

    @classmethod
    async def start(cls, command: list[str], log: Path, environment: Mapping[str, str]) -> Self:
        """Run a module of ours; the word PORT in the command stands for the port it is given."""
        port = free_port()
        words = [str(port) if word == "PORT" else word for word in command]
        ours = {name: value for name, value in os.environ.items() if not name.startswith("SLUICE_")}
        variables = {**ours, "PYTHONPATH": str(ROOT), **environment}
        return cls(await spawn([sys.executable, *words], log, env=variables), port, log)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        return self._process.returncode

    @property
    def rss(self) -> int:
        """Resident memory in bytes."""
        return int(psutil.Process(self.pid).memory_info().rss)

    @property
    def cpu_seconds(self) -> float:
        times = psutil.Process(self.pid).cpu_times()
        return float(times.user + times.system)

    def log(self) -> str:
        return tail(self._log, 40)

    async def health(self, kind: str) -> tuple[int, dict[str, Any]]:
        """Status and body of a probe; 0 while nobody answers."""
        try:
            async with httpx.AsyncClient(timeout=5) as client:
                answer = await client.get(f"{self._address}/health/{kind}")
        except httpx.HTTPError:
            return 0, {}
        return answer.status_code, json.loads(answer.content)

    async def metric(self, name: str) -> float:
        """The value of a metric, over all its labels."""
        async with httpx.AsyncClient(timeout=5) as client:
            lines = (await client.get(f"{self._address}/metrics")).text.splitlines()
        values = [float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(f"{name}{{")]
        assert values, f"no metric {name}"
        return sum(values)

    async def ready(self, status: int = 200) -> dict[str, Any]:
        """Wait until the readiness probe answers with `status`, and return what it says."""

        async def look() -> dict[str, Any] | None:
            assert self.exit_code is None, f"ended with {self.exit_code}:\n{self.log()}"
            seen, body = await self.health("ready")
            return body if seen == status else None

        return await eventually(look, f"ready answers {status}; log:\n{self.log()}", READY_TIMEOUT) or {}

    async def reason(self, stage: str, state: str, mentioning: str = "") -> str:
        """Wait until a stage is in `state` for a reason that mentions something, and return the reason."""

        async def look() -> dict[str, str] | None:
            _, body = await self.health("ready")
            seen: dict[str, str] = body.get("stages", {}).get(stage, {})
            return seen if seen.get("state") == state and mentioning in seen["reason"] else None

        found = await eventually(look, f"{stage} is {state}: {mentioning}; log:\n{self.log()}")
        return found["reason"] if found else ""

    async def terminate(self, timeout: float = 30.0) -> int:
        """SIGTERM, and the exit code."""
        self.ask_to_stop()
        return await self.ended(timeout)

    def ask_to_stop(self) -> None:
        """SIGTERM."""
        self._process.send_signal(signal.SIGTERM)

    async def kill(self) -> None:
        """SIGKILL."""
        if self.exit_code is None:
            self._process.kill()
            await self._process.wait()

    async def ended(self, timeout: float = 30.0) -> int:
        """Wait for the end, and return the exit code."""
        async with asyncio.timeout(timeout):
            return await self._process.wait()
