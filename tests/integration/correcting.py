"""The correction pipeline in stage processes of its own, on servers of its own, with a simulated vendor."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx

from schemas.correction import TranscriptSource
from services.correction.running import Running
from services.correction.store import RunProgress, rows_of, runs
from shared.broker.producer import Publisher
from shared.database import Database, apply_migrations
from shared.embedded.stack import embedded_stack
from shared.feeding import Feeder
from shared.pipelines import pipelines
from shared.service.local import SLUICE, Local
from shared.service.supervisor import Supervisor
from shared.settings import Settings
from tests.contract.kafka import Kafka
from tests.database_users import for_stages, make_users
from tests.integration.asked_pipeline import quick_vendor
from tests.kafka.backend import own_servers
from tests.simulated_vendor import SimulatedVendor

PARTITIONS = 12
PASSING = {"run_id", "updated_at", "load_job", "loaded_at", "tokens_in", "tokens_out", "correction_cost_usd"}
"""Columns that differ from run to run: an item's share of the calls that it travelled in, among them."""

Row = dict[str, Any]


@dataclass
class Correcting:
    """What a test may do with it, and see of it."""

    running: Running
    vendor: SimulatedVendor
    stages: Supervisor
    seen: list[RunProgress] = field(default_factory=list)

    @property
    def database(self) -> Database:
        return self.running.database

    async def run(self, path: Path, provider: str = "", **more: Any) -> str:
        """Correct a source and wait for the end; returns the id of the run."""
        source = TranscriptSource(source_id=f"test-{uuid4()}", path=str(path), **more)
        return await self.running.run(source, provider, self.seen.append)

    async def rows(self, run_id: str) -> list[Row]:
        """The final rows of a run, in order."""
        return [dict(row) async for row in rows_of(self.database, run_id)]

    async def table(self, folder: str) -> list[Row]:
        """What is stored of the files below a folder, without what differs from run to run."""
        query = "SELECT * FROM corrections WHERE source_file LIKE $1 ORDER BY extraction_id"
        rows = await self.database.fetch(query, f"%{folder}%")
        return [{name: value for name, value in row.items() if name not in PASSING} for row in rows]

    async def facts(self, run_id: str) -> Row:
        """The sums of a run."""
        (found,) = await runs(self.database, 1, run_id)
        return found

    async def calls(self) -> int:
        """Calls that the vendor has seen."""
        return int((await self.vendor.stats())["calls"])

    async def kill(self) -> None:
        """SIGKILL for every stage process; their supervisor starts them again."""
        for child in self.stages.children:
            process = child.process
            assert process
            process.kill()
            await process.wait()

    async def told(self) -> str:
        """Everything that the stage processes log and measure."""
        async with httpx.AsyncClient(timeout=10) as client:
            pages = [(await client.get(f"{child.address}/metrics")).text for child in self.stages.children]
        return "\n".join([*pages, *(child.log.read_text() for child in self.stages.children)])


@asynccontextmanager
async def correcting(directory: Path, variables: Mapping[str, str], **vendor_options: Any) -> AsyncIterator[Correcting]:
    """Start vendor, servers and stages."""
    pipeline = pipelines()["correction"]
    given = {
        "SLUICE_STATE_DIR": str(directory),
        "SLUICE_KAFKA_SESSION_TIMEOUT_MS": "3000",
        "SLUICE_KAFKA_HEARTBEAT_INTERVAL_MS": "500",
        "SLUICE_FETCH_WAIT_MS": "20",
    }
    async with (
        quick_vendor(**vendor_options) as vendor,
        own_servers(directory) as servers,
        embedded_stack(Settings.load({**given, **servers, **vendor.environment(), **variables})) as stack,
        Database(stack.settings.database) as database,
        Kafka(stack.settings.kafka.bootstrap_servers or "") as kafka,
        Publisher(stack.settings.kafka, PARTITIONS) as publisher,
    ):
        await apply_migrations(database)
        await make_users(database)
        await kafka.create(pipeline.topic_names(), PARTITIONS)
        async with Supervisor(for_stages(stack.settings), pipeline.stages, SLUICE, print) as stages:
            feeder = Feeder(pipeline, database, publisher, stack.settings.feed)
            local = Local(stack.settings, stack.embedded, stages)
            yield Correcting(Running(local, database, feeder, print), vendor, stages)
