"""The classification pipeline with every deciding stage at a simulated vendor, which answers from the labels."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from services.classification.model.dataset import Label, read_labelled
from shared.database.ledger import Batch
from shared.service.child import ChildProcess
from tests.contract.waiting import eventually
from tests.integration.whole_pipeline import Row, WholePipeline, whole_pipeline
from tests.simulated_vendor import KEY, SimulatedVendor, running_simulator

QUICK = 0.2
"""Median seconds of a call, in a world that is twenty times faster."""
SCORED = ("family", "indicator_type", "temporal_aggregation", "heat_map_orientation", "is_currency_denominated")
FINAL = {"completed", "needs_human"}

Values = dict[str, Any]


def labelled(begin: int, end: int) -> tuple[list[Row], dict[str, Values]]:
    """Indicators out of the labelled ones, and the values that they are labelled with, by id."""
    rows = read_labelled()[begin:end]
    return [dict(row.record) for row in rows], {str(row.record["indicator_id"]): _values(row.label) for row in rows}


def _values(label: Label) -> Values:
    found = {name: getattr(label, name) for name in SCORED}
    return {
        name: value if isinstance(value, bool) else str(value) for name, value in found.items() if value is not None
    }


@dataclass
class AskedPipeline:
    """A running pipeline and its vendor."""

    pipeline: WholePipeline
    vendor: SimulatedVendor

    async def run(self, rows: Sequence[Row], timeout: float = 60.0) -> list[Batch]:
        """Submit, and wait for the end."""
        return await self.pipeline.finished(await self.pipeline.submit(rows), timeout)

    async def differing(self, expected: Mapping[str, Values]) -> dict[str, tuple[Values, Values]]:
        """Items whose stored values are not the expected ones: (expected, stored)."""
        stored = await self.pipeline.classified(list(expected))
        seen = {name: {field: stored[name][field] for field in values} for name, values in expected.items()}
        return {name: (values, seen[name]) for name, values in expected.items() if seen[name] != values}

    async def statuses(self, batches: Sequence[Batch]) -> dict[str, list[str]]:
        """Every status that each item of the batches has."""
        ids = [batch.batch_id for batch in batches]
        found: dict[str, list[str]] = {}
        query = "SELECT item_id, status FROM batch_items WHERE batch_id = ANY ($1)"
        for row in await self.pipeline.database.fetch(query, ids):
            found.setdefault(row["item_id"], []).append(row["status"])
        return found

    async def spent(self) -> float:
        """US dollars in the ledger of calls."""
        return float(await self.pipeline.database.fetchval("SELECT coalesce(sum(cost_usd), 0)::float8 FROM llm_call"))

    async def calls(self) -> int:
        """Calls that the vendor has seen."""
        return int((await self.vendor.stats())["calls"])

    async def restart(self, child: ChildProcess) -> None:
        """SIGKILL; its supervisor starts it again."""
        process = child.process
        assert process
        process.kill()
        await process.wait()

    async def readiness(self, child: ChildProcess) -> dict[str, Any]:
        """What a process says of its stages."""
        async with httpx.AsyncClient(timeout=5) as client:
            answer = await client.get(f"{child.address}/health/ready")
        body: dict[str, Any] = json.loads(answer.content)
        return body

    async def paused(self, stage: str) -> str:
        """Wait until a stage has paused; returns why."""
        child = self.pipeline.child_of(stage)

        async def look() -> str:
            found = (await self.readiness(child))["stages"][f"classification.{stage}"]
            return str(found["reason"]) if found["state"] == "paused" else ""

        return await eventually(look, f"{stage} pauses")


@asynccontextmanager
async def asked_pipeline(
    directory: Path, variables: Mapping[str, str] | None = None, **options: Any
) -> AsyncIterator[AskedPipeline]:
    """Start vendor, servers and stages; `variables` of Sluice, `options` of the vendor."""
    async with (
        quick_vendor(**options) as vendor,
        whole_pipeline(directory, {**asking(vendor), **(variables or {})}) as pipeline,
    ):
        yield AskedPipeline(pipeline, vendor)


@asynccontextmanager
async def quick_vendor(**options: Any) -> AsyncIterator[SimulatedVendor]:
    """A vendor without limits that wants a key."""
    defaults = {"latency_median": QUICK, "rpm": 0, "tpm": 0, "key": KEY}
    async with running_simulator(**{**defaults, **options}) as vendor:
        yield vendor


def asking(vendor: SimulatedVendor) -> dict[str, str]:
    """The variables by which every deciding stage asks a vendor without limits."""
    return {
        "LLM_PROVIDER": "openai",
        "LLM_PROVIDER_TIME": "openai",
        "SLUICE_REVIEW": "all",
        "SLUICE_OPENAI_RPM": "0",
        "SLUICE_OPENAI_TPM": "0",
        "SLUICE_LLM_LINGER_MS": "5",
        **vendor.environment(),
    }
