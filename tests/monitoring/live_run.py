"""A real run under a real Prometheus: all stages, a vendor, the HTTP API, something of everything that boards show."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from schemas.enums import ReviewField
from services.classification.deciding import Wish, decide
from shared.database import Database
from shared.embedded.process import LOOPBACK, free_port
from shared.service.child import ChildProcess
from tests.contract.kafka import Sent
from tests.contract.waiting import eventually
from tests.integration.asked_pipeline import AskedPipeline, asked_pipeline, labelled
from tests.integration.whole_pipeline import INGEST, Row
from tests.monitoring.boards import Target
from tests.monitoring.prometheus import Prometheus, running_prometheus

VARIABLES = {
    "SLUICE_LLM_BATCH_ITEMS": "4",
    "SLUICE_LLM_BUDGET_DAY_USD": "10",
    "SLUICE_LLM_BUDGET_TASKS": "family=5",
    "SLUICE_WORKER_PROCESSES": "3",
}
FAULTS = {"damaged": 0.2, "rate_limited": 0.03}
TABOO = "Forbidden topic"
"""The vendor answers no call with this in one of its items."""
ASKED = 160
LATEST_SECONDS = 60.0

VALUES = {
    "$__rate_interval": "10s",
    "$__range": "10m",
    "$pipeline": ".*",
    "${pipeline:pipe}": "classification",
    "$stage": "time",
    "$__timeFrom()": "(now() - interval '1 hour')",
    "$__timeTo()": "now()",
}
"""What Grafana would fill in."""


def filled(text: str) -> str:
    """A query of a board as Grafana sends it."""
    for name, value in VALUES.items():
        text = text.replace(name, value)
    head, *rest = text.split("$__timeFilter(")
    return head + "".join(" > now() - interval '1 hour'".join(part.split(")", 1)) for part in rest)


@dataclass
class LiveRun:
    """What happened, to be asked about."""

    asked: AskedPipeline
    api: httpx.AsyncClient
    prometheus: Prometheus
    started: float
    ended: float = 0.0
    """When the work was over; from then on every question is about that moment, however long the asking takes."""

    @property
    def database(self) -> Database:
        """Where the results are."""
        return self.asked.pipeline.database

    @property
    def seconds(self) -> float:
        """How long it has lasted."""
        return (self.ended or time.time()) - self.started

    async def series(self, target: Target) -> list[dict[str, Any]]:
        """What Prometheus has for a query of a panel; of a query of now, each series with one value."""
        expression = filled(target.expression)
        if target.instant:
            return [one | {"values": [one["value"]]} for one in await self.now(expression)]
        return await self.prometheus.lines(expression, self.started, self.started + self.seconds, 1)

    async def now(self, expression: str) -> list[dict[str, Any]]:
        """Series with the values that an expression has in the end."""
        return await self.prometheus.at(self.started + self.seconds, expression)

    async def rows(self, target: Target) -> list[dict[str, Any]]:
        """What the database has for one."""
        return [dict(row) for row in await self.database.fetch(filled(target.sql))]

    async def work(self, rows: list[Row]) -> None:
        """Classify items: new ones, equal ones, forbidden ones, none at all; and some of them once more."""
        equal = [row | {"indicator_id": f"{row['indicator_id']}:equal"} for row in rows[:40]]
        forbidden = {**rows[0], "indicator_id": f"{rows[0]['indicator_id']}:forbidden", "name": TABOO}
        pipeline = self.asked.pipeline
        await pipeline.kafka.send(INGEST.name, [Sent(b"{", b"broken")] * 3)
        await pipeline.finished(await pipeline.submit([*rows, *equal, forbidden]), LATEST_SECONDS)
        await pipeline.finished(await pipeline.submit(rows[:40]), LATEST_SECONDS)

    async def over_http(self, rows: list[Row]) -> None:
        """The same through the API, twice, each followed by a client to the end; and a request that is none.

        A series rises only after Prometheus has seen it, and one of a route begins with the first request.
        """
        await self._by_api(rows[::2])
        await eventually(self._routes_seen, "routes in Prometheus", LATEST_SECONDS)
        await self._by_api(rows[1::2])
        assert (await self.api.post("/classify/batch", json={"indicators": []})).is_client_error

    async def _by_api(self, rows: list[Row]) -> None:
        body = (await self.api.post("/classify/batch", json={"indicators": rows})).raise_for_status().json()
        assert "event: completed" in (await self.api.get(f"/batches/{body['batch_id']}/events")).text

    async def _routes_seen(self) -> bool:
        routes = await self.now("count by (route) (sluice_api_request_duration_seconds_count)")
        return {"/classify/batch", "/batches/{batch_id}/events"} <= {one["metric"]["route"] for one in routes}

    async def decisions(self) -> None:
        """Two decisions of a person: one value replaced, one row left as it is."""
        query = "SELECT indicator_id, heat_map_orientation FROM classifications ORDER BY indicator_id LIMIT 2"
        one, other = await self.database.fetch(query)
        changed = "neutral" if one["heat_map_orientation"] != "neutral" else "higher-is-positive"
        fields = {ReviewField.HEAT_MAP_ORIENTATION: changed}
        await decide(self.database, Wish(one["indicator_id"], fields, "Anna", "for the board", force=True))
        await decide(self.database, Wish(other["indicator_id"], {}, "Ben", "checked"))

    async def scraped(self) -> None:
        """Wait until Prometheus has seen the end of the work."""
        done = await self.database.fetchval("SELECT count(*) FROM batch_items WHERE status <> 'dead_lettered'")

        async def seen() -> bool:
            found = await self.now('sum(sluice_stage_records_total{stage="complete"})')
            return bool(found) and float(found[0]["value"][1]) >= done

        await eventually(seen, f"{done} items in Prometheus", LATEST_SECONDS)
        self.ended = time.time()


@asynccontextmanager
async def live_run(directory: Path) -> AsyncIterator[LiveRun]:
    """Servers, stages, API and Prometheus, for as long as the context lasts."""
    options = {"faults": FAULTS, "refuse_text": TABOO, "time_scale": 20}
    async with asked_pipeline(directory, VARIABLES, **options) as asked:
        settings, port = asked.pipeline.settings, free_port()
        command = [sys.executable, "-m", "services.api", "--host", LOOPBACK, "--port", str(port)]
        api = ChildProcess("api", command, port, directory / "logs" / "api.log", settings, print)
        async with api, httpx.AsyncClient(base_url=api.address, timeout=LATEST_SECONDS) as client:
            targets = [child.address.removeprefix("http://") for child in (api, *asked.pipeline.stages.children)]
            async with running_prometheus(directory, targets) as prometheus:
                await eventually(lambda: _all_up(prometheus, len(targets)), "every target is scraped", LATEST_SECONDS)
                yield LiveRun(asked, client, prometheus, time.time())


async def _all_up(prometheus: Prometheus, count: int) -> bool:
    return len(await prometheus.at(time.time(), "up == 1")) == count


async def worked(run: LiveRun) -> LiveRun:
    """A run in which everything has happened once."""
    rows, _ = labelled(0, ASKED)
    await asyncio.gather(
        run.work(rows), run.over_http([row | {"indicator_id": f"{row['indicator_id']}:api"} for row in rows[:20]])
    )
    await run.decisions()
    await run.scraped()
    return run
