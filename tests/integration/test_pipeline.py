"""Classification whole, in stage processes, on a real broker and database: every item ends once, whatever happens."""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import pytest
import pytest_asyncio

from schemas.classification import Facet, NormalizedIndicator
from schemas.delivery import Header
from schemas.indicator import Indicator
from services.classification.cumulative import detect_cumulative
from services.classification.currency import check_currencies
from services.classification.in_memory import by_embedded_model
from services.classification.normalize import clean_subject, own_batch_id
from services.classification.pipeline import CLASSIFICATION, FACETS, INGEST, REVIEWED
from services.classification.rules.units import parse_units
from services.classification.scale import infer_scale
from services.classification.time_basis import infer_time_basis
from shared.database.ledger import NewBatch, open_batch, register_items
from shared.runtime.codec import encode
from shared.runtime.outcome import Emit, Outcome
from shared.service.child import ChildProcess
from shared.service.supervisor import Supervisor
from tests.contract.kafka import Sent
from tests.contract.waiting import eventually
from tests.integration.undisturbed import Undisturbed, same_as_before, undisturbed_run
from tests.integration.whole_pipeline import COMMAND, STAGES, WholePipeline, indicators, whole_pipeline
from tests.open_directory import open_directory


@pytest.fixture(scope="module")
def pipeline_directory() -> Iterator[Path]:
    """State of servers that this module has for itself: topics and groups of a pipeline have fixed names."""
    with open_directory("pipeline") as directory:
        yield directory


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def pipeline(new_broker: object, pipeline_directory: Path) -> AsyncIterator[WholePipeline]:
    async with whole_pipeline(pipeline_directory) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def undisturbed(pipeline: WholePipeline) -> Undisturbed:
    return await undisturbed_run(pipeline)


async def test_every_item_ends_once_and_every_count_is_exact(pipeline: WholePipeline, undisturbed: Undisturbed) -> None:
    ids = {row["indicator_id"] for row in undisturbed.rows}
    batches = await pipeline.finished(undisturbed.batch_ids)
    assert [batch.total for batch in batches] == [100] * 10
    assert sum(batch.completed + batch.needs_human for batch in batches) == len(ids)
    assert sum(batch.dead_lettered for batch in batches) == 0
    assert set(undisturbed.table) == ids
    human = {row["indicator_id"] for row in undisturbed.table.values() if row["review_status"] == "needs_human"}
    assert sum(batch.needs_human for batch in batches) == len(human)
    query = "SELECT item_id, status FROM batch_items WHERE batch_id = ANY ($1)"
    found = await pipeline.database.fetch(query, undisturbed.batch_ids)
    assert {row["item_id"]: row["status"] for row in found} == {
        name: "needs_human" if name in human else "completed" for name in ids
    }
    assert len(found) == len(ids)

    log, contested = await pipeline.log(undisturbed.batch_ids), await pipeline.contested()
    assert {name for _, name in log} == ids
    for (_, name), stages in log.items():
        assert stages == sorted(STAGES | ({"final-review"} if name in contested else set())), name

    events = await pipeline.announced(undisturbed.batch_ids)
    assert len(events) == len(undisturbed.batch_ids)
    assert sum(event["completed"] + event["needs_human"] for event in events) == len(ids)

    stats = await pipeline.database.fetch(
        "SELECT * FROM pipeline_stats WHERE batch_id = ANY ($1)", undisturbed.batch_ids
    )
    for row in stats:
        assert row["successful_indicators"] + row["needs_human_indicators"] == row["total_indicators"] == 100
        assert row["batch_end_time"] >= row["batch_start_time"]
        assert row["total_duration_ms"] > 0 and row["avg_time_per_indicator_ms"] > 0
        assert 0 < row["avg_confidence"] <= 1
    report = await pipeline.database.fetch(
        "SELECT * FROM batch_report WHERE batch_id = ANY ($1)", undisturbed.batch_ids
    )
    assert [(row["total_indicators"], row["completed"]) for row in report] == [(100, 100)] * 10
    assert all(row["avg_time"] > 0 and row["cost"] == 0 for row in report)


