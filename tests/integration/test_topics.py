"""Topics as they are declared, created and put right, on a real broker."""

from collections.abc import AsyncIterator, Sequence
from uuid import uuid4

import pytest
import pytest_asyncio
from aiokafka.admin import AIOKafkaAdminClient

from services.classification.pipeline import BATCHES, CLASSIFICATION, COMPLETED, INGEST
from shared.broker.drift import TopicReport, inspect, put_right
from shared.broker.topics import Shape, TopicAdmin
from shared.errors import UsageError
from shared.runtime.declaration import EVIDENCE, LATEST, ON_ITS_WAY, Keeping
from shared.settings import KafkaSettings, Settings
from tests.contract.waiting import eventually
from tests.kafka import backend

DAY = 86_400_000
ALTERS = pytest.mark.skipif(backend.CHOSEN == backend.EMBEDDED, reason="the embedded broker cannot alter topics")


@pytest.fixture
def settings(broker: str) -> KafkaSettings:
    return Settings.load({**backend.broker_variables(broker), "SLUICE_KAFKA_REPLICATION_FACTOR": "1"}).kafka


@pytest_asyncio.fixture(loop_scope="session")
async def admin(settings: KafkaSettings) -> AsyncIterator[TopicAdmin]:
    async with TopicAdmin(settings) as admin:
        yield admin


@pytest.fixture
def name() -> str:
    return f"topics-{uuid4().hex[:8]}"


async def drift_of(admin: TopicAdmin, keeping: dict[str, Keeping], partitions: int) -> list[tuple[str, ...]]:
    return [report.drift for report in await inspect(admin, keeping, partitions)]


async def once_settled(admin: TopicAdmin, keeping: dict[str, Keeping], partitions: int) -> Sequence[TopicReport]:
    """The reports once nothing has drifted any more: a broker learns of a change a moment after its controller."""

    async def as_declared() -> list[TopicReport]:
        reports = await inspect(admin, keeping, partitions)
        return reports if not any(report.drift for report in reports) else []

    return await eventually(as_declared, "the topics are as declared")


async def test_a_created_topic_is_as_declared(admin: TopicAdmin, name: str) -> None:
    keeping = {f"{name}-a": ON_ITS_WAY, f"{name}-b": LATEST, f"{name}-c": EVIDENCE}
    before = await inspect(admin, keeping, 2)
    assert [(report.actual, report.drift) for report in before] == [(None, ())] * 3
    assert await admin.ensure(list(keeping), 2, keeping) == list(keeping)
    reports = await once_settled(admin, keeping, 2)
    assert {report.actual for report in reports} == {Shape(2, 1)}
    found = [{name: report.actual_config[name] for name in report.config} for report in reports]
    assert found == [
        {"cleanup.policy": "delete", "retention.ms": str(7 * DAY), "min.insync.replicas": "1"},
        {"cleanup.policy": "compact", "min.compaction.lag.ms": str(7 * DAY), "min.insync.replicas": "1"},
        {"cleanup.policy": "delete", "retention.ms": str(30 * DAY), "min.insync.replicas": "1"},
    ]


async def test_everything_that_differs_is_named(admin: TopicAdmin, name: str) -> None:
    await admin.ensure([name], 2, {name: Keeping(days=1)})
    assert await drift_of(admin, {name: Keeping(days=2)}, 3) == [
        ("2 partitions instead of 3", f"retention.ms is {DAY} instead of {2 * DAY}")
    ]
    (kept,) = await drift_of(admin, {name: LATEST}, 2)
    assert "cleanup.policy is delete instead of compact" in kept


async def test_a_new_topic_that_another_broker_has_not_heard_of_does_not_exist_yet(
    admin: TopicAdmin, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each question goes to any broker of the cluster: one lists the topic, the next one knows no partitions of it."""
    await admin.ensure([name], 2, {name: Keeping(days=1)})

    async def listed() -> list[str]:
        return [name, f"{name}-new"]

    async def described(names: Sequence[str]) -> list[dict[str, object]]:
        known = await AIOKafkaAdminClient.describe_topics(admin._admin, [name])
        return [*known, *({"topic": other, "partitions": []} for other in names if other != name)]

    monkeypatch.setattr(admin._admin, "list_topics", listed)
    monkeypatch.setattr(admin._admin, "describe_topics", described)
    assert await admin.shapes([name, f"{name}-new"]) == {name: Shape(2, 1)}


@ALTERS
async def test_settings_and_missing_partitions_are_put_right_and_nothing_else(admin: TopicAdmin, name: str) -> None:
    keeping = {name: Keeping(days=2)}
    await admin.ensure([name], 2, {name: Keeping(days=1)})
    await admin.set_configs({name: {"max.message.bytes": "2000000"}})

    async def set_by_an_operator() -> bool:
        return (await admin.configs([name]))[name]["max.message.bytes"] == "2000000"

    await eventually(set_by_an_operator, "the broker knows of the operator's setting")
    await put_right(admin, await inspect(admin, keeping, 3))
    (report,) = await once_settled(admin, keeping, 3)
    assert report.actual == Shape(3, 1)
    assert report.actual_config["max.message.bytes"] == "2000000", "what an operator has set stays"


async def test_partitions_are_never_taken_away(admin: TopicAdmin, name: str) -> None:
    await admin.ensure([name], 3, {name: Keeping(days=1)})
    with pytest.raises(UsageError, match="partitions can only be added"):
        await put_right(admin, await inspect(admin, {name: Keeping(days=2)}, 2))
    (report,) = await inspect(admin, {name: Keeping(days=1)}, 3)
    assert report.drift == (), "nothing was changed"


def test_copies_are_reported_and_left_alone() -> None:
    report = TopicReport("t", Shape(2, 3), Shape(2, 1), {}, {})
    assert report.drift == report.as_put_right().drift == ("1 copies instead of 3",)


@pytest.mark.parametrize(("copies", "given", "insync"), [(1, None, "1"), (2, None, "1"), (3, None, "2"), (3, "3", "3")])
async def test_one_copy_may_be_away_unless_told_otherwise(copies: int, given: str | None, insync: str) -> None:
    variables = {"SLUICE_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9", "SLUICE_KAFKA_MIN_INSYNC_REPLICAS": given or ""}
    admin = TopicAdmin(Settings.load(variables).kafka)
    assert admin.config(ON_ITS_WAY, copies)["min.insync.replicas"] == insync


def test_more_copies_in_sync_than_there_are_is_refused() -> None:
    variables = {"SLUICE_KAFKA_MIN_INSYNC_REPLICAS": "3", "SLUICE_KAFKA_REPLICATION_FACTOR": "2"}
    with pytest.raises(UsageError, match="SLUICE_KAFKA_MIN_INSYNC_REPLICAS"):
        Settings.load(variables)


def test_what_the_pipeline_keeps() -> None:
    keeping = CLASSIFICATION.keeping()
    assert keeping[COMPLETED.name].newest
    assert keeping[CLASSIFICATION.dead_letters.name] == keeping[BATCHES.name] == EVIDENCE
    assert keeping[INGEST.name].days > keeping["classification.normalize.retry"].days
    assert set(keeping) == set(CLASSIFICATION.topic_names())
