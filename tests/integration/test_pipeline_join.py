"""The table in which the parts of an item wait for each other. Real server."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import cast

import pytest

from schemas.classification import Facet, ScaleInference
from schemas.delivery import Header
from schemas.enums import Scale
from services.classification.join import asked_parts, forget_joined, join_facets
from services.classification.store import (
    PARTS,
    FacetRow,
    expired_facets,
    mark_expired,
    merge_facets,
    queries,
    stored_record,
)
from shared.database import Database
from shared.runtime.envelope import Envelope, Envelopes, Record
from shared.settings import RuntimeSettings, Settings

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


async def test_what_waits_for_a_language_model_does_not_expire_while_its_stage_is_parked(database: Database) -> None:
    for name, missing in (("parked", "time"), ("lost", "scale")):
        parts = [part for part in PARTS if part != missing]
        await merge_facets(database, [FacetRow("batch", name, 3, parts=dict.fromkeys(parts, "{}"))])

    async def names(asked: Sequence[str]) -> list[str]:
        return sorted(found.indicator_id for found in await expired_facets(database, 300.0, 10, asked, 86_400.0))

    await database.execute("UPDATE facet_join SET first_seen_at = now() - interval '1 hour'")
    parts = asked_parts(Settings.load({"LLM_PROVIDER_TIME": "openai", "LLM_PROVIDER_SCALE": "embedded"}).llm)
    assert await names(parts) == ["lost"]
    assert await names(asked_parts(Settings.load({"LLM_PROVIDER": "openai"}).llm)) == ["lost", "parked"]
    await database.execute("UPDATE facet_join SET first_seen_at = now() - interval '2 days'")
    assert await names(parts) == ["lost", "parked"]


async def test_the_trail_does_not_grow_with_parts_that_come_again(database: Database) -> None:
    for stage in ("first", "again", "once more"):
        for part in PARTS[:4]:
            runs = [f'{{"stage":"{part}","started_at":"{stage}"}}']
            await merge_facets(database, [FacetRow(*KEY, partition=3, runs=runs, parts={part: "{}"})])
    trail = await database.fetchval("SELECT trail FROM facet_join")
    assert trail == ",".join(f'{{"stage":"{part}","started_at":"first"}}' for part in PARTS[:4])


async def test_what_is_done_is_forgotten_in_time(database: Database) -> None:
    rows = {"joined": PARTS, "given-up": ["item"], "late": ["item"], "waiting": ["item"]}
    for name, parts in rows.items():
        await merge_facets(database, [FacetRow("batch", name, 3, parts=dict.fromkeys(parts, "{}"))])
    await mark_expired(database, [("batch", "given-up"), ("batch", "late")])
    late = [FacetRow("batch", "late", 3, parts=dict.fromkeys(PARTS, "{}"))]
    await merge_facets(database, late)
    await database.execute("UPDATE facet_join SET first_seen_at = now() - interval '9 days'")
    await database.execute("UPDATE facet_join SET expired_at = expired_at - interval '8 days'")
    settings = RuntimeSettings()

    await forget_joined(database, settings)
    assert await database.fetchval("SELECT count(*) FROM facet_join WHERE indicator_id = 'given-up'") == 0
    await database.execute("UPDATE facet_join SET joined_at = now() - interval '6 days'")
    await database.execute("UPDATE facet_join SET joined_at = NULL WHERE indicator_id = 'waiting'")
    await forget_joined(database, settings)
    assert await database.fetchval("SELECT count(*) FROM facet_join") == 3
    await database.execute("UPDATE facet_join SET joined_at = joined_at - interval '2 days'")
    await forget_joined(database, settings)
    assert [record["indicator_id"] for record in await database.fetch("SELECT * FROM facet_join")] == ["waiting"]


async def test_forgetting_goes_on_until_all_is_gone(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.classification.join.FORGOTTEN_AT_ONCE", 2)
    rows = [FacetRow("batch", str(number), 3, parts=dict.fromkeys(PARTS, "{}")) for number in range(5)]
    await merge_facets(database, rows)
    await database.execute("UPDATE facet_join SET joined_at = now() - interval '8 days'")
    await forget_joined(database, RuntimeSettings())
    assert await database.fetchval("SELECT count(*) FROM facet_join") == 0


async def test_those_that_expire_are_found_without_reading_the_joined(database: Database) -> None:
    async with database.transaction() as transaction:
        await transaction.execute("SET LOCAL enable_seqscan = off")
        plan = await transaction.fetch("EXPLAIN " + queries()["expired_facets"], 0.0, 10, ["time"], 60.0)
    assert "facet_join_waiting" in "".join(line[0] for line in plan)


async def test_a_dead_letter_of_the_join_names_where_its_item_came_from(database: Database) -> None:
    given = {Header.INGESTED_AT: b"1700000000", Header.PROVIDER: b"embedded", Header.TRACEPARENT: b"00-1-2-01"}
    run = {Header.BATCH_ID: b"batch", Header.TRAIL: b'{"stage":"scale"}'}
    record = cast(Record, SimpleNamespace(partition=3))
    scale = ScaleInference(scale=Scale.MILLIONS, confidence=1, reasoning="as it says")
    await join_facets(
        [Facet(indicator_id="item", scale=scale)], Envelopes([Envelope("item", record, {**given, **run})]), database
    )
    (found,) = await expired_facets(database, 0.0, 10)
    assert dict(stored_record(found).headers) == given | run


async def test_what_one_replica_expires_another_leaves_alone(database: Database) -> None:
    await merge_facets(database, [row(["item"])])
    async with database.transaction() as one, database.transaction() as other:
        assert len(await expired_facets(one, 0.0, 10)) == 1
        assert await expired_facets(other, 0.0, 10) == []