async def test_killed_processes_change_nothing(pipeline: WholePipeline, undisturbed: Undisturbed) -> None:
    """Each stage process is killed at random moments of a second run, and started again by its supervisor."""
    rng = random.Random(4)
    batch_ids = await pipeline.submit(undisturbed.rows)

    async def kill(child: ChildProcess, target: int) -> None:
        """Kill it when so many items are done, and wait until it has been started again."""
        process = child.process
        assert process

        async def reached() -> bool:
            query = "SELECT count(*) >= $2 FROM batch_items WHERE batch_id = ANY ($1) AND status <> 'pending'"
            return bool(await pipeline.database.fetchval(query, batch_ids, target))

        async def again() -> bool:
            return child.process is not None and child.process is not process

        await eventually(reached, f"{target} items are done", 60)
        process.kill()
        await eventually(again, "the process is started again")

    async def kill_twice(child: ChildProcess) -> None:
        await kill(child, rng.randrange(50, 500))
        await kill(child, rng.randrange(500, 950))

    await asyncio.gather(*(kill_twice(child) for child in pipeline.stages.children))
    batches = await pipeline.finished(batch_ids, timeout=90)
    assert sum(batch.completed + batch.needs_human for batch in batches) == len(undisturbed.rows)
    await pipeline.settled()
    await same_as_before(pipeline, undisturbed, batch_ids)
    assert len(await pipeline.announced(batch_ids)) == len(batch_ids)


async def test_replicas_that_come_and_go_change_nothing(pipeline: WholePipeline, undisturbed: Undisturbed) -> None:
    """A second process of every stage joins in the middle of a run and leaves again."""
    half = len(undisturbed.rows) // 2
    batch_ids = await pipeline.submit(undisturbed.rows[:half])
    async with Supervisor(pipeline.settings, CLASSIFICATION.stages, COMMAND, print):
        batch_ids += await pipeline.submit(undisturbed.rows[half:])
        await pipeline.finished(batch_ids[:-2])
    await pipeline.finished(batch_ids)
    await pipeline.settled()
    await same_as_before(pipeline, undisturbed, batch_ids)
    assert len(await pipeline.announced(batch_ids)) == len(batch_ids)


async def test_what_is_delivered_again_counts_once(pipeline: WholePipeline) -> None:
    """Everything twice, the parts of the join in another order, the final record again after the end."""
    rows = [row | {"indicator_id": f"again:{n}"} for n, row in enumerate(indicators()[:100])]
    (batch_id,) = await pipeline.submit(rows)
    (before,) = await pipeline.finished([batch_id])
    await pipeline.announced([batch_id])
    await pipeline.settled()
    log = await pipeline.log([batch_id])
    table = await pipeline.classified([row["indicator_id"] for row in rows])
    rng = random.Random(11)
    for topic in (REVIEWED, FACETS, INGEST):
        records = [
            r for r in await pipeline.kafka.read(topic.name) if dict(r.headers)[Header.BATCH_ID] == batch_id.encode()
        ]
        assert len(records) >= 100
        copies = [Sent(r.value, r.key, r.headers, r.partition) for r in records * 2]
        rng.shuffle(copies)
        await pipeline.kafka.send(topic.name, copies)
    await pipeline.settled()
    after = await pipeline.batch(batch_id)
    assert after == before
    assert await pipeline.log([batch_id]) == log
    assert await pipeline.classified([row["indicator_id"] for row in rows]) == table
    assert await pipeline.letters(batch_id) == []
    assert len(await pipeline.announced([batch_id])) == 1


