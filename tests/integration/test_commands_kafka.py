"""The commands that look at Kafka and publish to it, on a broker of their own."""

from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiokafka import AIOKafkaConsumer, TopicPartition

from schemas.delivery import Header
from shared.broker.lag import PartitionLag, stage_lags
from shared.broker.producer import Publisher, partition_of
from shared.broker.scan import last_seen
from shared.broker.topics import TopicAdmin
from shared.database import Database
from shared.pipelines import pipelines
from shared.runtime.envelope import OutRecord
from shared.settings import KafkaSettings
from tests.integration.own_broker import PARTITIONS, OwnBroker, end_of, own_broker, variables_of, with_topics
from tests.integration.seeded import OPEN, seed
from tests.integration.sluice_command import Sluice, runner
from tests.kafka import backend

INPUT = "classification.joined"
RUN = b'{"stage":"normalize","started_at":1700000000000,"duration_ms":0.5}'


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def bare(new_broker: object) -> AsyncIterator[OwnBroker]:
    """A broker without topics, and the state directory it belongs to."""
    async with own_broker() as ours:
        yield ours


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def kafka(bare: OwnBroker) -> KafkaSettings:
    """A broker with the topics of the pipeline."""
    await with_topics(bare[0])
    return bare[0]


@pytest_asyncio.fixture(loop_scope="session")
async def publish(kafka: KafkaSettings) -> AsyncIterator[Callable[[Sequence[OutRecord]], Any]]:
    async with Publisher(kafka, PARTITIONS) as publisher:
        yield publisher.publish


@pytest.fixture
def sluice(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    database_url: str,
    bare: OwnBroker,
) -> Sluice:
    """`sluice` beside a running command that has a broker; an embedded one is found by the state directory."""
    return runner(monkeypatch, capsys, tmp_path, variables_of(bare, database_url))


def record(topic: str, key: str, partition: int | None = None, headers: Sequence[tuple[str, bytes]] = ()) -> OutRecord:
    return OutRecord(topic, key.encode(), b"{}", list(headers), partition)


class TestTopics:
    async def test_missing_ones_are_found_and_created(self, sluice: Sluice, bare: OwnBroker) -> None:
        names = [name for pipeline in pipelines().values() for name in pipeline.topic_names()]
        async with TopicAdmin(bare[0]) as admin:
            present = {state.name for state in await admin.state(names, PARTITIONS) if state.actual is not None}
        check = await sluice("topics", "--check", "--json")
        assert check.code == (0 if present else 1)
        assert [row["topic"] for row in check.json] == names
        assert {row["topic"] for row in check.json if row["state"] == "missing"} == set(names) - present
        created = await sluice("topics", "--json")
        assert created.code == 0
        assert {row["topic"] for row in created.json if row["state"] == "created"} == set(names) - present
        again = await sluice("topics", "--check")
        assert (again.code, again.err) == (0, "")

    async def test_a_wrong_partition_count_is_drift(self, sluice: Sluice, kafka: KafkaSettings) -> None:
        for words in (["topics"], ["topics", "--check"]):
            answer = await sluice(*words, "--json", SLUICE_KAFKA_PARTITIONS="5")
            assert answer.code == 1
            assert {row["state"] for row in answer.json} == {f"{PARTITIONS} partitions instead of 5"}
            assert "SLUICE_KAFKA_PARTITIONS" in answer.err

    @pytest.mark.skipif(backend.CHOSEN != backend.EMBEDDED, reason="of the embedded broker only")
    async def test_the_embedded_broker_says_what_it_does_not_do(self, sluice: Sluice, kafka: KafkaSettings) -> None:
        assert "keeps every record until it stops" in (await sluice("topics")).out
        answer = await sluice("topics", "--alter")
        assert (answer.code, "cannot alter" in answer.err) == (2, True)

    @pytest.mark.skipif(backend.CHOSEN == backend.EMBEDDED, reason="the embedded broker cannot alter topics")
    async def test_what_has_drifted_is_put_right_when_asked_for(self, sluice: Sluice, kafka: KafkaSettings) -> None:
        name = "classification.dead-letter"
        async with TopicAdmin(kafka) as admin:
            await admin.set_configs({name: {"retention.ms": "1000"}})
        for words in (["--check"], []):
            answer = await sluice("topics", *words, "--json")
            states = {row["topic"]: row["state"] for row in answer.json if row["state"] != "ok"}
            assert (answer.code, states) == (1, {name: "retention.ms is 1000 instead of 2592000000"})
            assert "--alter" in answer.err
        altered = await sluice("topics", "--alter", "--json")
        assert altered.code == 0
        assert {row["topic"] for row in altered.json if row["state"] == "altered"} == {name}
        assert (await sluice("topics", "--check")).code == 0

    async def test_to_check_and_to_alter_at_once_is_wrong_usage(self, sluice: Sluice) -> None:
        assert (await sluice("topics", "--check", "--alter")).code == 2


