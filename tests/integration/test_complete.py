"""The end of the way, on a database: what is stored of an item and what is told of it."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import cast

from schemas.classification import CompletedIndicator
from schemas.delivery import Header
from schemas.indicator import Indicator
from services.classification.complete import complete
from services.classification.in_memory import classify_in_memory
from shared.database import Database
from shared.runtime.clock import Clock
from shared.runtime.envelope import Envelope, Envelopes

NOW, INGESTED = 1_763_800_000.0, 1_763_700_000.0
TRAIL = b'{"stage":"family","started_at":1763790000000,"duration_ms":2.5,"provider":"embedded","model":"linear-1"}'


async def finish(database: Database) -> CompletedIndicator:
    """Complete one item and return its event."""
    given = Indicator(indicator_id="a", name="Policy rate", units="%")
    headers = {Header.BATCH_ID: b"b", Header.INGESTED_AT: b"%.3f" % INGESTED, Header.TRAIL: TRAIL}
    envelope = Envelope("a", SimpleNamespace(), headers)
    items = await classify_in_memory([given])
    clock = cast(Clock, SimpleNamespace(now=lambda: NOW))
    (outcome,) = await complete(items, Envelopes([envelope]), database, clock)
    (event,) = outcome.messages
    assert isinstance(event, CompletedIndicator)
    return event


async def test_the_last_stage_claims_no_duration(database: Database) -> None:
    await finish(database)
    rows = await database.fetch("SELECT stage, processing_time_ms, created_at FROM processing_log ORDER BY stage")
    assert [(row["stage"], row["processing_time_ms"]) for row in rows] == [("complete", None), ("family", 2.5)]
    assert rows[0]["created_at"] == datetime.fromtimestamp(NOW, UTC)


async def test_the_event_says_when_the_item_came_and_when_it_was_stored(database: Database) -> None:
    event = await finish(database)
    assert (event.created_at, event.updated_at) == (INGESTED, NOW)


async def test_the_row_and_the_batch_name_who_answered(database: Database) -> None:
    await finish(database)
    row = await database.fetchrow("SELECT provider, model, submitted_at FROM classifications")
    assert row
    assert tuple(row) == ("embedded", "linear-1", datetime.fromtimestamp(INGESTED, UTC))
    stats = await database.fetchrow("SELECT provider, model FROM pipeline_stats")
    assert stats
    assert tuple(stats) == ("embedded", "linear-1")
