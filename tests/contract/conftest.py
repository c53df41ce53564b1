"""A shop for every test: topics and group of its own, and as many replicas of its stages as the test starts."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest_asyncio

from tests.contract.kafka import Kafka, Sent
from tests.contract.replica import Replica
from tests.contract.shop import Gates, Order, make_shop
from tests.contract.wall_clock import WallClock
from tests.kafka.backend import broker_variables

CHILD = "tests.contract.child"
PARTITIONS = 4
SESSION_TIMEOUT_MS = 3000
"""The embedded broker lets a group form after half of it."""


@dataclass
class Shop:
    """One pipeline on one broker."""

    name: str
    kafka: Kafka
    gates: Gates
    replicas: list[Replica] = field(default_factory=list)
    partitions: int = PARTITIONS
    clock: WallClock | None = None
    """By which its processes tell the time of day; None: the machine's."""

    @property
    def orders(self) -> str:
        return f"{self.name}.orders"

    @property
    def priced(self) -> str:
        return f"{self.name}.priced"

    @property
    def dead_letters(self) -> str:
        return f"{self.name}.dead-letter"

    @property
    def retry(self) -> str:
        return f"{self.name}.price.retry"

    @property
    def group(self) -> str:
        return f"{self.name}.price"

    async def start(self, *stages: str, **settings: object) -> Replica:
        """Start a process of the stages, `price` if none is named; settings by their short names."""
        log = self.gates.directory / f"replica-{len(self.replicas)}.log"
        words = self.clock.words(CHILD) if self.clock else ["-m", CHILD]
        command = [*words, self.name, str(self.gates.directory), "PORT", *(stages or ("price",))]
        replica = await Replica.start(command, log, self._environment(settings))
        self.replicas.append(replica)
        return replica

    def _environment(self, settings: dict[str, object]) -> dict[str, str]:
        variables = {
            "KAFKA_PARTITIONS": self.partitions,
            "KAFKA_SESSION_TIMEOUT_MS": SESSION_TIMEOUT_MS,
            "KAFKA_HEARTBEAT_INTERVAL_MS": 500,
            "FETCH_WAIT_MS": 20,
            "DRAIN_SECONDS": 10,
            "RETRY_FIRST_DELAY_SECONDS": 0.05,
            "RETRY_MAX_DELAY_SECONDS": 0.2,
            "LOG_LEVEL": "INFO",
            **{name.upper(): value for name, value in settings.items()},
        }
        ours = {f"SLUICE_{name}": str(value) for name, value in variables.items()}
        return broker_variables(self.kafka.address) | ours

    async def order(self, *orders: Order, topic: str | None = None, **changes: Any) -> None:
        """Write orders, keyed by id."""
        records = [Sent(o.model_dump_json().encode(), key=o.id.encode(), **changes) for o in orders]
        await self.kafka.send(topic or self.orders, records)


@pytest_asyncio.fixture(loop_scope="session")
async def kafka(broker: str) -> AsyncIterator[Kafka]:
    """The broker under test."""
    async with Kafka(broker) as kafka:
        yield kafka


@pytest_asyncio.fixture(loop_scope="session")
async def shop(kafka: Kafka, tmp_path: Path) -> AsyncIterator[Shop]:
    """A shop whose topics exist; its processes are ended with the test."""
    shop = Shop(f"shop-{uuid4().hex[:8]}", kafka, Gates(tmp_path))
    await kafka.create(make_shop(shop.name, shop.gates).topic_names(), PARTITIONS)
    yield shop
    for replica in shop.replicas:
        await replica.kill()
