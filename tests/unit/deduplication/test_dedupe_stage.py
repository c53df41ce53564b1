"""A shard that is interrupted, and a run that is pruned while its storage fails: neither is lost."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import pyarrow as pa
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from schemas.deduplication import ShardReady
from services.deduplication.runs.pruning import remove_runs
from services.deduplication.runs.shards import Place
from services.deduplication.runs.stage import work_shards
from services.deduplication.runs.storage import Storage
from services.deduplication.runs.workers import Worker
from shared.database import Database
from shared.errors import TransientError
from shared.runtime.outbox import Outbox
from shared.settings import Settings

READY = ShardReady(
    run_id="run", stage="ingest", shard=0, shards=1, uri="run", sha256="0" * 64, rows=1, bytes=1, config_digest="0" * 8
)


class Shard:
    """The row of a shard, as far as claims go."""

    attempts = 0

    async def fetchrow(self, query: str, *arguments: object) -> dict[str, Any]:
        self.attempts += 1
        return {"slices": 1, "shards": 1, "inputs": "{}", "rules": "{}", "attempts": self.attempts}

    async def execute(self, query: str, *arguments: object) -> str:
        self.attempts -= 1
        return "UPDATE 1"


class Runs:
    """The rows of runs, as far as pruning goes."""

    def __init__(self, *run_ids: str) -> None:
        self.known = set(run_ids)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator["Runs"]:
        before = set(self.known)
        try:
            yield self
        except BaseException:
            self.known = before
            raise

    async def fetchval(self, query: str, run_id: str) -> bool:
        known = run_id in self.known
        self.known.discard(run_id)
        return known


async def test_a_shard_that_is_interrupted_does_not_count_as_attempted(monkeypatch: pytest.MonkeyPatch) -> None:
    begun = asyncio.Event()

    async def run(*_: object) -> None:
        begun.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(Worker, "run", run)
    shard = Shard()
    work = asyncio.create_task(
        work_shards([READY], cast(Database, shard), cast(Outbox, None), Settings.load({"SLUICE_DEDUPE_WORKERS": "1"}))
    )
    await begun.wait()
    assert shard.attempts == 1
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    assert shard.attempts == 0


async def test_a_run_whose_files_cannot_go_can_be_pruned_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object, **__: object) -> None:
        raise LookupError("no route to the bucket")

    storage, runs = Storage(Place(f"memory://{tmp_path}")), Runs("run")
    storage.write("run/score/edges-0000", pa.table({"n": [1]}))
    with monkeypatch.context() as patched:
        patched.setattr(MemoryFileSystem, "rm", away)
        with pytest.raises(TransientError):
            await remove_runs(cast(Database, runs), storage, ["run"])
    assert await remove_runs(cast(Database, runs), storage, ["run", "gone"]) == ["run"]
    assert not MemoryFileSystem().exists(f"{tmp_path}/run")