async def test_an_item_whose_part_is_missing_is_a_dead_letter_until_the_part_comes(pipeline: WholePipeline) -> None:
    batch_id, name = "late-part", "late:1"
    indicator = Indicator(indicator_id=name, name="Government Debt", units="USD Million", periodicity="Yearly")
    await open_batch(pipeline.database, NewBatch(batch_id, CLASSIFICATION.name, 1))
    await register_items(pipeline.database, CLASSIFICATION.name, batch_ids=[batch_id], item_ids=[name], payloads=["{}"])
    parts = await _parts(indicator)
    headers = [(Header.BATCH_ID, batch_id.encode()), (Header.INGESTED_AT, b"1700000000")]
    records = [_part_record(part, name, headers) for part in parts]
    missing = [record for part, record in zip(parts, records, strict=True) if part.scale]
    await pipeline.kafka.send(FACETS.name, [record for record in records if record not in missing])

    async def waiting() -> bool:
        aged = """UPDATE facet_join SET first_seen_at = now() - interval '1 day'
                  WHERE batch_id = $1 AND num_nonnulls(item, time, currency, cumulative) = 4
                  RETURNING true"""
        return bool(await pipeline.database.fetchval(aged, batch_id))

    await eventually(waiting, "four parts wait, as if since yesterday")
    (batch,) = await pipeline.finished([batch_id])
    assert (batch.completed, batch.dead_lettered) == (0, 1)
    (letter,) = await pipeline.letters(batch_id)
    assert (letter["item_id"], letter["error_code"], letter["stage"]) == (name, "incomplete", "classification.join")
    assert letter["error_message"] == "the join waited too long for: scale"

    await pipeline.kafka.send(FACETS.name, missing)

    async def completed() -> bool:
        return (await pipeline.batch(batch_id)).completed == 1

    await eventually(completed, "the late part completes the item")
    batch = await pipeline.batch(batch_id)
    assert (batch.total, batch.completed, batch.needs_human, batch.dead_lettered) == (1, 1, 0, 0)
    assert name in await pipeline.classified([name])
    assert len(await pipeline.announced([batch_id])) == 1


async def test_a_second_version_in_the_same_batch_overwrites_the_first(pipeline: WholePipeline) -> None:
    versions = [
        Indicator(indicator_id="versions:1", name="Government Debt", units=units).model_dump_json(exclude_unset=True)
        for units in ("USD Million", "EUR Billion")
    ]
    for text in versions:
        await pipeline.kafka.send(INGEST.name, [Sent(text.encode(), b"versions:1", [(Header.BATCH_ID, b"theirs")])])
    await pipeline.settled()
    (row,) = (await pipeline.classified(["versions:1"])).values()
    assert (row["original_units"], row["detected_currency"], row["scale"]) == ("EUR Billion", "EUR", "billions")
    for batch_id in ("theirs", own_batch_id("theirs", versions[1])):
        batch = await pipeline.batch(batch_id)
        assert (batch.total, batch.completed + batch.needs_human) == (1, 1)


async def _parts(indicator: Indicator) -> list[Facet]:
    subject = clean_subject(indicator)
    unit = parse_units(subject.units, name=subject.name, scale=subject.scale, currency_code=subject.currency_code)
    item = NormalizedIndicator(subject=subject, unit=unit)
    outcomes: list[Outcome] = [*await detect_cumulative([item])]
    for stage in (infer_time_basis, infer_scale, check_currencies):
        outcomes += await stage([item], by_embedded_model("", 1))
    parts = [emits.messages[0] for emits in outcomes if isinstance(emits, Emit)]
    return [Facet(indicator_id=subject.indicator_id, item=item), *(part for part in parts if isinstance(part, Facet))]


def _part_record(part: Facet, name: str, headers: Sequence[tuple[str, bytes]]) -> Sent:
    stage = next(field for field in ("item", "time", "scale", "currency", "cumulative") if getattr(part, field))
    run = json.dumps({"stage": stage, "started_at": 1, "duration_ms": 1.0}, separators=(",", ":")).encode()
    return Sent(encode(part), name.encode(), [*headers, (Header.TRAIL, run)], partition=5)