class TestLag:
    async def test_committed_against_the_ends(self, sluice: Sluice, kafka: KafkaSettings, publish: Any) -> None:
        before = await end_of(kafka, "classification.family", 1), await end_of(kafka, "classification.family", 2)
        await publish([record("classification.family", f"k{number}", 1) for number in range(10)])
        await publish([record("classification.family", "other", 2)])
        place = TopicPartition("classification.family", 1)
        async with AIOKafkaConsumer(
            bootstrap_servers=kafka.bootstrap_servers, group_id="classification.type", enable_auto_commit=False
        ) as consumer:
            consumer.assign([place])
            await consumer.commit({place: before[0] + 4})
        (row,) = (await sluice("lag", "classification.type", "--partitions", "--json")).json
        assert (row["stage"], row["topic"]) == ("classification.type", "classification.family")
        partitions = {part["partition"]: part for part in row["partitions"] if part["topic"] == row["topic"]}
        assert (partitions[1]["committed"], partitions[1]["end"], partitions[1]["lag"]) == (
            before[0] + 4,
            before[0] + 10,
            6,
        )
        assert (partitions[2]["committed"], partitions[2]["lag"]) == (None, before[1] + 1)
        assert row["lag"] == sum(part["lag"] for part in row["partitions"])

    async def test_every_stage_by_default(self, sluice: Sluice, kafka: KafkaSettings) -> None:
        rows = (await sluice("lag", "--json")).json
        declared = [stage.full_name for pipeline in pipelines().values() for stage in pipeline.stages]
        assert [row["stage"] for row in rows] == declared
        assert "partitions" not in rows[0]
        tables = await sluice("lag", "--partitions")
        assert (tables.code, tables.err) == (0, "")

    async def test_retries_are_counted(self, sluice: Sluice, publish: Any) -> None:
        (before,) = (await sluice("lag", "classification.scale", "--json")).json
        await publish([record("classification.scale.retry", "k")])
        (after,) = (await sluice("lag", "classification.scale", "--json")).json
        assert (after["lag"], after["retrying"]) == (before["lag"] + 1, before["retrying"] + 1)

    async def test_an_unknown_stage_is_wrong_usage(self, sluice: Sluice, kafka: KafkaSettings) -> None:
        answer = await sluice("lag", "classification.magic")
        assert answer.code == 2
        assert "classification.family" in answer.err

    async def test_topics_that_do_not_exist_are_named(self, kafka: KafkaSettings) -> None:
        stage = pipelines()["classification"].find("family")
        missing = type(stage)(**{**{name: getattr(stage, name) for name in stage.__slots__}, "pipeline": "elsewhere"})
        (found,) = await stage_lags(kafka, [missing])
        assert found.missing == ("elsewhere.family.retry",)

    @pytest.mark.parametrize(
        ("start", "committed", "end", "lag"),
        [(0, 4, 10, 6), (7, 4, 10, 3), (0, None, 10, 10), (3, None, 10, 7), (0, 12, 10, 0)],
    )
    def test_a_position_is_within_what_is_there(self, start: int, committed: int | None, end: int, lag: int) -> None:
        assert PartitionLag("t", 0, start, committed, end).lag == lag

    async def test_a_broker_that_is_away_is_explained(self, sluice: Sluice) -> None:
        answer = await sluice("lag", SLUICE_KAFKA_BOOTSTRAP_SERVERS="127.0.0.1:1")
        assert answer.code == 1
        assert answer.err.startswith("sluice: broker:")


