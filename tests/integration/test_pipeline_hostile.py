"""Records that no producer should send, on every topic: none stops a stage, none costs a neighbour."""

import json
import random
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio

from schemas.delivery import Header, RejectCode
from services.classification.pipeline import CLASSIFICATION, CONTESTED, INGEST
from tests.contract.kafka import Sent
from tests.contract.waiting import eventually
from tests.integration.whole_pipeline import WholePipeline, indicators, whole_pipeline
from tests.open_directory import open_directory

Headers = list[tuple[str, bytes | None]]
NOISE = random.Random(1).randbytes(10_000)
GARBAGE: list[bytes | None] = [None, b"", b"\xff\xfe", b"a\x00b", b"nan", b"1e400", b"-1", b"9" * 5000, NOISE]


@pytest.fixture(scope="module")
def pipeline_directory() -> Iterator[Path]:
    with open_directory("pipeline") as directory:
        yield directory


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def pipeline(new_broker: object, pipeline_directory: Path) -> AsyncIterator[WholePipeline]:
    """With the limits of a fresh installation: whatever comes on the ingest topic, they are not reached."""
    async with whole_pipeline(pipeline_directory, rolling_batch_seconds=1) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def lenient(pipeline: WholePipeline) -> AsyncIterator[WholePipeline]:
    """The same after a restart that lets stages reject as much as they like: garbage behind the edge is our own."""
    async with pipeline.restarted(dead_letter_share=1, dead_letter_in_row=100_000) as running:
        yield running


async def running_well(pipeline: WholePipeline) -> None:
    """Every stage takes work and none has stopped on the way."""
    async with httpx.AsyncClient() as client:
        for child in pipeline.stages.children:
            body = (await client.get(f"{child.address}/health/ready")).json()
            assert {stage["state"] for stage in body["stages"].values()} == {"running"}, body
    (batch_id,) = await pipeline.submit([row | {"indicator_id": uuid4().hex} for row in indicators()[:20]])
    (batch,) = await pipeline.finished([batch_id], 20)
    assert (batch.dead_lettered, batch.completed + batch.needs_human) == (0, 20)


def indicator(name: str, **changes: object) -> bytes:
    row = {"indicator_id": name, "name": "Government Debt", "units": "USD Million", **changes}
    return json.dumps(row).encode()


BAD_INPUT: dict[str, tuple[bytes | None, RejectCode]] = {
    "no-value": (None, RejectCode.NOT_JSON),
    "not-json": (b"indicator", RejectCode.NOT_JSON),
    "not-utf8": (b'{"indicator_id":"\xff","name":"x"}', RejectCode.NOT_JSON),
    "lone-surrogate": (rb'{"indicator_id":"a\ud800","name":"x"}', RejectCode.NOT_JSON),
    "list": (b"[]", RejectCode.WRONG_SCHEMA),
    "no-id": (b'{"name":"x"}', RejectCode.WRONG_SCHEMA),
    "empty-id": (indicator(" "), RejectCode.WRONG_SCHEMA),
    "endless-id": (indicator("i" * 300), RejectCode.WRONG_SCHEMA),
    "no-name": (b'{"indicator_id":"x"}', RejectCode.WRONG_SCHEMA),
    "name-a-number": (b'{"indicator_id":"x","name":1}', RejectCode.WRONG_SCHEMA),
    "nan": (b'{"indicator_id":"nan","name":"x","sample_values":[NaN]}', RejectCode.WRONG_SCHEMA),
    "too-many-values": (indicator("many", sample_values=[1] * 5001), RejectCode.WRONG_SCHEMA),
    "nul": (rb'{"indicator_id":"nul","name":"a\u0000b"}', RejectCode.INVALID_VALUE),
    "nul-in-context": (rb'{"indicator_id":"nul","name":"x","more":{"a\u0000":1}}', RejectCode.INVALID_VALUE),
    "giant": (indicator("giant", note="x" * 600_000), RejectCode.TOO_LARGE),
    "as-large-as-can-be": (indicator("giant", note="x" * 1_048_000), RejectCode.TOO_LARGE),
}


async def test_bad_input_is_refused_one_by_one(pipeline: WholePipeline) -> None:
    batch_id = f"bad-{uuid4().hex[:8]}"
    headers: Headers = [(Header.BATCH_ID, batch_id.encode())]
    versioned: Headers = [*headers, (Header.SCHEMA_VERSION, b"99")]
    records = []
    for name, (value, _) in BAD_INPUT.items():
        records += [
            Sent(indicator(f"good-{name}"), f"good-{name}".encode(), headers, 0),
            Sent(value, name.encode(), headers, 0),
        ]
    await pipeline.kafka.send(INGEST.name, [*records, Sent(indicator("new"), b"new", versioned, 0)])
    await pipeline.settled()
    expected = {name: code.value for name, (_, code) in BAD_INPUT.items()} | {"new": "unknown-schema-version"}
    assert {letter["item_id"]: letter["error_code"] for letter in await pipeline.letters(batch_id)} == expected
    batch = await pipeline.batch(batch_id)
    assert (batch.total, batch.dead_lettered) == (2 * len(BAD_INPUT) + 1, len(expected))
    assert batch.completed + batch.needs_human == len(BAD_INPUT)
    await running_well(pipeline)


