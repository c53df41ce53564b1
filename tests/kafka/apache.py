"""Apache Kafka from its own published jars: brokers that are controllers as well, on loopback, with a small heap.

    cluster = ApacheKafka(directory, brokers=3)
    address = await cluster.start()
    cluster.nodes[1].kill()

Data, configuration and logs lie under `directory`. The brokers end with the process that started them.
"""

import asyncio
import os
import re
import shutil
import signal
import subprocess
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

from shared.embedded.broker import cluster_of
from shared.embedded.process import LOOPBACK, StartError, free_port, run, spawn, stop, tail
from tests.contract.waiting import eventually

HERE = Path(__file__).resolve().parent
JARS = HERE / "jars"
ARCHIVE = JARS / "classes.jsa"
"""The classes of a broker as they lie in memory, if `tests.kafka.archive` was run: brokers start in half the time."""
JAVA_AT_LEAST = 17
ATTEMPTS = 4
START_SECONDS = 60.0
JVM = (
    "-Xms64m",
    "-Xmx512m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",  # a test broker is gone before the better compiler has paid for itself
    f"-Dlog4j2.configurationFile={HERE / 'log4j2.properties'}",
)


class UnavailableError(RuntimeError):
    """A back end that was asked for cannot be had: why, and what to do."""


def version() -> str:
    """Version of the jars. Raises UnavailableError if there are none."""
    names = [path.name for path in JARS.glob("kafka_2.13-*.jar")]
    if not names:
        raise UnavailableError(f"no jars of Apache Kafka in {JARS}; `make kafka-jars` fetches them (it needs Maven)")
    return names[0].removeprefix("kafka_2.13-").removesuffix(".jar")


@cache
def java() -> str:
    """Path of a Java that is new enough. Raises UnavailableError."""
    home = os.environ.get("JAVA_HOME")
    found = str(Path(home) / "bin" / "java") if home else shutil.which("java")
    needed = f"install Java {JAVA_AT_LEAST} or newer, or point JAVA_HOME at one"
    if not found or not Path(found).exists():
        raise UnavailableError(f"Apache Kafka needs Java, and there is none; {needed}")
    said = subprocess.run([found, "-version"], capture_output=True, text=True, check=False).stderr
    number = re.search(r'version "(\d+)', said)
    if not number or int(number[1]) < JAVA_AT_LEAST:
        raise UnavailableError(f"{found} is too old for Apache Kafka: {said.splitlines()[:1]}; {needed}")
    return found


@dataclass(frozen=True)
class Security:
    """Ways in beside the plain one, which brokers and tests use among themselves; and the users who log in there."""

    listeners: Mapping[str, str]
    """The security protocol of each, by its name."""
    properties: Mapping[str, object]
    users: Sequence[str] = ()
    """For SCRAM, as kafka-storage is told them."""


OPEN = Security({}, {})


class Outside(NamedTuple):
    """A second listener of a broker, for clients on whose way to it something stands."""

    port: int
    advertised: int
    """The port at which clients are told to look for it: not its own, but that of what stands in the way."""


class Node:
    """One broker. Stop it, kill it, suspend it and start it again: it keeps its ports and its data."""

    def __init__(self, number: int, directory: Path, security: Security = OPEN, outside: Outside | None = None) -> None:
        self.number = number
        self._outside = outside
        self.port = free_port()
        self.controller_port = free_port()
        self.ports = {name: free_port() for name in security.listeners}
        self._users = security.users
        self.log = directory / f"broker-{number}.log"
        self._properties = directory / f"broker-{number}.properties"
        self._data = directory / f"data-{number}"
        self.process: asyncio.subprocess.Process | None = None

    async def format(self, cluster: str, properties: Mapping[str, object]) -> None:
        """Write the configuration, and give the empty data directory its cluster."""
        own = {"node.id": self.number, **self._listeners(), "log.dirs": self._data}
        lines = [f"{name}={value}\n" for name, value in {**properties, **own}.items()]
        self._properties.write_text("".join(lines))
        users = [word for user in self._users for word in ("--add-scram", user)]
        command = _java("kafka.tools.StorageTool", "format", "-t", cluster, "-c", self._properties, *users)
        code = await run(command, self.log)
        if code:
            raise StartError(f"the data directory of Apache Kafka was not formatted:\n{tail(self.log)}")

    def _listeners(self) -> dict[str, str]:
        ports = {"CLIENT": self.port, "CONTROLLER": self.controller_port, **self.ports}
        if self._outside is None:
            return {"listeners": _addresses(ports)}
        advertised = {"CLIENT": self.port, **self.ports, "OUTSIDE": self._outside.advertised}
        return {
            "listeners": _addresses(ports | {"OUTSIDE": self._outside.port}),
            "advertised.listeners": _addresses(advertised),
        }

    def move(self, port: int) -> None:
        """Have it listen on another port from its next start."""
        text = self._properties.read_text()
        self._properties.write_text(text.replace(f"CLIENT://{LOOPBACK}:{self.port},", f"CLIENT://{LOOPBACK}:{port},"))
        self.port = port

    async def start(self, *options: str) -> None:
        """Start the process, with further `options` of the JVM; `answers` tells when it is up."""
        command = _java("kafka.Kafka", self._properties, options=options)
        self.process = await spawn(command, self.log, env={"LC_ALL": "C.UTF-8"})

    async def answers(self, cluster: str) -> bool:
        """Wait until it answers as a member of the cluster, or has given up."""
        assert self.process is not None
        while self.process.returncode is None:
            if await cluster_of(self.port) == cluster:
                return True
            await asyncio.sleep(0.05)
        return False

    async def stop(self) -> None:
        """SIGTERM: it hands its partitions over first."""
        if self.process:
            await stop(self.process, signal.SIGTERM, grace=30)

    async def kill(self) -> None:
        """SIGKILL."""
        if self.process:
            await stop(self.process, signal.SIGKILL, grace=5)

    def suspend(self) -> None:
        """SIGSTOP: it keeps its connections and says nothing."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT."""
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)


