"""Least rights on Apache Kafka: the whole pipeline, each stage a user of its own with what is derived for it alone."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import pytest_asyncio
from aiokafka.errors import TopicAuthorizationFailedError

from services.classification.pipeline import CLASSIFICATION, INGEST, TYPE
from shared.broker.producer import Publisher
from shared.broker.reading import existing_partitions
from shared.broker.rights import Right, rights
from shared.database import Database
from shared.database.ledger import batch
from shared.errors import TransientError
from shared.feeding import Feeder, Submission
from shared.runtime.envelope import OutRecord
from shared.settings import Settings
from tests.contract.replica import Replica
from tests.contract.waiting import eventually
from tests.integration.own_broker import with_topics
from tests.kafka import backend
from tests.kafka.secure import SecureKafka

pytestmark = pytest.mark.skipif(backend.CHOSEN != backend.APACHE, reason="only Apache Kafka has ACLs")

SUBMIT, NOBODY = "classification.submit", "nobody"
PARTLY = "partly"
"""May do what the stage `time` may: for `scale` its own group and retry topic lack."""
USERS = [*(stage.full_name for stage in CLASSIFICATION.stages), SUBMIT, NOBODY, PARTLY]
QUICK = {"SLUICE_KAFKA_PARTITIONS": "4", "SLUICE_KAFKA_SESSION_TIMEOUT_MS": "6000", "SLUICE_FETCH_WAIT_MS": "20"}
PATIENCE = 150.0


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def kafka(new_broker: object, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SecureKafka]:
    """With the topics of the pipeline, and what each of its users needs granted."""
    kafka = SecureKafka(tmp_path_factory.mktemp("rights"), USERS)
    address = await kafka.start()
    await with_topics(Settings.load({**QUICK, "SLUICE_KAFKA_BOOTSTRAP_SERVERS": address}).kafka)
    await kafka.grant([*rights(CLASSIFICATION), *like("classification.time", PARTLY)])
    yield kafka
    await kafka.stop()


def like(stage: str, user: str) -> list[Right]:
    """The rights of a stage for another user."""
    return [right._replace(principal=user) for right in rights(CLASSIFICATION) if right.principal == stage]


def variables(kafka: SecureKafka, user: str) -> dict[str, str]:
    login = {"KAFKA_SASL_MECHANISM": "SCRAM-SHA-512", "KAFKA_SASL_USERNAME": user}
    return {**QUICK, **kafka.variables("SASL_PLAINTEXT", **login)}


async def stage(kafka: SecureKafka, name: str, user: str, log: Path, **more: str) -> Replica:
    words = ["-m", "services.cli.main", "run", name, "--port", "PORT"]
    return await Replica.start(words, log, {**variables(kafka, user), **more})


async def test_every_stage_works_with_its_own_rights(
    kafka: SecureKafka, database: Database, database_url: str, tmp_path: Path
) -> None:
    rows = [{"indicator_id": f"I{n}", "name": f"Exports {n}", "units": "USD Million"} for n in range(40)]
    rows.append({"indicator_id": "bad", "name": "", "units": ""})
    settings = Settings.load(variables(kafka, SUBMIT))
    async with AsyncExitStack() as stack:
        replicas = []
        for one in CLASSIFICATION.stages:
            log = tmp_path / f"{one.name}.log"
            replicas.append(await stage(kafka, one.full_name, one.full_name, log, SLUICE_DATABASE_URL=database_url))
            stack.push_async_callback(replicas[-1].kill)
        async with Publisher(settings.kafka, settings.kafka.partitions) as publisher:
            items = [(row["indicator_id"], json.dumps(row)) for row in rows]
            receipt = await Feeder(CLASSIFICATION, database, publisher, settings.feed).submit(Submission(items))

        async def announced() -> bool:
            query = "SELECT announced_at IS NOT NULL FROM batches WHERE batch_id = $1"
            return bool(await database.fetchval(query, receipt.batch.batch_id))

        await eventually(announced, "the batch has ended and was announced", PATIENCE)
        done = await batch(database, receipt.batch.batch_id)
        assert done
        assert (done.total, done.dead_lettered) == (41, 1)
        assert done.completed + done.needs_human == 40
        for one, replica in zip(CLASSIFICATION.stages, replicas, strict=True):
            body = await replica.ready()
            assert body["stages"][one.full_name] == {"state": "running", "reason": ""}
        ends = await asyncio.gather(*(replica.terminate(60) for replica in replicas))
        assert set(ends) == {0}


async def test_whoever_submits_sees_the_edge_as_the_api_checks_it(kafka: SecureKafka) -> None:
    settings = Settings.load(variables(kafka, SUBMIT)).kafka
    assert await existing_partitions(settings, CLASSIFICATION.topic_names()) == {INGEST.name: 4}


async def test_a_user_does_nothing_that_is_not_granted(kafka: SecureKafka) -> None:
    settings = Settings.load(variables(kafka, "classification.family")).kafka
    seen = await existing_partitions(settings, CLASSIFICATION.topic_names())
    mine = [right for right in rights(CLASSIFICATION) if right.principal == "classification.family"]
    assert set(seen) == {right.name for right in mine if right.resource == "topic"}
    async with Publisher(settings, 4) as publisher:
        for topic in (INGEST.name, TYPE.name):
            with pytest.raises(TransientError, match=TopicAuthorizationFailedError.__name__):
                await publisher.publish([OutRecord(topic, b"key", b"{}", [])])


@pytest.mark.parametrize("user", [NOBODY, PARTLY])
async def test_a_stage_without_its_rights_says_so_and_goes_on_when_it_has_them(
    kafka: SecureKafka, tmp_path: Path, user: str
) -> None:
    replica = await stage(kafka, "classification.scale", user, tmp_path / "stage.log")
    try:
        await replica.ready(503)
        await replica.reason("classification.scale", "starting", "sluice topics --acls")
        assert (await replica.health("live"))[0] == 200
        await kafka.grant(like("classification.scale", user))
        await replica.ready()
        assert await replica.terminate() == 0
    finally:
        await replica.kill()
    assert "Traceback" not in (tmp_path / "stage.log").read_text()
