"""A simulated vendor for tests and benchmarks: in this process, or in one of its own so that it takes no turn of ours.

    async with running_simulator(rpm=600, latency_mean=0.1, faults={"server_error": 0.01}) as vendor:
        environment = vendor.environment()      # points Sluice at it
        await vendor.control(rpm=300, down=True)
        stats = await vendor.stats()            # see services/simulator/stats.py

Options are those of `services.simulator.options.SimulatorOptions`, as plain JSON.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from services.simulator.answering import Answers
from services.simulator.control import options_from
from services.simulator.serving import new_simulator, serving

KEY = "sk-simulated-0123456789"
START_SECONDS = 60.0


class SimulatedVendor:
    """A running simulator."""

    def __init__(self, url: str, client: httpx.AsyncClient) -> None:
        self.url = url
        self._client = client

    @property
    def openai_url(self) -> str:
        """Base address for OpenAI's SDK, and for local servers."""
        return f"{self.url}/v1"

    @property
    def anthropic_url(self) -> str:
        """Base address for Anthropic's SDK."""
        return self.url

    def environment(self, key: str = KEY) -> dict[str, str]:
        """The variables that point every provider of Sluice at it."""
        return {
            "OPENAI_BASE_URL": self.openai_url,
            "OPENAI_API_KEY": key,
            "ANTHROPIC_BASE_URL": self.anthropic_url,
            "ANTHROPIC_API_KEY": key,
            "GOOGLE_BASE_URL": self.openai_url,
            "GOOGLE_API_KEY": key,
            "SLUICE_LOCAL_URL": self.openai_url,
            "SLUICE_LOCAL_API_KEY": key,
        }

    async def stats(self) -> dict[str, Any]:
        """What was served so far."""
        answer = await self._client.get("/control/stats")
        answer.raise_for_status()
        stats: dict[str, Any] = answer.json()
        return stats

    async def control(self, **options: Any) -> None:
        """Change options; `reset=True` forgets what was served."""
        answer = await self._client.post("/control", json=options)
        if answer.is_error:
            raise ValueError(answer.json()["error"]["message"])


@asynccontextmanager
async def running_simulator(
    *,
    process: bool = False,
    port: int = 0,
    answers: Answers | None = None,
    module: str = "services.simulator",
    **options: Any,
) -> AsyncIterator[SimulatedVendor]:
    """A simulator that runs for as long as the context lasts. `answers` only in this process, `module`
    is what is run in one of its own."""
    start = _process(module, port, options) if process else serving(new_simulator(options_from(options), answers), port)
    async with start as url, httpx.AsyncClient(base_url=url, timeout=30.0) as client:
        yield SimulatedVendor(url, client)


@asynccontextmanager
async def _process(module: str, port: int, options: dict[str, Any]) -> AsyncIterator[str]:
    """The address of a simulator in a process of its own."""
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", module, "--port", str(port), "--options", json.dumps(options, default=str)),
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield await _address(child)
    finally:
        if child.returncode is None:
            child.terminate()
        await child.communicate()


async def _address(child: asyncio.subprocess.Process) -> str:
    assert child.stdout is not None
    async with asyncio.timeout(START_SECONDS):
        line = (await child.stdout.readline()).decode().strip()
    if not line.startswith("http://"):
        raise RuntimeError(f"the simulator did not start: {line!r}")
    return line
