"""The classification pipeline in stage processes of its own, on a broker and a database of its own."""

import asyncio
import json
import random
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from services.classification.pipeline import BATCHES, CLASSIFICATION, CONTESTED, INGEST
from shared.broker.producer import Publisher
from shared.database import Database, apply_migrations
from shared.database.ledger import Batch, batch
from shared.embedded.stack import embedded_stack
from shared.feeding import Feeder, Submission
from shared.service.child import ChildProcess
from shared.service.supervisor import Supervisor
from shared.settings import Settings
from tests.contract.kafka import Kafka
from tests.contract.waiting import eventually
from tests.database_users import for_stages, make_users
from tests.kafka.backend import own_servers

SAMPLE = Path(__file__).resolve().parents[1] / "data" / "indicators.jsonl"
PARTITIONS = 12
COMMAND = [sys.executable, "-m", "services.cli.main"]
PASSING = {"created_at", "updated_at", "batch_id", "processing_time_ms", "submitted_at"}
"""Columns of a classification that differ from run to run."""
SHARED = {"cost_usd", "tokens_in", "tokens_out"}
"""The item's share of the calls that it travelled in, which are others in every run."""
STAGES = {stage.name for stage in CLASSIFICATION.stages} - {"final-review", "dead-letter"}
"""Every item passes these."""

Row = dict[str, Any]


def indicators() -> list[Row]:
    """600 indicators as they are, and 400 of them again with values."""
    given = [json.loads(line) for line in SAMPLE.read_text(encoding="utf-8").splitlines()]
    rng = random.Random(7)
    valued = [row | {"indicator_id": row["indicator_id"] + ":v", "sample_values": _values(rng)} for row in given[:400]]
    return given + valued


