"""Ground whose stages ask a vendor of language models, played on this machine."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.faults.fragile import Fragile, fragile
from tests.integration.asked_pipeline import AskedPipeline, asking, labelled, quick_vendor
from tests.integration.undisturbed import Undisturbed
from tests.simulated_vendor import SimulatedVendor

ROWS = 300
FIRST_SECONDS = 120.0
SMALL = {"SLUICE_LLM_BATCH_ITEMS": "4", "SLUICE_LLM_CACHE_ENTRIES": "1", "SLUICE_BATCH_MAX_BYTES": "1048576"}
"""Many calls, and little in the memory of a process."""
BOOKED_AS = {"200": "ok", "429": "rate-limited", "503": "server-error"}


@dataclass(frozen=True)
class Asking:
    """The ground, the vendor, and what a run has to come to."""

    ground: Fragile
    vendor: SimulatedVendor
    before: Undisturbed

    async def forget(self) -> None:
        """Have everything asked anew, and counted from nothing."""
        await self.ground.field.pipeline.database.execute("TRUNCATE llm_cache, llm_call")
        await self.vendor.control(reset=True)

    async def booked_as_served(self) -> None:
        """The ledger and the vendor have counted the same calls and tokens."""
        served = await self.vendor.stats()
        query = """SELECT outcome, count(*) AS calls, sum(tokens_in) AS tokens_in, sum(tokens_out) AS tokens_out
                   FROM llm_call GROUP BY outcome"""
        booked = {row["outcome"]: row for row in await self.ground.field.pipeline.database.fetch(query)}
        calls = {BOOKED_AS[status]: count for status, count in served["by_status"].items()}
        assert {outcome: row["calls"] for outcome, row in booked.items()} == calls
        tokens = sum(row["tokens_in"] for row in booked.values()), sum(row["tokens_out"] for row in booked.values())
        assert tokens == (served["tokens"]["input"], served["tokens"]["output"])


@asynccontextmanager
async def asking_ground(directory: Path) -> AsyncIterator[Asking]:
    """Start it all, and classify labelled indicators while nothing happens."""
    rows, expected = labelled(0, ROWS)
    async with (
        quick_vendor(latency_median=2.0, time_scale=20) as vendor,
        fragile(directory, {**asking(vendor), **SMALL}, megabytes=4096) as ground,
    ):
        run = AskedPipeline(ground.field.pipeline, vendor)
        batch_ids = [batch.batch_id for batch in await run.run(rows, FIRST_SECONDS)]
        assert await run.differing(expected) == {}
        table = await ground.field.pipeline.classified(list(expected))
        yield Asking(ground, vendor, Undisturbed(rows, batch_ids, table))
