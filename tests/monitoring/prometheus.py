"""A real Prometheus for as long as a test lasts, and its tool for rules. Both are Debian's package `prometheus`."""

import asyncio
import shutil
import subprocess
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import yaml

from shared.embedded.process import LOOPBACK, free_port, spawn, tail
from tests.contract.waiting import eventually
from tests.monitoring.boards import RULES

MISSING = "{} is not installed: apt-get update && apt-get install --no-install-recommends prometheus"
SCRAPE_SECONDS = 1
STOP_SECONDS = 20.0

Sample = tuple[float, float]


def found(program: str) -> str:
    """Where a program of the package is. Fails if it is not installed."""
    path = shutil.which(program)
    assert path, MISSING.format(program)
    return path


def promtool(*words: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run promtool; fails with what it says if it is not content."""
    done = subprocess.run([found("promtool"), *words], cwd=cwd, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


class Prometheus:
    """A client of a running server."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def ask(self, path: str, **parameters: object) -> Any:
        """What the HTTP API answers. Fails with its reason if it refuses."""
        given = {name: str(value) for name, value in parameters.items()}
        body = (await self._client.get(f"/api/v1/{path}", params=given)).json()
        assert body["status"] == "success", f"{parameters.get('query')}: {body.get('error')}"
        return body["data"]

    async def at(self, moment: float, expression: str) -> list[dict[str, Any]]:
        """Series with their values at a moment."""
        result = (await self.ask("query", query=expression, time=moment))["result"]
        assert isinstance(result, list)
        return result

    async def lines(self, expression: str, start: float, end: float, step: float) -> list[dict[str, Any]]:
        """Series with their values over time."""
        result = (await self.ask("query_range", query=expression, start=start, end=end, step=step))["result"]
        assert isinstance(result, list)
        return result

    async def exemplars(self, expression: str, start: float, end: float) -> list[dict[str, str]]:
        """The labels of all exemplars of the series in an expression."""
        found = await self.ask("query_exemplars", query=expression, start=start, end=end)
        return [one["labels"] for series in found for one in series["exemplars"]]


@asynccontextmanager
async def running_prometheus(directory: Path, targets: Sequence[str]) -> AsyncIterator[Prometheus]:
    """A server that has our rules and scrapes `targets` every second; its files are in `directory`."""
    config, log, port = directory / "prometheus.yml", directory / "prometheus.log", free_port()
    config.write_text(yaml.safe_dump(_config(targets)))
    options = {
        "config.file": config,
        "storage.tsdb.path": directory / "prometheus",
        "web.listen-address": f"{LOOPBACK}:{port}",
    }
    command = [found("prometheus"), *(f"--{name}={value}" for name, value in options.items())]
    process = await spawn([*command, "--enable-feature=exemplar-storage"], log)
    try:
        async with httpx.AsyncClient(base_url=f"http://{LOOPBACK}:{port}", timeout=30) as client:
            await eventually(lambda: _ready(client, process, log), "Prometheus is ready", 60)
            yield Prometheus(client)
    finally:
        if process.returncode is None:
            process.terminate()
            async with asyncio.timeout(STOP_SECONDS):
                await process.wait()


def _config(targets: Sequence[str]) -> dict[str, object]:
    times = {"scrape_interval": f"{SCRAPE_SECONDS}s", "evaluation_interval": f"{SCRAPE_SECONDS}s"}
    scraped = {"job_name": "sluice", "static_configs": [{"targets": list(targets)}]}
    return {"global": times, "rule_files": [str(path) for path in RULES], "scrape_configs": [scraped]}


async def _ready(client: httpx.AsyncClient, process: asyncio.subprocess.Process, log: Path) -> bool:
    assert process.returncode is None, tail(log)
    try:
        return (await client.get("/-/ready")).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False
