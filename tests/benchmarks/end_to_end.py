"""Ten thousand indicators from submit to last row: rate, CPU of every process, and each stage's share."""

import asyncio
import gzip
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

import httpx
from prometheus_client.parser import text_string_to_metric_families

from services.cli.session import classification
from shared.broker.producer import Publisher
from shared.database import Database
from shared.database.ledger import batches_by_id
from shared.feeding import Feeder, Submission
from shared.service.local import Local
from shared.settings import Settings
from tests.benchmarks.running import cpu_seconds, memory_mb, running_pipeline

REQUEST = 100
POLL_SECONDS = 0.02
WARM_UP = 500
RECORDS = "sluice_stage_records_total"


@dataclass(frozen=True)
class Outcome:
    """What a run took. CPU in milliseconds an indicator, by process; memory in MB."""

    indicators: int
    seconds: float
    first_seconds: float
    cpu_ms: dict[str, float]
    memory_mb: dict[str, float]
    completed: int
    records: dict[str, int]
    """Stage → records that it was done with."""

    @property
    def rate(self) -> float:
        """Indicators a second."""
        return self.indicators / self.seconds

    @property
    def total_cpu_ms(self) -> float:
        """CPU of everything, in milliseconds an indicator."""
        return sum(self.cpu_ms.values())


def load(limit: int) -> list[tuple[str, str]]:
    """The demo's indicators as (id, JSON)."""
    lines = gzip.decompress(files("services.cli.demo").joinpath("load_10k.jsonl.gz").read_bytes()).splitlines()
    return [(json.loads(line)["indicator_id"], line.decode()) for line in lines[:limit]]


async def measure(settings: Settings, indicators: Sequence[tuple[str, str]]) -> Outcome:
    """Start everything, warm it up with rows of its own, then time the run."""
    async with (
        running_pipeline(settings) as local,
        Database(local.settings.database) as database,
        Publisher(local.settings.kafka, local.settings.kafka.partitions) as publisher,
    ):
        feeder = Feeder(classification(), database, publisher, local.settings.feed)
        warm = [
            (f"WARM:{number}", raw.replace(key, f"WARM:{number}", 1))
            for number, (key, raw) in enumerate(indicators[:WARM_UP])
        ]
        await _run(feeder, database, warm)
        before, own, worked = cpu_seconds(local), time.process_time(), await _records(local)
        began = time.monotonic()
        completed, first = await _run(feeder, database, indicators)
        seconds = time.monotonic() - began
        after = cpu_seconds(local)
        count = len(indicators)
        cpu = {name: (after[name] - before.get(name, 0.0)) * 1000 / count for name in after}
        cpu["client"] = (time.process_time() - own) * 1000 / count
        records = {stage: total - worked.get(stage, 0) for stage, total in (await _records(local)).items()}
        return Outcome(count, seconds, first, cpu, memory_mb(local), completed, records)


async def _run(feeder: Feeder, database: Database, indicators: Sequence[tuple[str, str]]) -> tuple[int, float]:
    """Items that ended, and seconds until the first had."""
    began, first, ids = time.monotonic(), 0.0, []
    for start in range(0, len(indicators), REQUEST):
        receipt = await feeder.submit(Submission(indicators[start : start + REQUEST]))
        ids.append(receipt.batch.batch_id)
    while True:
        batches = await batches_by_id(database, ids)
        done = sum(batch.total - batch.pending for batch in batches)
        first = first or (time.monotonic() - began if done else 0.0)
        if all(batch.ended_at for batch in batches):
            return done, first
        await asyncio.sleep(POLL_SECONDS)


async def _records(local: Local) -> dict[str, int]:
    """Records that each stage has been done with so far, as its metrics tell."""
    found: dict[str, int] = {}
    async with httpx.AsyncClient() as client:
        for child in local.supervisor.children if local.supervisor else ():
            families = text_string_to_metric_families((await client.get(f"{child.address}/metrics")).text)
            for sample in (sample for family in families for sample in family.samples if sample.name == RECORDS):
                stage = f"{sample.labels['pipeline']}.{sample.labels['stage']}"
                found[stage] = found.get(stage, 0) + int(sample.value)
    return found
