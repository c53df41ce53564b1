"""The stages of deduplication in a process of their own, on a broker and a database of their own."""

import csv
import io
import os
import random
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pyarrow as pa

from services.deduplication.inputs.columns import map_columns
from services.deduplication.inputs.given import Given
from services.deduplication.inputs.reading import slices
from services.deduplication.pipeline import DEDUPE
from services.deduplication.rules import Rules
from services.deduplication.runs.in_process import RESULTS, deduplicate
from services.deduplication.runs.preparing import Source, Wanted
from services.deduplication.runs.results import Made
from services.deduplication.runs.shards import place_of
from services.deduplication.runs.stage import publish_waiting
from services.deduplication.runs.starting import Again, Decided, resume, start
from services.deduplication.runs.storage import Storage, as_parquet
from services.deduplication.runs.store import Run, Status, find, go_on, outputs_by_shard
from shared.broker.producer import Publisher
from shared.database import Database, apply_migrations
from shared.embedded.stack import embedded_stack
from shared.service.supervisor import Supervisor
from shared.settings import Settings
from tests.contract.kafka import Kafka
from tests.contract.waiting import eventually
from tests.database_users import for_stages, make_users
from tests.faults.disk import SmallDisk, small_disk
from tests.integration.whole_pipeline import COMMAND
from tests.kafka.backend import own_servers

PARTITIONS = 4
SLICE_ROWS = 1_000
PATIENCE = 90.0
STORAGE_MEGABYTES = 128

_WORDS = ("apex", "harbor", "summit", "northern", "cedar", "valley", "united", "granite", "pioneer", "silver", "delta")
_TRADES = ("bowling center", "beauty supply", "logistics", "dental care", "plumbing", "foods", "staffing", "bakery")
_SUFFIXES = ("", " Inc", " Inc.", " LLC", ", LLC", " Corp")
_RELATIONSHIPS = ("Company Name on W-2", "Company Name on Arbitration", "Company Logo on Emails", "")


def accounts(rows: int, seed: int = 7) -> bytes:
    """An export of accounts as CSV: spellings of the same companies, typos, aliases, and names that are none."""
    rng, text = random.Random(seed), io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["Account ID", "Account Name", "Created Date", "Relationship", "Main Country"])
    for number in range(rows):
        day = f"20{rng.randrange(10, 25)}-{rng.randrange(1, 13):02}-{rng.randrange(1, 28):02}"
        writer.writerow([f"001{number:012}", _name(rng), day, rng.choice(_RELATIONSHIPS), "US"])
    return text.getvalue().encode()


def _name(rng: random.Random) -> str:
    kind, name = rng.random(), f"{rng.choice(_WORDS)} {rng.choice(_WORDS)} {rng.choice(_TRADES)}"
    if kind < 0.02:
        return rng.choice(["n/a", "test", "12345", "unknown"])
    if kind < 0.1:
        place = rng.randrange(1, len(name) - 1)
        name = name[:place] + name[place + 1 :]
    aliases = [f"; {rng.choice(_WORDS)} {rng.choice(_WORDS)} {rng.choice(_TRADES)} Inc" for _ in range(2)]
    alias = "".join(aliases).title() if kind > 0.95 else ""
    return name.title() + rng.choice(_SUFFIXES) + alias


def in_one_process(source: Source, rules: Rules) -> dict[str, bytes]:
    """What the steps make without stages: results as the bytes of their files."""
    mapping = map_columns(source.table, source.name)
    made = deduplicate(Given(slices(source.table, SLICE_ROWS), mapping), rules)
    return {name: as_parquet(made[name]) for name in RESULTS}


