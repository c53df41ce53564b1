"""Deduplication with its shards in an object store: the same bytes as in a folder, and the same answers to trouble."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import fsspec
import pyarrow as pa
import pytest
import pytest_asyncio

from services.deduplication.runs import preparing
from services.deduplication.runs.shards import place_of
from services.deduplication.runs.storage import Storage
from services.deduplication.runs.store import Status
from shared.embedded.process import LOOPBACK, free_port
from shared.errors import TransientError
from shared.settings import Settings
from tests.integration.dedupe_pipeline import SLICE_ROWS, DedupePipeline, dedupe_pipeline, in_one_process
from tests.integration.object_store import object_store, options, stored_in
from tests.open_directory import open_directory

PLACE = "bucket/runs"


@pytest.fixture(scope="module")
def directory() -> Iterator[Path]:
    with open_directory("objects") as path:
        yield path


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def store(directory: Path) -> AsyncIterator[str]:
    async with object_store(directory / "store.log") as url:
        yield url


@pytest.fixture(scope="module")
def files(store: str) -> Any:
    """What lies in the store, which has one bucket, as anybody sees it."""
    files = fsspec.filesystem("s3", **options(store), use_listings_cache=False)
    files.mkdir("bucket")
    return files


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def pipeline(new_broker: object, directory: Path, store: str, files: Any) -> AsyncIterator[DedupePipeline]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(preparing, "slice_rows", lambda rows: SLICE_ROWS)
        async with dedupe_pipeline(directory, stored_in(store, PLACE)) as running:
            yield running


async def test_a_run_makes_the_same_bytes_as_in_a_folder(pipeline: DedupePipeline, files: Any) -> None:
    run_id = await pipeline.start()
    assert await pipeline.results(run_id) == in_one_process(pipeline.source, pipeline.rules)
    assert files.find(f"{PLACE}/{run_id}")
    pipeline.storage.remove(run_id)
    assert not files.find(f"{PLACE}/{run_id}")


async def test_an_object_that_is_gone_fails_the_run_and_is_made_anew(pipeline: DedupePipeline, files: Any) -> None:
    run_id = await pipeline.start()
    before = await pipeline.results(run_id)
    (edges,) = files.glob(f"{PLACE}/{run_id}/score/edges-0001-*.parquet")
    files.rm(edges)
    await pipeline.again_without_a_look(run_id, "group")
    run = await pipeline.ended(run_id)
    assert run.status is Status.FAILED
    assert "edges-0001" in (run.error or "")
    await pipeline.resume(run_id)
    assert await pipeline.results(run_id) == before
    assert files.exists(edges)


@pytest.mark.parametrize("what", ["bucket", "server"])
async def test_what_is_not_there_is_waited_for_and_named(store: str, what: str) -> None:
    url = store if what == "bucket" else f"http://{LOOPBACK}:{free_port()}"
    storage = Storage(place_of(Settings.load(stored_in(url, "elsewhere/runs"))))
    with pytest.raises(TransientError, match=r"names.*s3://elsewhere/runs: .*; check SLUICE_DEDUPE_STORAGE"):
        storage.write("names", pa.table({"a": [1]}))
