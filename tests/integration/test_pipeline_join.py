"""The table in which the parts of an item wait for each other. Real server."""

from collections.abc import Sequence

from services.classification.store import PARTS, FacetRow, expired_facets, mark_expired, merge_facets
from shared.database import Database

KEY = ("batch", "item")


def row(parts: Sequence[str], text: str = "{}") -> FacetRow:
    runs = [f'{{"stage":"{part}","started_at":1}}' for part in parts]
    return FacetRow(*KEY, partition=3, runs=runs, parts=dict.fromkeys(parts, text))


async def expired(database: Database) -> list[str]:
    return [found.indicator_id for found in await expired_facets(database, 0.0, 10)]


async def test_parts_that_come_at_once_have_not_waited(database: Database) -> None:
    assert KEY in await merge_facets(database, [row(PARTS)])
    assert await expired(database) == []


async def test_the_last_part_completes_the_item_whatever_the_order(database: Database) -> None:
    for part in reversed(PARTS[1:]):
        assert await merge_facets(database, [row([part])]) == {}
        assert await expired(database) == ["item"]
    complete = await merge_facets(database, [row([PARTS[0]])])
    assert set(complete[KEY].parts) == set(PARTS)
    assert await expired(database) == []


async def test_a_part_that_comes_again_completes_the_same_item_again(database: Database) -> None:
    first = await merge_facets(database, [row(PARTS)])
    again = await merge_facets(database, [row(["time"], text='{"changed": true}')])
    assert again == first


async def test_a_stage_that_worked_twice_is_in_the_trail_once(database: Database) -> None:
    await merge_facets(database, [row(["time"])])
    twice = FacetRow(*KEY, partition=3, runs=['{"stage":"time","started_at":2}'], parts={"time": "{}"})
    await merge_facets(database, [twice])
    complete = await merge_facets(database, [row(["item", "scale", "currency", "cumulative"])])
    stages = ["time", "item", "scale", "currency", "cumulative"]
    assert complete[KEY].trail.decode() == ",".join(f'{{"stage":"{stage}","started_at":1}}' for stage in stages)


async def test_an_item_expires_once_and_can_still_be_completed(database: Database) -> None:
    await merge_facets(database, [row(["item"])])
    assert await expired(database) == ["item"]
    await mark_expired(database, [KEY])
    assert await expired(database) == []
    assert KEY in await merge_facets(database, [row(PARTS[1:])])


async def test_what_one_replica_expires_another_leaves_alone(database: Database) -> None:
    await merge_facets(database, [row(["item"])])
    async with database.transaction() as one, database.transaction() as other:
        assert len(await expired_facets(one, 0.0, 10)) == 1
        assert await expired_facets(other, 0.0, 10) == []
