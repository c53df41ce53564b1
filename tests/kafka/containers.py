"""Kafka and PostgreSQL in containers, through the testcontainers library; it needs a Docker engine.

The library is no development dependency: `pip install 'testcontainers>=4.15'` brings it. Without a registry, local
images of these names will do, and TESTCONTAINERS_RYUK_DISABLED=true spares the library an image of its own.
"""

import asyncio
import importlib.util
from pathlib import Path
from typing import Any

from tests.kafka.apache import UnavailableError

KAFKA_IMAGE = "confluentinc/cp-kafka:8.1.0"
POSTGRES_IMAGE = "postgres:18"
START_SECONDS = 180
"""The library's own 30 are too few for a broker on a machine that others use too."""


def require() -> None:
    """Raise UnavailableError if the library or the engine is missing."""
    if importlib.util.find_spec("testcontainers") is None:
        raise UnavailableError("the package testcontainers is not installed; pip install 'testcontainers>=4.15'")
    import docker  # noqa: PLC0415 -- comes with testcontainers, which is optional

    try:
        docker.from_env().ping()
    except docker.errors.DockerException as error:
        raise UnavailableError(f"no Docker engine answers: {error}; start one, or set DOCKER_HOST") from error


class KafkaInContainer:
    """One broker in a container."""

    def __init__(self, _: Path) -> None:
        self._container: Any = None

    async def start(self) -> str:
        """Start it, and return its address."""
        from testcontainers.community.kafka import KafkaContainer  # noqa: PLC0415 -- optional

        self._container = KafkaContainer(KAFKA_IMAGE).with_kraft()
        self._container.with_env("KAFKA_GROUP_MIN_SESSION_TIMEOUT_MS", "1000")
        self._container.with_env("KAFKA_AUTO_CREATE_TOPICS_ENABLE", "false")
        await asyncio.to_thread(self._container.start, START_SECONDS)
        return str(self._container.get_bootstrap_server())

    async def stop(self) -> None:
        """Remove it."""
        if self._container:
            await asyncio.to_thread(self._container.stop)
            self._container = None


class PostgresInContainer:
    """One database server in a container."""

    def __init__(self) -> None:
        self._container: Any = None

    async def start(self) -> str:
        """Start it, and return its URL."""
        from testcontainers.community.postgres import PostgresContainer  # noqa: PLC0415 -- optional

        self._container = PostgresContainer(POSTGRES_IMAGE, driver=None)
        await asyncio.to_thread(self._container.start)
        return str(self._container.get_connection_url())

    async def stop(self) -> None:
        """Remove it."""
        if self._container:
            await asyncio.to_thread(self._container.stop)
            self._container = None