class TestTrace:
    async def test_an_item_over_the_topics(self, sluice: Sluice, database: Database, publish: Any) -> None:
        await seed(database)
        where = partition_of(b"A", PARTITIONS)
        batch = (Header.BATCH_ID, OPEN.encode())
        await publish([record("indicators.ingest", key, where, [batch]) for key in ("x", "A", "y")])
        await publish([record("classification.normalized", "A", where, [batch, (Header.TRAIL, RUN)])])
        await publish([record("classification.completed", "A", where, [batch, (Header.TRAIL, RUN + b"," + RUN)])])
        answer = await sluice("trace", "A", "--json")
        assert (answer.code, answer.err) == (0, "")
        records = answer.json["records"]
        assert [row["topic"] for row in records] == [
            "indicators.ingest",
            "classification.normalized",
            "classification.completed",
        ]
        assert records[0]["stage"] == "classification.normalize"
        assert [[run["stage"] for run in row["trail"]] for row in records] == [[], ["normalize"], ["normalize"] * 2]
        assert {row["batch_id"] for row in records} == {OPEN}
        assert {row["partition"] for row in records} == {where}
        assert answer.json["complete"]
        assert answer.json["result"]["family"] == "price-value"
        assert "normalize 0.5 ms" in (await sluice("trace", "A")).out

    async def test_an_item_that_somebody_put_elsewhere(self, sluice: Sluice, publish: Any) -> None:
        elsewhere = (partition_of(b"foreign", PARTITIONS) + 1) % PARTITIONS
        await publish([record("indicators.ingest", "foreign", elsewhere)])
        (row,) = (await sluice("trace", "foreign", "--json")).json["records"]
        assert row["partition"] == elsewhere

    async def test_only_the_newest_records(self, sluice: Sluice, publish: Any) -> None:
        await publish([record("indicators.ingest", "often") for _ in range(5)])
        found = (await sluice("trace", "often", "--limit", "2", "--json")).json["records"]
        assert len(found) == 2
        assert found[0]["offset"] + 1 == found[1]["offset"]

    async def test_only_recent_records(self, sluice: Sluice, publish: Any) -> None:
        await publish([record("indicators.ingest", "recent")])
        assert len((await sluice("trace", "recent", "--minutes", "5", "--json")).json["records"]) == 1

    async def test_a_search_that_is_cut_short_says_so(self, sluice: Sluice, publish: Any) -> None:
        await publish([record("indicators.ingest", "late")])
        answer = await sluice("trace", "late", "--seconds", "0.0001", "--json")
        assert not answer.json["complete"]
        assert "time was up" in answer.err

    async def test_a_trail_that_is_none_and_a_dead_letter(self, sluice: Sluice, publish: Any) -> None:
        reason = [(Header.DLQ_STAGE, b"classification.family"), (Header.DLQ_ERROR_CODE, b"handler-error")]
        await publish([record("classification.dead-letter", "sick", None, [(Header.TRAIL, b"nonsense"), *reason])])
        (row,) = (await sluice("trace", "sick", "--json")).json["records"]
        assert row["trail"] == []
        assert row["error"] == "classification.family: handler-error"

    async def test_nothing_anywhere_fails(self, sluice: Sluice, kafka: KafkaSettings) -> None:
        answer = await sluice("trace", "nobody")
        assert answer.code == 1
        assert "nothing is known about 'nobody'" in answer.err


class TestLastSeen:
    async def test_the_stage_whose_input_an_item_is_on(self, kafka: KafkaSettings, publish: Any) -> None:
        for topic, keys in (
            ("indicators.ingest", ("s1", "s2", "s3")),
            ("classification.normalized", ("s2", "s3")),
            ("classification.completed", ("s3",)),
        ):
            await publish([record(topic, key) for key in keys])
        found = await last_seen(kafka, pipelines()["classification"], ["s1", "s2", "s3", "s4"], 0.0)
        assert {key: seen.topic for key, seen in found.items()} == {
            "s1": "indicators.ingest",
            "s2": "classification.normalized",
            "s3": "classification.completed",
        }
        assert found["s1"].stage == "classification.normalize"
        assert "classification.time" in found["s2"].stage

    async def test_only_what_is_new_enough(self, kafka: KafkaSettings, publish: Any) -> None:
        await publish([record("indicators.ingest", "old")])
        seen = (await last_seen(kafka, pipelines()["classification"], ["old"], 0.0))["old"]
        later = seen.time.timestamp() + 3_600
        assert await last_seen(kafka, pipelines()["classification"], ["old"], later) == {}
        assert "old" in await last_seen(kafka, pipelines()["classification"], ["old"], seen.time.timestamp())
