"""TLS and SASL against Apache Kafka: stages, commands and feeder work, and whoever is not let in is told why."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest
import pytest_asyncio

from services.classification.pipeline import CLASSIFICATION
from shared.broker.lag import stage_lags
from shared.broker.producer import Publisher
from shared.broker.scan import trace
from shared.database import Database
from shared.embedded.process import LOOPBACK
from shared.feeding import Feeder, Submission
from shared.settings import Settings
from tests.contract.replica import Replica
from tests.contract.waiting import eventually
from tests.kafka import backend
from tests.kafka.secure import SECRET, SecureKafka

pytestmark = pytest.mark.skipif(backend.CHOSEN != backend.APACHE, reason="only Apache Kafka has TLS, SASL and ACLs")

STAGES = ("classification.normalize", "classification.scale")
QUICK = {"SLUICE_KAFKA_PARTITIONS": "2", "SLUICE_KAFKA_SESSION_TIMEOUT_MS": "3000", "SLUICE_FETCH_WAIT_MS": "20"}
PATIENCE = 90.0
WRONG_SECRET = f"not-{SECRET}"


@dataclass(frozen=True)
class Answer:
    """What a command came to, and all it printed."""

    code: int
    out: str
    err: str


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def kafka(new_broker: object, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SecureKafka]:
    kafka = SecureKafka(tmp_path_factory.mktemp("secure"))
    await kafka.start()
    yield kafka
    await kafka.stop()


async def command(variables: Mapping[str, str], *words: str) -> Answer:
    """Run `sluice` as a shell would."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.cli.main", *words),
        env={**QUICK, **variables},
        cwd=Path(__file__).parents[2],
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    return Answer(process.returncode or 0, out.decode(), err.decode())


async def stages(variables: Mapping[str, str], log: Path, *names: str) -> Replica:
    """Start a process of stages."""
    words = ["-m", "services.cli.main", "run", *names, "--port", "PORT"]
    return await Replica.start(words, log, {**QUICK, **variables})


@pytest.mark.parametrize(
    ("protocol", "more"),
    [
        ("SSL", {}),
        ("SASL_SSL", {"KAFKA_SASL_MECHANISM": "SCRAM-SHA-512"}),
        ("SASL_SSL", {"KAFKA_SASL_MECHANISM": "SCRAM-SHA-256"}),
        ("SASL_SSL", {"KAFKA_SASL_MECHANISM": "PLAIN"}),
        ("SASL_PLAINTEXT", {"KAFKA_SASL_MECHANISM": "PLAIN"}),
        ("SASL_PLAINTEXT", {"KAFKA_SASL_MECHANISM": "SCRAM-SHA-256"}),
    ],
    ids=lambda value: value if isinstance(value, str) else "-".join(value.values()) or "client-certificate",
)
async def test_stages_commands_and_feeder_work_over_it(
    kafka: SecureKafka, database: Database, database_url: str, tmp_path: Path, protocol: str, more: dict[str, str]
) -> None:
    variables = kafka.variables(protocol, DATABASE_URL=database_url, **more)
    created = await command(variables, "topics", "--json")
    assert created.code == 0, created.err
    assert {row["state"] for row in json.loads(created.out)} <= {"ok", "created"}

    settings = Settings.load({**QUICK, **variables})
    ids = [f"{uuid4().hex[:8]}-{number}" for number in range(20)]
    items = [(name, json.dumps({"indicator_id": name, "name": "Exports", "units": "USD Million"})) for name in ids]
    async with Publisher(settings.kafka, settings.kafka.partitions) as publisher:
        await Feeder(CLASSIFICATION, database, publisher, settings.feed).submit(Submission(items))
    replica = await stages(variables, tmp_path / "stages.log", *STAGES)
    await replica.ready()

    async def worked() -> bool:
        lags = await stage_lags(settings.kafka, [CLASSIFICATION.find(name) for name in STAGES])
        return all(lag.lag == 0 and lag.partitions for lag in lags)

    await eventually(worked, "both stages have worked all there is", PATIENCE)
    seen = await trace(settings.kafka, CLASSIFICATION, ids[-1], limit=100, seconds=PATIENCE)
    topics = [sighting.topic for sighting in seen.sightings]
    assert sorted(topics) == [
        "classification.facets",  # the item itself, and its scale
        "classification.facets",
        "classification.normalized",
        "indicators.ingest",
    ]
    lag = await command(variables, "lag", *STAGES, "--json")
    assert [row["lag"] for row in json.loads(lag.out)] == [0, 0], lag.err
    assert await replica.terminate() == 0
    assert SECRET not in created.err + lag.err + replica.log()