@dataclass
class DedupePipeline:
    """What a test may do with it, and see of it."""

    settings: Settings
    kafka: Kafka
    database: Database
    publisher: Publisher
    storage: Storage
    stages: Supervisor
    source: Source
    disk: SmallDisk | None
    """What the storage lies on; None if we may not mount one."""
    rules: Rules = field(default_factory=Rules)

    def wanted(self, shards: int = 2, rules: Rules | None = None) -> Wanted:
        return Wanted(rules or self.rules, {}, shards, "test")

    async def start(self, shards: int = 2, source: Source | None = None) -> str:
        run_id = await start(self.database, self.storage, source or self.source, self.wanted(shards), Decided())
        await self.announce()
        return run_id

    async def resume(self, run_id: str, **more: Any) -> None:
        again = Again(run_id, **{"source": None, "wanted": None, "stage": None, "force": False, **more})
        await resume(self.database, self.storage, again, Decided())
        await self.announce()

    async def announce(self) -> None:
        """At once what a sweep would publish within a second."""
        await publish_waiting(self.database, DEDUPE.topic_names(), self.publisher.publish)

    async def ended(self, run_id: str) -> Run:
        """Wait until the run is over."""

        async def over() -> Run | None:
            run = await find(self.database, run_id)
            return None if run.status is Status.RUNNING else run

        run = await eventually(over, f"run {run_id} ends", PATIENCE)
        assert run
        return run

    async def results(self, run_id: str) -> dict[str, bytes]:
        """Wait until the run is complete, and return what it has made."""
        run = await self.ended(run_id)
        assert run.status is Status.COMPLETE, run.error
        made = Made(self.storage, await outputs_by_shard(self.database, run_id))
        return {name: as_parquet(made.table(name)) for name in RESULTS}

    async def table(self, run_id: str, artifact: str) -> pa.Table:
        return Made(self.storage, await outputs_by_shard(self.database, run_id)).table(artifact)

    async def shards(self, run_id: str) -> list[Mapping[str, Any]]:
        query = "SELECT * FROM dedupe_shards WHERE run_id = $1 ORDER BY stage, shard"
        return [dict(row) for row in await self.database.fetch(query, run_id)]

    async def again_without_a_look(self, run_id: str, stage: str) -> None:
        """Do a stage again as if all that it reads were whole."""
        done = [(row["stage"], row["shard"]) for row in await self.shards(run_id) if row["stage"] == stage]
        async with self.database.transaction() as transaction:
            await go_on(transaction, run_id, done)
        await self.announce()

    def path(self, name: str) -> Path:
        return Path(self.storage.address) / name

    def worker_processes(self) -> list[psutil.Process]:
        """Those that have worked on a shard and may get another."""
        child = self.stages.children[0].process
        assert child
        below = psutil.Process(child.pid).children(recursive=True)
        return [one for one in below if one.ppid() != child.pid]  # their parent is the server they are forked from


@asynccontextmanager
async def dedupe_pipeline(directory: Path, elsewhere: Mapping[str, str] | None = None) -> AsyncIterator[DedupePipeline]:
    """Start servers, and all stages in one process with two workers.

    The storage is a small disk below `directory`, or what the variables of `elsewhere` say.
    """
    storage = directory / "storage"
    with nullcontext() if elsewhere or os.geteuid() else small_disk(storage, STORAGE_MEGABYTES) as disk:
        async with own_servers(directory) as servers:
            variables = {
                "SLUICE_STATE_DIR": str(directory),
                "SLUICE_DEDUPE_STORAGE": str(storage),
                "SLUICE_KAFKA_PARTITIONS": str(PARTITIONS),
                "SLUICE_KAFKA_SESSION_TIMEOUT_MS": "3000",
                "SLUICE_KAFKA_HEARTBEAT_INTERVAL_MS": "500",
                "SLUICE_FETCH_WAIT_MS": "20",
                "SLUICE_WORKER_PROCESSES": "1",
                "SLUICE_DEDUPE_WORKERS": "2",
                **(elsewhere or {}),
                **servers,
            }
            async with embedded_stack(Settings.load(variables)) as stack:
                settings = stack.settings
                async with (
                    Database(settings.database) as database,
                    Kafka(settings.kafka.bootstrap_servers or "") as kafka,
                    Publisher(settings.kafka, PARTITIONS) as publisher,
                ):
                    await apply_migrations(database)
                    await make_users(database)
                    await kafka.create(DEDUPE.topic_names(), PARTITIONS)
                    kafka.forget()
                    source = Source.read("accounts.csv", accounts(3 * SLICE_ROWS))
                    async with Supervisor(for_stages(settings), DEDUPE.stages, COMMAND, print) as stages:
                        yield DedupePipeline(
                            settings, kafka, database, publisher, Storage(place_of(settings)), stages, source, disk
                        )
