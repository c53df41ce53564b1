"""Ground whose servers may be hurt: database and broker on small disks of their own, and the stages behind lines."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from shared.embedded.process import LOOPBACK, free_port
from tests.contract.waiting import eventually
from tests.faults.disk import SmallDisk, small_disk
from tests.faults.field import Field, field
from tests.faults.fragile_postgres import FragilePostgres
from tests.faults.line import Line
from tests.faults.scenario import END_SECONDS
from tests.kafka.apache import ApacheKafka, Outside

BROKER, DATABASE = SERVERS = ("broker", "database")
SETTINGS = {
    "worker_processes": 4,
    "database_statement_timeout": 5,
    "database_connect_timeout": 5,
    "kafka_request_timeout_ms": 10_000,
}
"""A fault is noticed within seconds."""
AS_INSTALLED = {"log.message.timestamp.after.max.ms": 3_600_000}


@dataclass
class Fragile:
    """The field, and what its stages stand on; the test itself reaches both servers directly."""

    field: Field
    postgres: FragilePostgres
    database_url: str
    disks: Mapping[str, SmallDisk]
    lines: Mapping[str, Line]

    async def hindered(self, word: str) -> None:
        """Wait until a stage says that it does not work, for a reason that mentions this."""
        seen: dict[str, str] = {}

        async def look() -> bool:
            seen.update(await self.field.pipeline.stages.hindrances())
            return any(word in reason for reason in seen.values())

        try:
            await eventually(look, f"a stage mentions {word!r}", END_SECONDS)
        except AssertionError as error:
            error.add_note(f"seen: {seen}")
            raise


@asynccontextmanager
async def fragile(
    directory: Path, environment: Mapping[str, str] | None = None, *, megabytes: int = 1024
) -> AsyncIterator[Fragile]:
    """Start the servers, each on a disk of so many megabytes, and the stages, whose own the `environment` is."""
    outside = free_port()
    async with AsyncExitStack() as running:
        disks = {name: running.enter_context(small_disk(directory / name, megabytes)) for name in SERVERS}
        postgres = FragilePostgres(disks[DATABASE].path)
        running.push_async_callback(postgres.stop)
        url = await postgres.start()
        ports = {BROKER: outside, DATABASE: postgres.port}
        lines = {name: await running.enter_async_context(Line(LOOPBACK, port)) for name, port in ports.items()}
        listener = Outside(outside, advertised=lines[BROKER].port)
        ground = field(
            directory,
            {
                "SLUICE_DATABASE_URL": _by_port(url, lines[DATABASE].port),
                "SLUICE_KAFKA_BOOTSTRAP_SERVERS": f"{LOOPBACK}:{lines[BROKER].port}",
                **(environment or {}),
            },
            servers={"SLUICE_DATABASE_URL": url},
            cluster=ApacheKafka(disks[BROKER].path, properties=AS_INSTALLED, outside=[listener]),
            **SETTINGS,
        )
        yield Fragile(await running.enter_async_context(ground), postgres, url, disks, lines)


def _by_port(url: str, port: int) -> str:
    """The address of the same database, at the end of a line."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.replace(f":{parts.port}", f":{port}")))
