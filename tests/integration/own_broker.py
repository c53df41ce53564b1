"""A broker for one module of tests: the topics of a pipeline have fixed names, so they cannot share one."""

import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiokafka import TopicPartition

from shared.broker.reading import bounds, open_reader
from shared.broker.topics import TopicAdmin
from shared.embedded.stack import embedded_stack
from shared.pipelines import pipelines
from shared.settings import KafkaSettings, Settings
from tests.kafka import backend

PARTITIONS = 4
OwnBroker = tuple[KafkaSettings, Path]
"""How to reach it, and the state directory it belongs to."""


@asynccontextmanager
async def own_broker() -> AsyncIterator[OwnBroker]:
    """A broker without topics."""
    folder = Path(tempfile.mkdtemp(prefix="sluice-commands-"))
    variables = {"SLUICE_STATE_DIR": str(folder), "SLUICE_KAFKA_PARTITIONS": str(PARTITIONS)}
    async with (
        backend.own_servers(folder, database=False) as ours,
        embedded_stack(Settings.load(variables | ours), servers=["broker"]) as stack,
    ):
        yield stack.settings.kafka, folder
    shutil.rmtree(folder, ignore_errors=True)


async def with_topics(kafka: KafkaSettings) -> None:
    """Create the topics of every pipeline."""
    keeping = {name: kept for pipeline in pipelines().values() for name, kept in pipeline.keeping().items()}
    async with TopicAdmin(kafka) as admin:
        await admin.ensure(list(keeping), PARTITIONS, keeping)


def variables_of(broker: OwnBroker, database_url: str) -> dict[str, str]:
    """For commands that shall use it."""
    ours = backend.CHOSEN == backend.EMBEDDED
    return {
        "SLUICE_DATABASE_URL": database_url,
        "SLUICE_STATE_DIR": str(broker[1]),
        "SLUICE_KAFKA_PARTITIONS": str(PARTITIONS),
        **({} if ours else backend.broker_variables(str(broker[0].bootstrap_servers))),
    }


async def newest(kafka: KafkaSettings, topic: str, partition: int) -> Any:
    """The last record of a partition."""
    place = TopicPartition(topic, partition)
    async with open_reader(kafka) as reader:
        _, end = (await bounds(reader, [place]))[place]
        reader.seek(place, end - 1)
        return await reader.getone()


async def end_of(kafka: KafkaSettings, topic: str, partition: int) -> int:
    place = TopicPartition(topic, partition)
    async with open_reader(kafka) as reader:
        return (await bounds(reader, [place]))[place][1]