async def test_what_looks_bad_and_is_not_is_classified(pipeline: WholePipeline) -> None:
    batch_id = f"odd-{uuid4().hex[:8]}"
    values = {
        "backslashes": rb'{"indicator_id":"backslashes","name":"a\\u0000b"}',
        "duplicate": b'{"indicator_id":"x","indicator_id":"duplicate","name":"x"}',
        "infinite-context": b'{"indicator_id":"infinite-context","name":"x","more":[Infinity,NaN,1e999]}',
        "emoji": indicator("emoji", description="\U0001f4c8" * 4000),
        "nulls": b'{"indicator_id":"nulls","name":"x","units":null,"sample_values":null,"periodicity":null}',
        "no-points": indicator("no-points", sample_values=[{"date": "", "value": None}] * 10),
        "constant": indicator("constant", sample_values=[0] * 100),
        "extremes": indicator("extremes", sample_values=[1e150, -1e150, 5e-324, 0]),
        "dates": indicator("dates", sample_values=[{"date": d, "value": 1} for d in ("9999-99-99", "0000", "x" * 64)]),
        "context": indicator("context", **{f"k{n}": {"deep": [n]} for n in range(500)}),
    }
    records = [Sent(value, name.encode(), [(Header.BATCH_ID, batch_id.encode())]) for name, value in values.items()]
    await pipeline.kafka.send(INGEST.name, records)
    await pipeline.settled()
    letters = await pipeline.letters(batch_id)
    assert letters == [], {letter["item_id"]: letter["error_message"] for letter in letters}
    assert set(await pipeline.classified(list(values))) == set(values)
    assert await pipeline.database.fetchval("SELECT count(*) FROM source_indicators") > 0, "every payload is JSON"
    await running_well(pipeline)


async def test_headers_of_outsiders_are_believed_only_where_they_make_sense(pipeline: WholePipeline) -> None:
    run = uuid4().hex[:8]
    names = [
        Header.INGESTED_AT,
        Header.PROVIDER,
        Header.TRACEPARENT,
        Header.TRACESTATE,
        Header.TRAIL,
        Header.ATTEMPT,
        Header.NOT_BEFORE,
    ]
    batch_id = f"headers-{run}"
    records, harmless = [], []
    for place, value in enumerate(GARBAGE):
        for name in names:
            if name == Header.PROVIDER and value in {b"nan", b"1e400", b"-1"}:
                continue  # a wish that the next test makes
            harmless.append(f"{run}-{name}-{place}")
            headers: Headers = [(Header.BATCH_ID, batch_id.encode()), (name, value)]
            records.append(Sent(indicator(harmless[-1]), harmless[-1].encode(), headers))
    bad_batch = [f"{run}-batch-{place}" for place in range(len(GARBAGE))]
    for name, value in zip(bad_batch, GARBAGE, strict=True):
        records.append(Sent(indicator(name), name.encode(), [(Header.BATCH_ID, value)]))
    await pipeline.kafka.send(INGEST.name, records)
    await pipeline.settled()
    letters = await pipeline.letters(batch_id)
    assert letters == [], {letter["item_id"]: letter["error_message"] for letter in letters}
    batch = await pipeline.batch(batch_id)
    assert batch.completed + batch.needs_human == batch.total == len(harmless)
    query = "SELECT item_id, error_code, batch_id FROM dead_letters WHERE item_id = ANY ($1)"
    refused = {row["item_id"]: row for row in await pipeline.database.fetch(query, bad_batch)}
    accepted = {
        name for name, value in zip(bad_batch, GARBAGE, strict=True) if value in {None, b"nan", b"-1", b"1e400"}
    }
    assert set(refused) == set(bad_batch) - accepted
    assert {row["error_code"] for row in refused.values()} == {"invalid-value"}
    assert all(row["batch_id"].startswith("rolling-") for row in refused.values())
    await running_well(pipeline)


async def test_wishes_for_a_provider_that_does_not_exist_stop_nobody(pipeline: WholePipeline) -> None:
    batch_id = f"wishes-{uuid4().hex[:8]}"
    headers: Headers = [(Header.BATCH_ID, batch_id.encode()), (Header.PROVIDER, b"oracle")]
    names = [f"{batch_id}-{n}" for n in range(60)]
    await pipeline.kafka.send(INGEST.name, [Sent(indicator(name), name.encode(), headers, 0) for name in names])
    await pipeline.settled()
    letters = await pipeline.letters(batch_id)
    assert {letter["item_id"] for letter in letters} == set(names)
    assert {(letter["stage"], letter["error_code"]) for letter in letters} == {
        ("classification.normalize", "invalid-value")
    }
    assert letters[0]["error_message"] == "provider 'oracle' is not available; choose one of: embedded"
    batch = await pipeline.batch(batch_id)
    assert (batch.total, batch.dead_lettered) == (60, 60)
    await running_well(pipeline)


