"""`sluice up` in processes of its own, whose spans a receiver takes and whose models a simulated vendor plays."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from shared.embedded.process import free_port
from tests.contract.waiting import eventually
from tests.otlp.receiver import Receiver, Span, receiving
from tests.simulated_vendor import running_simulator

API_KEY = "zz-key-of-the-api-zz"
VENDOR_KEY = "zz-key-of-the-vendor-zz"
START_SECONDS = 120.0
LAST = "process classification.reviewed"
"""What the span of the last stage, which stores the row, is called."""


@dataclass(frozen=True, slots=True)
class Traced:
    """The running whole."""

    api: httpx.AsyncClient
    receiver: Receiver

    async def classify(self, traceparent: str, *rows: dict[str, Any]) -> str:
        """Submit, wait for the end, and return the batch's id."""
        answer = await self.api.post(
            "/classify/batch",
            json={"indicators": rows, "llm_provider": "openai"},
            headers={"traceparent": traceparent},
        )
        assert answer.status_code == httpx.codes.ACCEPTED, answer.text
        batch_id: str = answer.json()["batch_id"]

        async def ended() -> bool:
            state = (await self.api.get(f"/batches/{batch_id}")).json()
            return bool(state["completed"] + state["needs_human"] == len(rows))

        await eventually(ended, "the batch ends", START_SECONDS)
        return batch_id

    async def whole(self, trace_id: str) -> list[Span]:
        """The spans of a trace, once that of the last stage and that of the request are among them."""

        async def arrived() -> list[Span]:
            spans = self.receiver.trace(trace_id)
            names = {span.name for span in spans}
            return spans if {LAST, "POST /classify/batch"} <= names and _is_connected(spans) else []

        return await eventually(arrived, "the trace arrives", START_SECONDS)


def _is_connected(spans: list[Span]) -> bool:
    """Whether every span but the request's has its parent among them: spans of several processes come as they like."""
    ids = {span.span_id for span in spans}
    return all(span.parent_id in ids for span in spans if span.kind != "SERVER")


@asynccontextmanager
async def traced(directory: Path) -> AsyncIterator[Traced]:
    """Start everything on servers of its own; `directory` holds their state."""
    async with receiving() as receiver, running_simulator(latency_mean=0.02, key=VENDOR_KEY) as vendor:
        port = free_port()
        variables = {
            **vendor.environment(VENDOR_KEY),
            "SLUICE_STATE_DIR": str(directory),
            "SLUICE_API_PORT": str(port),
            "SLUICE_API_KEYS": API_KEY,
            "SLUICE_REVIEW": "all",
            "SLUICE_OTLP_ENDPOINT": receiver.url,
            "SLUICE_OTLP_HEADERS": "authorization=zz-of-the-collector-zz",
            "SLUICE_TRACE_RATIO": "0",
            "OTEL_BSP_SCHEDULE_DELAY": "200",
        }
        async with _up(variables), _client(port) as api:
            yield Traced(api, receiver)


@asynccontextmanager
async def _up(variables: dict[str, str]) -> AsyncIterator[None]:
    command = (sys.executable, "-m", "services.cli.main", "up")
    process = await asyncio.create_subprocess_exec(
        *command, env={**os.environ, **variables}, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    assert process.stdout
    said = b""
    try:
        async with asyncio.timeout(START_SECONDS):
            while b"\nrunning" not in said:
                line = await process.stdout.readline()
                said += line
                assert line, said.decode()
        yield
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGINT)
        _, _ = await process.communicate()
    assert process.returncode == 0, said.decode()


def _client(port: int) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers={"x-api-key": API_KEY}, timeout=30)