Way = Callable[[SecureKafka], dict[str, str]]


def way(protocol: str, **more: str) -> Way:
    return lambda kafka: kafka.variables(protocol, **more)


SCRAM = {"KAFKA_SASL_MECHANISM": "SCRAM-SHA-512"}
UNCERTIFIED = {"KAFKA_SSL_CERTFILE": "", "KAFKA_SSL_KEYFILE": ""}
WRONG: dict[str, tuple[Way, str]] = {
    "wrong password": (way("SASL_SSL", **SCRAM, KAFKA_SASL_PASSWORD=WRONG_SECRET), "SLUICE_KAFKA_SASL_PASSWORD"),
    "wrong password, plain": (way("SASL_PLAINTEXT", KAFKA_SASL_PASSWORD=WRONG_SECRET), "SLUICE_KAFKA_SASL_PASSWORD"),
    "unknown user": (way("SASL_SSL", **SCRAM, KAFKA_SASL_USERNAME="who"), "SLUICE_KAFKA_SASL_USERNAME"),
    "another authority": (
        lambda kafka: kafka.variables("SASL_SSL", KAFKA_SSL_CAFILE=str(kafka.stranger)),
        "set SLUICE_KAFKA_SSL_CAFILE",
    ),
    "another host name": (
        lambda kafka: kafka.variables("SASL_SSL", KAFKA_BOOTSTRAP_SERVERS=f"localhost:{kafka.port('SASL_SSL')}"),
        "use the name in SLUICE_KAFKA_BOOTSTRAP_SERVERS",
    ),
    "no client certificate": (way("SSL", **UNCERTIFIED), "SLUICE_KAFKA_SSL_CERTFILE"),
    "a stranger's client certificate": (
        lambda kafka: kafka.variables(
            "SSL", KAFKA_SSL_CERTFILE=str(kafka.strange_client[0]), KAFKA_SSL_KEYFILE=str(kafka.strange_client[1])
        ),
        "SLUICE_KAFKA_SSL_CERTFILE",
    ),
    "no TLS where there is TLS": (
        lambda kafka: {"SLUICE_KAFKA_BOOTSTRAP_SERVERS": f"{LOOPBACK}:{kafka.port('SSL')}"},
        "check SLUICE_KAFKA_SECURITY_PROTOCOL",
    ),
    "TLS where there is none": (
        lambda kafka: kafka.variables("SASL_SSL", KAFKA_BOOTSTRAP_SERVERS=f"{LOOPBACK}:{kafka.port('SASL_PLAINTEXT')}"),
        "check SLUICE_KAFKA_SECURITY_PROTOCOL",
    ),
    "no login where there is one": (
        lambda kafka: {"SLUICE_KAFKA_BOOTSTRAP_SERVERS": f"{LOOPBACK}:{kafka.port('SASL_PLAINTEXT')}"},
        "check SLUICE_KAFKA_SECURITY_PROTOCOL",
    ),
}


@pytest.mark.parametrize("wrong", WRONG)
async def test_whoever_is_not_let_in_is_told_why_and_waits(kafka: SecureKafka, tmp_path: Path, wrong: str) -> None:
    make, remedy = WRONG[wrong]
    variables = make(kafka)
    answer = await command(variables, "lag", "classification.scale")
    assert (answer.code, answer.out) == (1, "")
    assert remedy in answer.err

    replica = await stages(variables, tmp_path / "stage.log", "classification.scale")
    try:
        await replica.ready(503)
        await replica.reason("classification.scale", "starting", remedy)
        assert (await replica.health("live"))[0] == 200
        log = (tmp_path / "stage.log").read_text()
        assert await replica.terminate() == 0
    finally:
        await replica.kill()
    for text in (answer.err, log):
        assert "Traceback" not in text
        assert SECRET not in text
