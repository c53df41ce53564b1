"""A run of the whole pipeline without trouble, and whether another run has come to the same."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from tests.integration.whole_pipeline import STAGES, Row, WholePipeline, indicators


@dataclass(frozen=True)
class Undisturbed:
    """What a run without trouble left behind."""

    rows: Sequence[Row]
    batch_ids: Sequence[str]
    table: dict[str, Row]


async def undisturbed_run(pipeline: WholePipeline, timeout: float = 60.0) -> Undisturbed:
    """Classify the sample while nothing happens."""
    rows = indicators()
    batch_ids = await pipeline.submit(rows)
    await pipeline.finished(batch_ids, timeout)
    return Undisturbed(rows, batch_ids, await pipeline.classified([row["indicator_id"] for row in rows]))


async def same_as_before(
    pipeline: WholePipeline, undisturbed: Undisturbed, batch_ids: Sequence[str], dead_lettered: int = 0
) -> None:
    """These batches of the same rows have ended: every item once, every count exact, every row the same."""
    items = await _items(pipeline, batch_ids)
    assert sorted(item["item_id"] for item in items) == sorted(undisturbed.table)
    assert {item["moves"] for item in items} == {1}, "an item has one final status and never had another"
    done = [item["item_id"] for item in items if item["status"] in {"completed", "needs_human"}]
    assert (len(done), len(items) - len(done)) == (len(items) - dead_lettered, dead_lettered)
    await _same_rows(pipeline, undisturbed, batch_ids, done)
    for batch_id in batch_ids:
        counts = Counter(item["status"] for item in items if item["batch_id"] == batch_id)
        batch = await pipeline.batch(batch_id)
        assert batch.total == counts.total()
        assert batch.completed == counts["completed"]
        assert (batch.needs_human, batch.dead_lettered) == (counts["needs_human"], counts["dead_lettered"])
    for event in await pipeline.announced(batch_ids):
        assert event["total"] == event["completed"] + event["needs_human"] + event["dead_lettered"] > 0


async def _items(pipeline: WholePipeline, batch_ids: Sequence[str]) -> list[Row]:
    query = "SELECT batch_id, item_id, status, moves FROM batch_items WHERE batch_id = ANY ($1)"
    return [dict(row) for row in await pipeline.database.fetch(query, batch_ids)]


async def _same_rows(
    pipeline: WholePipeline, undisturbed: Undisturbed, batch_ids: Sequence[str], ids: Sequence[str]
) -> None:
    """These items have been written by these batches, as before, and every stage is logged once for each."""
    table = await pipeline.classified(ids)
    different = [name for name in ids if undisturbed.table[name] != table.get(name)]
    assert not different, {name: (undisturbed.table[name], table.get(name)) for name in different[:1]}
    query = "SELECT count(*) FROM classifications WHERE batch_id = ANY ($1)"
    assert await pipeline.database.fetchval(query, batch_ids) == len(ids)
    counts = Counter(stage for stages in (await pipeline.log(batch_ids)).values() for stage in stages)
    assert {counts[stage] for stage in STAGES} == {len(ids)}
