"""The queries that users of the earlier systems have written down, word for word: they keep working."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from pydantic import SecretStr

from shared.database import Database
from shared.settings import DatabaseSettings
from tests.integration.seeded import DONE, OPEN

Rows = list[tuple[object, ...]]

QUERIES = {
    "failed list with message": (
        (
            "SELECT indicator_id, stage, error_message FROM processing_log WHERE status = 'failed' "
            "ORDER BY created_at DESC LIMIT 20"
        ),
        [("C", "family", "the model had no answer")],
    ),
    "all failures of one id": (
        "SELECT stage, error_message FROM processing_log WHERE indicator_id = 'C' AND status = 'failed'",
        [("family", "the model had no answer")],
    ),
    "count of classifications": ("SELECT COUNT(*) FROM classifications", [(2,)]),
    "stage x status of the last ten minutes": (
        (
            "SELECT stage, status, COUNT(*) FROM processing_log WHERE created_at > NOW() - INTERVAL '10 minutes' "
            "GROUP BY stage, status ORDER BY stage, status"
        ),
        [
            ("complete", "completed", 2),
            ("family", "completed", 2),
            ("family", "failed", 1),
            ("normalize", "completed", 2),
        ],
    ),
    "indicators per last stage": (
        (
            "SELECT stage, COUNT(*) FROM (SELECT DISTINCT ON (indicator_id) indicator_id, stage FROM processing_log "
            "ORDER BY indicator_id, created_at DESC) AS last GROUP BY stage ORDER BY stage"
        ),
        [("complete", 2), ("family", 1)],
    ),
    "newest completions": (
        "SELECT DISTINCT indicator_id FROM processing_log WHERE stage = 'complete' AND status = 'completed' ORDER BY 1",
        [("A",), ("B",)],
    ),
    "throughput of the last hour": (
        (
            "SELECT COUNT(*) FROM processing_log WHERE stage = 'complete' AND status = 'completed' "
            "AND created_at > NOW() - INTERVAL '1 hour'"
        ),
        [(2,)],
    ),
    "percentage done": (
        (
            "SELECT COUNT(*), (SELECT COUNT(*) FROM classifications), "
            "ROUND(100.0 * (SELECT COUNT(*) FROM classifications) / COUNT(*), 1)::float8 FROM source_indicators"
        ),
        [(4, 2, 50.0)],
    ),
    "by family": (
        "SELECT family, COUNT(*) FROM classifications GROUP BY family ORDER BY family",
        [("physical-fundamental", 1), ("price-value", 1)],
    ),
    "by type": (
        "SELECT indicator_type, COUNT(*) FROM classifications GROUP BY indicator_type ORDER BY 2 DESC, 1 LIMIT 10",
        [("balance", 1), ("rate", 1)],
    ),
    "by status": (
        "SELECT review_status, COUNT(*) FROM classifications GROUP BY review_status ORDER BY review_status",
        [("needs_human", 1), ("passed", 1)],
    ),
    "low confidence": (
        "SELECT indicator_id FROM classifications WHERE overall_confidence < 0.7 ORDER BY overall_confidence",
        [("B",)],
    ),
    "not processed yet": ("SELECT indicator_id FROM source_indicators WHERE NOT processed", [("D",)]),
}


@pytest_asyncio.fixture(loop_scope="session")
async def seeded(seeded_url: str) -> AsyncIterator[Database]:
    async with Database(DatabaseSettings(url=SecretStr(seeded_url))) as database:
        yield database


@pytest.mark.parametrize("name", QUERIES)
async def test_a_query_that_users_run(seeded: Database, name: str) -> None:
    query, expected = QUERIES[name]
    assert [tuple(row) for row in await seeded.fetch(query)] == expected


async def test_the_last_ten_batches(seeded: Database) -> None:
    rows = await seeded.fetch("SELECT * FROM pipeline_stats ORDER BY batch_start_time DESC LIMIT 10")
    assert [row["batch_id"] for row in rows] == [OPEN, DONE]


async def test_one_batch_by_id(seeded: Database) -> None:
    (row,) = await seeded.fetch("SELECT * FROM pipeline_stats WHERE batch_id = 'batch-done'")
    assert row["total_indicators"] == row["successful_indicators"] == 1
    assert row["failed_indicators"] == 0
    assert row["batch_end_time"] >= row["batch_start_time"]
    assert row["total_duration_ms"] == row["avg_time_per_indicator_ms"] >= 0
    assert row["avg_confidence"] == pytest.approx(0.95)
    assert row["provider"] == "embedded"


async def test_the_report_of_each_batch(seeded: Database) -> None:
    rows = await seeded.fetch("SELECT * FROM batch_report ORDER BY batch_id")
    found = [(row["batch_id"], row["total_indicators"], row["completed"], float(row["cost"])) for row in rows]
    assert found == [(DONE, 1, 1, 0.001), (OPEN, 4, 2, 0.002)]
    assert all(row["avg_time"] > 0 and row["total_minutes"] is not None for row in rows)


async def test_they_all_run_on_an_empty_database(database: Database) -> None:
    for query, _ in QUERIES.values():
        if "COUNT(*), (SELECT" not in query:  # that one divides by the number of source indicators
            await database.fetch(query)
    assert await database.fetch("SELECT * FROM batch_report") == []
