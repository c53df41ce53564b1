"""What the lines at the level of the gateway stand on: one Postgres, a simulated vendor, a fleet of replicas."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

from pydantic import SecretStr

from shared.database import Database, apply_migrations
from shared.embedded.stack import embedded_stack
from shared.settings import DatabaseSettings, Settings
from tests.benchmarks.llm.fleet import Fleet, running_fleet
from tests.benchmarks.llm.replica import Setup
from tests.benchmarks.running import state_directory
from tests.simulated_vendor import SimulatedVendor, running_simulator

VENDOR = "tests.benchmarks.llm.vendor"
FAULTS = {"server_error": 0.01}
RECOVERY = "/ 5)"
"""In the statement by which a cut limit grows back: two points every five seconds."""
ENOUGH_IN_FLIGHT = 3
"""Times the calls that a replica needs in flight to use the whole limit alone, as latencies scatter."""


@dataclass(frozen=True)
class Scene:
    """A vendor and the replicas that ask it. Rates and times are the vendor's own; `scale` makes all of it faster."""

    rpm: float = 3_000
    scale: float = 1.0
    configured: float = 1.0
    """Times the vendor's limit that we are told."""
    announce: bool = True
    items: int = 1
    """Of a call."""
    concurrency: int = 0
    """Calls in flight of a replica; 0: enough."""
    latency: float = 2.0
    linger_ms: int = 50
    replicas: int = 4
    faults: Mapping[str, float] = field(default_factory=lambda: FAULTS)
    window: int = 0
    """Chunks a replica holds; 0: enough for its calls."""
    budget_usd: float = 0.0
    gives_up: bool = False
    variables: Mapping[str, str] = field(default_factory=dict)

    @property
    def calls_a_second(self) -> float:
        """What the vendor allows, in real time."""
        return self.rpm * self.scale / 60

    @property
    def in_flight(self) -> int:
        """Calls of one replica at a time."""
        return self.concurrency or max(16, int(ENOUGH_IN_FLIGHT * self.rpm / 60 * self.latency))

    def at(self, scale: float) -> str:
        """For the column that says how."""
        return f"{self.replicas} processes, time 1:{self.scale:g}" if scale != 1 else f"{self.replicas} processes, 1:1"


class Stage:
    """A scene being played."""

    def __init__(self, scene: Scene, vendor: SimulatedVendor, fleet: Fleet, database: Database) -> None:
        self.scene = scene
        self.vendor = vendor
        self.fleet = fleet
        self.database = database

    async def rate(self, begin: float, end: float) -> float:
        """Calls a second that the vendor let pass, over whole seconds between two moments."""
        return seconds_between(await self.vendor.stats(), begin, end)


def seconds_between(stats: Mapping[str, Any], begin: float, end: float, what: str = "admitted") -> float:
    """Mean over the whole seconds from `begin` to `end`."""
    first, last = int(begin) + 1, int(end)
    found = sum(second[what] for second in stats["seconds"] if first <= second["at"] < last)
    return float(found) / max(1, last - first)


class Ground:
    """One Postgres for all scenes; each gets a database of its own unless it goes on with another's."""

    def __init__(self, server_url: str) -> None:
        self._server_url = server_url

    async def new_database(self, scale: float = 1.0) -> str:
        """Address of a migrated database in which a limit that was cut grows back as fast as time is scaled."""
        name = f"bench_{uuid4().hex[:8]}"
        async with Database(DatabaseSettings(url=SecretStr(self._server_url))) as server:
            await server.execute(f'CREATE DATABASE "{name}"')
        url = urlunsplit(urlsplit(self._server_url)._replace(path=f"/{name}"))
        async with Database(DatabaseSettings(url=SecretStr(url))) as database:
            await apply_migrations(database)
            if scale != 1:
                body = await database.fetchval("SELECT pg_get_functiondef('llm_factor'::regproc)")
                assert RECOVERY in body
                await database.execute(body.replace(RECOVERY, f"/ (5.0 / {scale}))"))
        return url

    @asynccontextmanager
    async def playing(self, scene: Scene, url: str = "") -> AsyncIterator[Stage]:
        """A scene with its vendor and replicas, ready."""
        url = url or await self.new_database(scene.scale)
        options: dict[str, Any] = {
            "rpm": scene.rpm,
            "tpm": 0,
            "latency_mean": scene.latency,
            "time_scale": scene.scale,
            "faults": dict(scene.faults),
            "announce": scene.announce,
        }
        async with (
            running_simulator(process=True, module=VENDOR, **options) as vendor,
            Database(DatabaseSettings(url=SecretStr(url))) as database,
        ):
            setup = Setup(
                name="",
                database_url=url,
                variables=_variables(scene, vendor),
                budget_usd=scene.budget_usd,
                gives_up=scene.gives_up,
            )
            chunk = max(1, scene.items) * 4
            window = scene.window or 2 * max(4, scene.in_flight // 4)
            async with running_fleet(setup, scene.replicas, chunk=chunk, window=window) as fleet:
                yield Stage(scene, vendor, fleet, database)


def _variables(scene: Scene, vendor: SimulatedVendor) -> dict[str, str]:
    return {
        **vendor.environment(),
        "LLM_PROVIDER": "openai",
        "SLUICE_OPENAI_RPM": str(round(scene.rpm * scene.scale * scene.configured)),
        "SLUICE_OPENAI_TPM": "0",
        "SLUICE_LLM_BATCH_ITEMS": str(scene.items),
        "SLUICE_LLM_LINGER_MS": str(max(1, round(scene.linger_ms / scene.scale))),
        "SLUICE_LLM_CONCURRENCY": str(scene.in_flight),
        **scene.variables,
    }


@asynccontextmanager
async def ground() -> AsyncIterator[Ground]:
    """An embedded Postgres for as long as the context lasts."""
    with state_directory() as folder:
        settings = Settings.load({"SLUICE_STATE_DIR": folder, "SLUICE_KAFKA_BOOTSTRAP_SERVERS": "unused:1"})
        async with embedded_stack(settings) as stack:
            assert stack.settings.database.url
            yield Ground(stack.settings.database.url.get_secret_value())


async def until(moment: float) -> None:
    """Wait for a moment, in seconds since the epoch."""
    await asyncio.sleep(max(0.0, moment - time.time()))


__all__ = ["Ground", "Scene", "Stage", "ground", "replace", "seconds_between", "until"]