class ApacheKafka:
    """A cluster of one broker or several. The first ones have the listeners `outside` as well."""

    def __init__(
        self,
        directory: Path,
        brokers: int = 1,
        properties: Mapping[str, object] | None = None,
        security: Security = OPEN,
        outside: Sequence[Outside] = (),
    ) -> None:
        self._directory = directory / "kafka"
        self._outside = [*outside, *[None] * (brokers - len(outside))]
        self._properties = {**security.properties, **(properties or {})}
        self._security = security
        self.cluster = urlsafe_b64encode(uuid4().bytes).rstrip(b"=").decode().replace("-", "A")
        self.nodes: list[Node] = []

    async def start(self) -> str:
        """Format and start all brokers; on other ports if somebody was faster. Returns host:port, comma between."""
        for _ in range(ATTEMPTS):
            await self._prepare()
            await asyncio.gather(*(node.start() for node in self.nodes))
            async with asyncio.timeout(START_SECONDS):
                if all(await asyncio.gather(*(node.answers(self.cluster) for node in self.nodes))):
                    await self.complete()
                    return self.address
            await self.stop()
        raise StartError("Apache Kafka did not start:\n" + "\n".join(tail(node.log) for node in self.nodes))

    @property
    def address(self) -> str:
        """Where clients connect."""
        return ",".join(f"{LOOPBACK}:{node.port}" for node in self.nodes)

    async def _prepare(self) -> None:
        shutil.rmtree(self._directory, ignore_errors=True)
        self._directory.mkdir(parents=True)
        self.nodes = [
            Node(number, self._directory, self._security, outside)
            for number, outside in enumerate(self._outside, start=1)
        ]
        properties = _properties(self.nodes, self._security.listeners) | self._properties
        await asyncio.gather(*(node.format(self.cluster, properties) for node in self.nodes))

    async def complete(self) -> None:
        """Wait until every broker that runs is in the cluster."""
        alive = [node for node in self.nodes if node.process and node.process.returncode is None]

        async def all_there() -> bool:
            return await _members(alive[0].port) >= len(alive)

        await eventually(all_there, f"{len(alive)} brokers form a cluster", START_SECONDS)

    async def stop(self) -> None:
        """End every broker at once: nobody wants their data any more."""
        await asyncio.gather(*(node.kill() for node in self.nodes))


async def _members(port: int) -> int:
    """How many brokers one of them knows."""
    from aiokafka.admin import AIOKafkaAdminClient  # noqa: PLC0415 -- the check of what can be had needs none of it

    admin = AIOKafkaAdminClient(bootstrap_servers=f"{LOOPBACK}:{port}")
    await admin.start()
    try:
        return len((await admin.describe_cluster())["brokers"])
    finally:
        await admin.close()


def _java(main: str, *arguments: object, options: Sequence[str] = ()) -> Sequence[str | Path]:
    shared = [f"-XX:SharedArchiveFile={ARCHIVE}"] if ARCHIVE.exists() else []
    return [java(), *JVM, *shared, *options, "-cp", f"{JARS}/*", main, *map(str, arguments)]


def _addresses(ports: Mapping[str, int]) -> str:
    return ",".join(f"{name}://{LOOPBACK}:{port}" for name, port in ports.items())


def _properties(nodes: Sequence[Node], listeners: Mapping[str, str]) -> dict[str, object]:
    """The defaults of Apache Kafka, but for the size of the machine and the patience of a test."""
    copies = min(3, len(nodes))
    protocols = {"CLIENT": "PLAINTEXT", "CONTROLLER": "PLAINTEXT", "OUTSIDE": "PLAINTEXT", **listeners}
    return {
        "process.roles": "broker,controller",
        "controller.quorum.voters": ",".join(f"{n.number}@{LOOPBACK}:{n.controller_port}" for n in nodes),
        "controller.listener.names": "CONTROLLER",
        "inter.broker.listener.name": "CLIENT",
        "listener.security.protocol.map": ",".join(f"{name}:{protocol}" for name, protocol in protocols.items()),
        "auto.create.topics.enable": "false",
        "default.replication.factor": copies,
        "min.insync.replicas": max(1, copies - 1),
        "offsets.topic.replication.factor": copies,
        "offsets.topic.num.partitions": 4,
        "transaction.state.log.replication.factor": copies,
        "transaction.state.log.min.isr": max(1, copies - 1),
        "transaction.state.log.num.partitions": 4,
        "group.initial.rebalance.delay.ms": 0,
        "group.min.session.timeout.ms": 1000,
        "log.index.size.max.bytes": 1_048_576,  # an index is made in full size for every partition there is
        "log.message.timestamp.after.max.ms": 2**63 - 1,  # tests write impossible times, which a broker may let through
        "num.network.threads": 2,
        "num.io.threads": 4,
    }