async def test_an_item_without_a_batch_joins_the_rolling_one_of_its_hour(pipeline: WholePipeline) -> None:
    run, hour = uuid4().hex[:8], 1_700_000_000_000
    names = [f"{run}-{n}" for n in range(30)]
    records = [Sent(indicator(name), name.encode(), timestamp_ms=hour) for name in names]
    await pipeline.kafka.send(INGEST.name, records * 2)
    lost = [Sent(indicator(f"{run}-then"), f"{run}-then".encode(), timestamp_ms=when) for when in (2**62, 0)]
    await pipeline.kafka.send(INGEST.name, lost)
    await pipeline.settled()

    async def closed() -> bool:
        query = "SELECT batch_end_time IS NOT NULL FROM batches WHERE batch_id = $1"
        return bool(await pipeline.database.fetchval(query, "rolling-20231114T22"))

    batch = await pipeline.batch("rolling-20231114T22")
    assert (batch.total, batch.completed + batch.needs_human, batch.declared) == (30, 30, False)
    assert (await pipeline.batch("rolling-19700101T00")).pending == 0
    assert set(await pipeline.classified(names)) == set(names)
    await running_well(pipeline)


async def test_garbage_between_the_stages_is_buried_where_it_is_met(lenient: WholePipeline) -> None:
    """Nobody but us writes there; if somebody does, no stage loops and no neighbour waits."""
    pipeline, run = lenient, uuid4().hex[:8]
    inner = [
        stage.reads.name for stage in CLASSIFICATION.stages if stage.reads not in {INGEST, CLASSIFICATION.dead_letters}
    ]
    names = [
        Header.BATCH_ID,
        Header.INGESTED_AT,
        Header.PROVIDER,
        Header.TRAIL,
        Header.TRACEPARENT,
        Header.ATTEMPT,
        Header.SCHEMA_VERSION,
    ]
    good = await _passing(pipeline, run, inner)
    for topic in sorted(set(inner)):
        value = good.get(topic, b"{}")
        odd = [
            Sent(value, f"{run}-{name}-{n}".encode(), [(name, garbage)], 0)
            for name in names
            for n, garbage in enumerate(GARBAGE)
        ]
        keys = [Sent(value, key, (), 0) for key in (None, b"", b"\xff", b"a\x00b", NOISE)]
        values = [None, b"", b"junk", b"[" * 50_000, b"x" * 900_000]
        await pipeline.kafka.send(topic, [*odd, *keys, *(Sent(junk, f"{run}-junk".encode(), (), 0) for junk in values)])
    for stage in CLASSIFICATION.stages:
        junk = [Sent(b"junk", None, [(Header.NOT_BEFORE, garbage)], 0) for garbage in GARBAGE]
        await pipeline.kafka.send(stage.retry_topic, junk)
    await running_well(pipeline)
    await pipeline.settled()
    stages = await pipeline.database.fetch("SELECT DISTINCT stage FROM dead_letters")
    expected = {stage.full_name for stage in CLASSIFICATION.stages if stage.reads is not CLASSIFICATION.dead_letters}
    assert {row["stage"] for row in stages} >= expected


async def _passing(pipeline: WholePipeline, run: str, topics: Sequence[str]) -> dict[str, bytes]:
    """What one good item leaves on each topic that it passes."""
    name = f"{run}-seed"
    await pipeline.kafka.send(INGEST.name, [Sent(indicator(name), name.encode())])
    await pipeline.settled()
    records = [record for topic in set(topics) for record in await pipeline.kafka.read(topic)]
    passed = {record.topic: record.value for record in records if record.key == name.encode()}
    assert set(topics) - set(passed) <= {CONTESTED.name}
    return passed


async def test_any_dead_letter_is_kept(pipeline: WholePipeline) -> None:
    """There is nowhere else for it to go: whatever it holds, it becomes one row and no new dead letter."""
    run = uuid4().hex[:8]
    topic = CLASSIFICATION.dead_letters.name
    names = [value for name, value in vars(Header).items() if name.startswith("DLQ_")]
    names += [Header.BATCH_ID, Header.ATTEMPT, Header.SCHEMA_VERSION, Header.INGESTED_AT, "a\x00b"]
    records = [
        Sent(b"%d" % n, f"{run}-{n}".encode(), [(name, garbage)], 3)
        for n, (name, garbage) in enumerate((name, garbage) for name in names for garbage in GARBAGE)
    ]
    records += [Sent(None, b"", (), 3), Sent(b"", b"\xff\xff", (), 3), Sent(b"x" * 1_000_000, NOISE, (), 3)]
    before = await pipeline.database.fetchval("SELECT count(*) FROM dead_letters")
    ends = sum((await pipeline.kafka.ends(topic)).values())
    await pipeline.kafka.send(topic, records)
    await pipeline.kafka.committed_all("classification.dead-letter", topic)

    async def kept() -> bool:
        return bool(await pipeline.database.fetchval("SELECT count(*) FROM dead_letters") == before + len(records))

    await eventually(kept, "every one is kept")
    assert sum((await pipeline.kafka.ends(topic)).values()) == ends + len(records)
    await running_well(pipeline)
