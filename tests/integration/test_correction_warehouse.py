"""Stored rows on their way to BigQuery: merged into jobs, loaded once whatever dies, never more jobs than allowed."""

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from pydantic import SecretStr

from services.correction.load import load_warehouse
from services.correction.sinks.bigquery import BigQuerySink
from services.correction.sinks.buffer import load_waiting
from services.correction.sinks.postgres import PostgresSink
from services.correction.sinks.quota import take, taken_today
from services.correction.sinks.sink import Row
from services.correction.store import roll_back, store_rows
from shared.database import Database
from shared.errors import TransientError
from shared.settings import CorrectionSettings
from tests.bigquery import FakeBigQuery, fake_bigquery


@pytest.fixture
def warehouse() -> Iterator[FakeBigQuery]:
    with fake_bigquery() as fake:
        yield fake


def settings(warehouse: FakeBigQuery, **more: Any) -> CorrectionSettings:
    given = {"bigquery_table": "p.d.corrections", "bigquery_endpoint": SecretStr(warehouse.url), "load_rows": 1000}
    return CorrectionSettings(**{"load_wait_seconds": 0.0, **given, **more})


def row(number: int, **more: Any) -> dict[str, Any]:
    common = {"run_id": "r", "status": "unchanged", "session_id": "s", "message_type": "user", "role": "user"}
    named = {"extraction_id": f"ext:a:{number:08}", "entity_id": f"msg:a:{number:08}", "fingerprint": f"f{number}"}
    rest = {
        "content_hash": "h",
        "source_file": "f",
        "source_line": number,
        "content_length": 5,
        "message_index": number,
    }
    filled = dict.fromkeys(("reason", "persona", "model", "tool_name", "uuid", "parent_uuid", "provider"), "")
    zeros = dict.fromkeys(("word_count", "tokens_in", "tokens_out", "correction_cost_usd"), 0)
    nested = {"edits": [], "thread": {"cwd": "/w"}, "extra": {}, "correction_model": "", "prompt_version": ""}
    return {**common, **named, **rest, **filled, **zeros, **nested, "typed": True, "original_text": "hello", **more}


async def loaded(database: Database, warehouse: FakeBigQuery, **more: Any) -> int:
    wanted = settings(warehouse, **more)
    return await load_waiting(database, BigQuerySink.of(wanted), wanted)


async def test_rows_are_merged_into_few_jobs_and_loaded_once(database: Database, warehouse: FakeBigQuery) -> None:
    for start in range(0, 2_500, 500):
        await store_rows(database, [row(number) for number in range(start, start + 500)])
    await load_warehouse(database, settings(warehouse))
    assert len(warehouse.jobs) == 3
    assert len({one["extraction_id"] for one in warehouse.rows}) == len(warehouse.rows) == 2_500
    assert warehouse.rows[0]["thread"] == '{"cwd": "/w"}'
    assert await loaded(database, warehouse) == 0
    await store_rows(database, [row(number) for number in range(2_500)])
    assert await loaded(database, warehouse) == 0, "rows that say the same are not loaded again"
    sink = BigQuerySink.of(settings(warehouse))
    assert await sink.count("r") == await PostgresSink(database).count("r") == 2_500


async def test_few_rows_wait_for_company(database: Database, warehouse: FakeBigQuery) -> None:
    await store_rows(database, [row(number) for number in range(999)])
    assert await loaded(database, warehouse, load_wait_seconds=3600.0) == 0
    await store_rows(database, [row(999)])
    assert await loaded(database, warehouse, load_wait_seconds=3600.0) == 1_000


async def test_a_job_whose_answer_was_lost_is_not_loaded_twice(database: Database, warehouse: FakeBigQuery) -> None:
    await store_rows(database, [row(number) for number in range(10)])
    wanted = settings(warehouse)
    sink = BigQuerySink.of(wanted)
    job = "sluice-lost"
    await database.execute("UPDATE corrections SET load_job = $1", job)
    await sink.load([{"extraction_id": "a", "run_id": "r"}], job)  # the process dies before it notes that
    assert await loaded(database, warehouse) == 10
    assert list(warehouse.jobs) == [job]
    assert len(warehouse.rows) == 1
    assert await database.fetchval("SELECT count(*) FROM corrections WHERE loaded_at IS NULL") == 0


async def test_a_failed_job_gives_its_rows_to_the_next_one(database: Database, warehouse: FakeBigQuery) -> None:
    await store_rows(database, [row(number) for number in range(10)])
    warehouse.fail_jobs = 1
    with pytest.raises(TransientError, match="did not load"):
        await loaded(database, warehouse)
    assert await loaded(database, warehouse) == 10
    assert len(warehouse.rows) == 10


async def test_a_job_that_is_begun_again_counts_once(database: Database, warehouse: FakeBigQuery) -> None:
    class Silent(PostgresSink):
        async def load(self, rows: Sequence[Row], job: str = "") -> None:
            raise TransientError("no answer")

    await store_rows(database, [row(number) for number in range(10)])
    for _ in range(3):
        with pytest.raises(TransientError, match="no answer"):
            await load_waiting(database, Silent(database), settings(warehouse, load_jobs_a_day=1))
    assert await loaded(database, warehouse, load_jobs_a_day=1) == 10
    assert await taken_today(database) == {"load": 1}


async def test_no_more_jobs_are_begun_than_a_day_may_have(database: Database, warehouse: FakeBigQuery) -> None:
    await store_rows(database, [row(number) for number in range(30)])
    with pytest.raises(TransientError, match="2 load jobs of today are used up"):
        await loaded(database, warehouse, load_rows=10, load_jobs_a_day=2)
    assert len(warehouse.jobs) == 2
    assert await taken_today(database) == {"load": 2}
    assert not await take(database, "load", 2)
    assert await take(database, "query", 1)
    assert not await take(database, "query", 1)
    assert await loaded(database, warehouse, load_rows=10, load_jobs_a_day=3) == 10


async def test_duplicates_are_settled_whatever_the_order_and_a_rollback_makes_them_messages(database: Database) -> None:
    copies = [row(number, fingerprint="same", run_id=f"r{number}") for number in range(3)]
    for copy in reversed(copies):
        await store_rows(database, [copy])
    query = "SELECT extraction_id, entity_id, duplicate_of, is_duplicate FROM corrections ORDER BY extraction_id"
    first, *others = await database.fetch(query)
    assert (first["entity_id"], first["is_duplicate"]) == ("msg:a:00000000", False)
    assert {(one["entity_id"], one["duplicate_of"]) for one in others} == {(None, "msg:a:00000000")}
    assert await roll_back(database, "r0") == 1
    first, other = await database.fetch(query)
    assert (first["entity_id"], other["duplicate_of"]) == ("msg:a:00000001", "msg:a:00000001")
    await store_rows(database, [row(1, fingerprint="edited", status="corrected")])
    assert [one["is_duplicate"] for one in await database.fetch(query)] == [False, False]
