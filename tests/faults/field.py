"""Where the harm is done: classification on three brokers of Apache Kafka, every stage in a process of its own."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from services.classification.pipeline import CLASSIFICATION
from shared.service.child import ChildProcess
from shared.service.supervisor import Supervisor
from tests.contract.waiting import eventually
from tests.faults.brokers import in_sync
from tests.integration.whole_pipeline import COMMAND, WholePipeline, pipeline_on
from tests.kafka.apache import ApacheKafka
from tests.kafka.backend import broker_variables

BROKERS = 3
SOUND_SECONDS = 60.0
SETTINGS = {
    "worker_processes": len(CLASSIFICATION.stages),
    "batch_max_records": 50,  # a run of many small batches: whenever harm is done, some are under way
    "drain_seconds": 10,
    "kafka_session_timeout_ms": 6000,
    "kafka_heartbeat_interval_ms": 1000,
    "kafka_request_timeout_ms": 15_000,
    "database_statement_timeout": 10,
}


@dataclass
class Field:
    """A running pipeline and the brokers that it runs on."""

    pipeline: WholePipeline
    cluster: ApacheKafka
    directory: Path

    @asynccontextmanager
    async def replicas(self, *stages: str) -> AsyncIterator[Supervisor]:
        """Further processes for as long as the context lasts, one for each of these stages."""
        embedded = self.pipeline.settings.embedded.model_copy(update={"state_dir": self.directory / "replicas"})
        settings = self.pipeline.settings.model_copy(update={"embedded": embedded})  # for logs of their own
        chosen = [stage for stage in CLASSIFICATION.stages if stage.name in stages]
        async with Supervisor(settings, chosen, COMMAND, print) as running:
            yield running

    async def sound(self) -> None:
        """Wait until nothing is left of an earlier fault: brokers in sync, every stage process at work."""

        async def whole() -> bool:
            return await in_sync(self.cluster) and all([await _ready(child) for child in self.pipeline.stages.children])

        await eventually(whole, "brokers and stages are sound", SOUND_SECONDS)


async def _ready(child: ChildProcess) -> bool:
    try:
        async with httpx.AsyncClient(timeout=5) as client:
            return (await client.get(f"{child.address}/health/ready")).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False


@asynccontextmanager
async def field(
    directory: Path,
    environment: Mapping[str, str] | None = None,
    *,
    servers: Mapping[str, str] | None = None,
    cluster: ApacheKafka | None = None,
    **variables: Any,
) -> AsyncIterator[Field]:
    """Start brokers, database and stages; `variables` are those of Sluice by short names.

    The `environment`, in full names, is that of the stages alone: it may name another way to the same servers, such as
    a proxy. `servers` are those that the scenario has started itself, named by variables: a database in place of the
    embedded one. A `cluster` that has not been started yet takes the place of the usual one.
    """
    async with AsyncExitStack() as running:
        if cluster is None:
            cluster = ApacheKafka(directory, BROKERS)
        running.push_async_callback(cluster.stop)
        ours = {**broker_variables(await cluster.start()), **(servers or {})}
        pipeline = await running.enter_async_context(
            pipeline_on(ours, directory, environment, **{**SETTINGS, **variables})
        )
        pipeline.kafka.forget()  # the brokers will be gone
        yield Field(pipeline, cluster, directory)
