"""What users read as results: every item of a batch once, with its values or the reason why there are none."""

import json

import pytest

from schemas.enums import ItemStatus
from shared.database import Database
from shared.database.ledger import ItemOutcome, NewBatch, finish_items, open_batch, register_items
from shared.database.results import ResultRecord, ResultStatus, batch_results, results

P = "classification"


async def submit(database: Database, batch_id: str, *item_ids: str) -> None:
    await open_batch(database, NewBatch(batch_id, P, len(item_ids)))
    await register_items(
        database,
        P,
        batch_ids=[batch_id] * len(item_ids),
        item_ids=list(item_ids),
        payloads=[json.dumps({"indicator_id": item, "name": f"name of {item}", "units": "USD"}) for item in item_ids],
        positions=list(range(len(item_ids))),
    )


async def finish(
    database: Database, batch_id: str, item_id: str, status: ItemStatus, *, family: str = "price-value"
) -> None:
    error = "no answer" if status is ItemStatus.DEAD_LETTERED else None
    await finish_items(database, P, [ItemOutcome(batch_id, item_id, status, error, confidence=0.87, cost_usd=0.25)])
    if status is not ItemStatus.DEAD_LETTERED:
        review = "needs_human" if status is ItemStatus.NEEDS_HUMAN else "passed"
        await database.execute(
            "INSERT INTO classifications (indicator_id, name, family, indicator_type, batch_id, review_status,"
            " overall_confidence, is_cumulative) VALUES ($1, 'classified', $2, 'price', $3, $4, 0.87, false)"
            " ON CONFLICT (indicator_id) DO UPDATE SET family = $2, batch_id = $3, review_status = $4,"
            " updated_at = clock_timestamp()",
            item_id,
            family,
            batch_id,
            review,
        )


@pytest.fixture
async def settled(database: Database) -> Database:
    """Batch b1: a completed, b for a person, c failed, d pending. Batch b2: a completed again, c completed."""
    await submit(database, "b1", "a", "b", "c", "d")
    await finish(database, "b1", "a", ItemStatus.COMPLETED)
    await finish(database, "b1", "b", ItemStatus.NEEDS_HUMAN)
    await finish(database, "b1", "c", ItemStatus.DEAD_LETTERED)
    await submit(database, "b2", "c", "a")
    await finish(database, "b2", "a", ItemStatus.COMPLETED, family="temporal")
    await finish(database, "b2", "c", ItemStatus.COMPLETED)
    return database


def ids(rows: list[ResultRecord]) -> list[str]:
    return [row.indicator_id for row in rows]


async def test_a_batch_lists_its_items_in_order_with_what_became_of_each(settled: Database) -> None:
    rows = await results(settled, "b1")
    assert [(row.indicator_id, row.status) for row in rows] == [
        ("a", "completed"),
        ("b", "needs_human"),
        ("c", "failed"),
        ("d", "pending"),
    ]
    assert rows[0].overall_confidence == 0.87
    assert rows[0].cost_usd == 0.25
    assert {row.batch_id for row in rows} == {"b1"}


async def test_a_failed_item_has_its_reason_and_no_values_of_another_batch(settled: Database) -> None:
    failed = (await results(settled, "b1"))[2]
    assert (failed.error, failed.family, failed.review_status) == ("no answer", None, None)
    assert (failed.name, failed.units) == ("name of c", "USD")


async def test_many_batches_in_one_query_keep_the_order_asked_for(settled: Database) -> None:
    assert ids(await batch_results(settled, ["b2", "b1"])) == ["c", "a", "a", "b", "c", "d"]
    assert await batch_results(settled, []) == []


async def test_pages_and_filters(settled: Database) -> None:
    assert ids(await results(settled, "b1", offset=1, limit=2)) == ["b", "c"]
    assert ids(await results(settled, "b1", status=ResultStatus.FAILED)) == ["c"]
    assert ids(await results(settled, "b2", family="temporal")) == ["a"]
    assert ids(await results(settled, "b2", indicator_type="stock")) == []
    assert await results(settled, "nobody") == []


async def test_without_a_batch_every_indicator_is_listed_once_the_newest_first(settled: Database) -> None:
    assert ids(await results(settled)) == ["c", "a", "b"]
    assert ids(await results(settled, family="temporal")) == ["a"]
    assert ids(await results(settled, status=ResultStatus.NEEDS_HUMAN)) == ["b"]


async def test_without_a_batch_the_unclassified_are_found_by_status(settled: Database) -> None:
    assert ids(await results(settled, status=ResultStatus.PENDING)) == ["d"]
    assert ids(await results(settled, status=ResultStatus.FAILED)) == ["c"]