def _values(rng: random.Random) -> list[Row]:
    """Monthly or yearly points, some of which add up within each year."""
    months, adds_up = rng.choice([True, False]), rng.choice([True, False])
    count, total, points = rng.randrange(0, 36), 0.0, []
    for step in range(count):
        year, month = (2020 + step // 12, step % 12 + 1) if months else (1990 + step, 12)
        value = round(rng.uniform(1, 1000), 2)
        total = value if month == 1 or not months else total + value
        points.append({"date": f"{year}-{month:02}-01", "value": round(total, 2) if adds_up else value})
    return points


@dataclass
class WholePipeline:
    """What a test may do with it, and see of it."""

    settings: Settings
    kafka: Kafka
    database: Database
    feeder: Feeder
    stages: Supervisor

    @asynccontextmanager
    async def stopped(self, *stages: str) -> AsyncIterator[None]:
        """The processes of these stages, of all if none is named, have drained until the context ends."""
        children = [self.child_of(stage) for stage in stages] or self.stages.children
        await asyncio.gather(*(child.__aexit__(None, None, None) for child in children))
        try:
            yield
        finally:
            await asyncio.gather(*(child.__aenter__() for child in children))

    @asynccontextmanager
    async def restarted(
        self, command: Sequence[str] = COMMAND, environment: Mapping[str, str] | None = None, **variables: object
    ) -> AsyncIterator["WholePipeline"]:
        """The same with its stages started anew, by another command or with other settings, until the context ends.

        The `environment` is variables in full, `variables` those of Sluice by short names.
        """
        changed = {**_in_full(variables), **(environment or {})}
        settings = Settings.load({**self.settings.as_environment(), **changed})
        async with self.stopped(), Supervisor(settings, CLASSIFICATION.stages, command, print) as stages:
            yield replace(self, settings=settings, stages=stages)

    def child_of(self, stage: str) -> ChildProcess:
        """The process that a stage runs in."""
        return next(child for child in self.stages.children if stage in child.name.replace(",", "").split())

    async def submit(self, rows: Sequence[Row], provider: str = "") -> list[str]:
        """Hand over indicators, a hundred to a batch, and return the ids of the batches."""
        ids = []
        for start in range(0, len(rows), 100):
            items = [(row["indicator_id"], json.dumps(row)) for row in rows[start : start + 100]]
            ids.append((await self.feeder.submit(Submission(items, provider))).batch.batch_id)
        return ids

    async def batch(self, batch_id: str) -> Batch:
        found = await batch(self.database, batch_id)
        assert found, batch_id
        return found

    async def finished(self, batch_ids: Sequence[str], timeout: float = 60.0) -> list[Batch]:
        """Wait until the batches have ended."""

        async def ended() -> bool:
            query = "SELECT count(*) = $2 FROM batches WHERE batch_id = ANY ($1) AND batch_end_time IS NOT NULL"
            return bool(await self.database.fetchval(query, batch_ids, len(batch_ids)))

        await eventually(ended, f"{len(batch_ids)} batches end", timeout)
        return [await self.batch(batch_id) for batch_id in batch_ids]

    async def settled(self, timeout: float = 60.0) -> None:
        """Wait until every stage has committed all there is to read, first to last."""
        for stage in CLASSIFICATION.stages:
            await self.kafka.committed_all(stage.full_name, stage.reads.name, timeout)

    async def announced(self, batch_ids: Sequence[str]) -> list[Row]:
        """Wait for the events of the batches, and return all there are of them."""

        async def all_there() -> list[Row] | None:
            events = [json.loads(record.value) for record in await self.kafka.read(BATCHES.name)]
            ours = [event for event in events if event["batch_id"] in batch_ids]
            return ours if {event["batch_id"] for event in ours} == set(batch_ids) else None

        return await eventually(all_there, "the batches are announced") or []

    async def classified(self, ids: Sequence[str]) -> dict[str, Row]:
        """What the table says of indicators, without what differs from run to run."""
        rows = await self.database.fetch("SELECT * FROM classifications WHERE indicator_id = ANY ($1)", list(ids))
        return {row["indicator_id"]: {k: v for k, v in row.items() if k not in PASSING | SHARED} for row in rows}

    async def letters(self, batch_id: str) -> list[Row]:
        query = "SELECT * FROM dead_letters WHERE batch_id = $1 ORDER BY item_id"
        return [dict(row) for row in await self.database.fetch(query, batch_id)]

    async def log(self, batch_ids: Sequence[str]) -> Mapping[tuple[str, str], list[str]]:
        """The stages that are logged as completed for each item."""
        query = """SELECT batch_id, indicator_id, array_agg(stage ORDER BY stage) AS stages FROM stage_log
                   WHERE batch_id = ANY ($1) AND status = 'completed' GROUP BY 1, 2"""
        rows = await self.database.fetch(query, batch_ids)
        return {(row["batch_id"], row["indicator_id"]): row["stages"] for row in rows}

    async def contested(self) -> set[str]:
        """Items that the final review has seen."""
        return {record.key.decode() for record in await self.kafka.read(CONTESTED.name)}


def _in_full(variables: Mapping[str, object]) -> dict[str, str]:
    return {f"SLUICE_{name.upper()}": str(value) for name, value in variables.items()}


@asynccontextmanager
async def whole_pipeline(
    directory: Path, environment: Mapping[str, str] | None = None, **variables: object
) -> AsyncIterator[WholePipeline]:
    """Start servers and stages; `environment` are variables in full, `variables` those of Sluice by short names."""
    async with (
        own_servers(directory) as servers,
        pipeline_on(servers, directory, environment, **variables) as running,
    ):
        yield running


@asynccontextmanager
async def pipeline_on(
    servers: Mapping[str, str], directory: Path, environment: Mapping[str, str] | None = None, **variables: object
) -> AsyncIterator[WholePipeline]:
    """Start stages on servers that run: variables in full name them, embedded ones take the place of the others.

    The `environment` is that of the stages alone: it may name another way to the same servers.
    """
    given = {
        "state_dir": directory,
        "kafka_session_timeout_ms": 3000,
        "kafka_heartbeat_interval_ms": 500,
        "fetch_wait_ms": 20,
        **variables,
    }
    async with embedded_stack(Settings.load({**_in_full(given), **servers})) as stack:
        direct = stack.settings
        settings = Settings.load({**direct.as_environment(), **(environment or {})})
        async with (
            Database(direct.database) as database,
            Kafka(direct.kafka.bootstrap_servers or "") as kafka,
            Publisher(direct.kafka, PARTITIONS) as publisher,
        ):
            await apply_migrations(database)
            await make_users(database)
            settings = for_stages(settings)
            await kafka.create(CLASSIFICATION.topic_names(), PARTITIONS)
            async with Supervisor(settings, CLASSIFICATION.stages, COMMAND, print) as stages:
                feeder = Feeder(CLASSIFICATION, database, publisher, settings.feed)
                yield WholePipeline(settings, kafka, database, feeder, stages)


__all__ = ["INGEST", "PARTITIONS", "STAGES", "WholePipeline", "indicators", "pipeline_on", "whole_pipeline"]
