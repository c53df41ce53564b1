"""The stage process: FastStream hosts it, the workers do the work, SIGTERM drains it."""

import asyncio
import contextlib
import gc
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

import structlog
from faststream.asgi import AsgiFastStream
from faststream.specification import AsyncAPI
from prometheus_client import make_asgi_app

from shared.broker.host import StageSubscriber, make_broker
from shared.broker.producer import Publisher
from shared.database import Database, missing_migrations
from shared.errors import SluiceError, TransientError, UsageError
from shared.runtime.clock import SystemClock
from shared.runtime.declaration import Pipeline, Stage, Sweep, requested_resources
from shared.service.models import asks, make_gateway
from shared.service.probes import live_route, ready_route
from shared.service.wiring import Resources, make_worker, uses_database
from shared.settings import RuntimeSettings, Settings
from shared.telemetry.exporting import exporting
from shared.telemetry.metrics import REGISTRY

log = structlog.get_logger()

WATCH_SECONDS = 5.0
DATABASE_CHECK_SECONDS = 2.0
RECONNECT_SECONDS = 1.0
SWEEP_GRACE_SECONDS = 3.0
CLOSE_SECONDS = 5.0
"""For each of broker, database and gateway. With the grace of the sweeps they come after the drain of the stages."""
SERVER_GRACE_SECONDS = 5.0
"""Beyond the drain, for the requests that are being answered."""


class StageProcess:
    """One process that is the given stages, with health and metrics on one port."""

    def __init__(self, stages: Sequence[tuple[Pipeline, Stage]], settings: Settings) -> None:
        self._settings = settings
        self._stages = [stage for _, stage in stages]
        self._clock = SystemClock()
        self._stopping = asyncio.Event()
        self._publisher = Publisher(settings.kafka, settings.kafka.partitions)
        self._database = Database(settings.database)
        self._gateway = make_gateway(settings, self._database, self._stages)
        self._calls_vendors = asks(self._stages) and self._gateway.has_vendors
        self._uses_database = uses_database(self._stages) or self._calls_vendors
        self._resources = Resources(settings, self._database, self._publisher, self._gateway)
        self._held = contextlib.AsyncExitStack()
        self._fatal = ""
        broker = make_broker(settings.kafka, settings.runtime, before_start=self._open)
        workers = [
            make_worker(pipeline, stage, self._publisher, self._resources, settings) for pipeline, stage in stages
        ]
        self._subscribers = [StageSubscriber(broker, worker, settings.kafka, settings.runtime) for worker in workers]
        broker.give_up = self._give_up
        self.app = AsgiFastStream(
            broker,
            logger=None,
            specification=AsyncAPI(title="Sluice", version="1"),
            asgi_routes=[
                ("/health/live", live_route(workers)),
                ("/health/ready", ready_route(workers, self._database_ready)),
                ("/metrics", make_asgi_app(REGISTRY)),
            ],
            lifespan=self._lifespan,
            on_shutdown=[self._drain],
        )

    async def run(self, host: str, port: int) -> None:
        """Serve until SIGTERM or SIGINT, then drain and return. Raises SluiceError if only a new process can go on.

        The drain has drain_seconds for the batches in hand; sweeps and connections then end within a few seconds.
        """
        # uvicorn raises the signal again once it has shut down; by then it has done its work.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: None)
        grace = self._settings.runtime.drain_seconds + SERVER_GRACE_SECONDS
        await self.app.run(
            run_extra_options={
                "host": host,
                "port": port,
                "log_config": None,
                "access_log": "false",
                "timeout_graceful_shutdown": int(grace),
            }
        )
        if self._fatal:
            raise SluiceError(self._fatal)

    @contextlib.asynccontextmanager
    async def _lifespan(self) -> AsyncIterator[None]:
        for stage in self._stages:
            if stage.prepare:
                stage.prepare()
        async with self._held:
            yield

    async def _open(self) -> None:
        """Take hold of broker, database and tables, however long it takes; health is served and says what lacks."""
        await self._insist(lambda: self._held.enter_async_context(_closed_in_time(self._publisher)))
        if self._uses_database:
            await self._insist(lambda: self._held.enter_async_context(_closed_in_time(self._database)))
            await self._insist(self._check_tables)
        if self._calls_vendors:
            await self._insist(lambda: self._held.enter_async_context(_closed_in_time(self._gateway)))
        await self._held.enter_async_context(self._background())
        spare_garbage_collection()

    async def _insist(self, attempt: Callable[[], Awaitable[Any]]) -> None:
        while True:
            try:
                await attempt()
                return
            except TransientError as error:
                for subscriber in self._subscribers:
                    subscriber.worker.cut_off(str(error))
            await self._clock.wait(RECONNECT_SECONDS, self._stopping)

    async def _check_tables(self) -> None:
        """Raises TransientError while a migration is missing that has to be applied before this release runs."""
        try:
            missing = [one for one in await missing_migrations(self._database) if one.phase == "pre"]
        except UsageError as error:
            raise TransientError(str(error)) from error
        if missing:
            listed = ", ".join(f"{one.version:04} {one.name}" for one in missing)
            raise TransientError(f"the database lacks migrations: {listed}; run `sluice migrate`")

    def _give_up(self, reason: str) -> None:
        """End the process with an error, so that whoever watches over it starts a new one."""
        if not self._fatal:
            self._fatal = reason
            log.critical("the process cannot go on", reason=reason)
            signal.raise_signal(signal.SIGTERM)

    @contextlib.asynccontextmanager
    async def _background(self) -> AsyncIterator[None]:
        """Sweeps and a look at the consumers. At the end they may finish, those that take too long are cancelled."""
        jobs = [self._watch_consumers()]
        jobs += [self._sweep(stage, every, sweep) for stage in self._stages for every, sweep in stage.sweeps]
        tasks = [asyncio.create_task(job) for job in jobs]
        try:
            yield
        finally:
            self._stopping.set()
            await _ended(tasks)

    async def _sweep(self, stage: Stage, every: float, sweep: Sweep) -> None:
        wanted = requested_resources(sweep, skip=0)
        while not self._stopping.is_set():
            try:
                await sweep(**{name: self._resources(kind, stage) for name, kind in wanted.items()})
            except TransientError as error:
                log.warning("sweep failed", stage=stage.full_name, reason=str(error))
            except Exception:
                log.exception("sweep failed", stage=stage.full_name)
            await self._clock.wait(every, self._stopping)

    async def _watch_consumers(self) -> None:
        while not self._stopping.is_set():
            for subscriber in self._subscribers:
                subscriber.watch()
                subscriber.measure()
            await self._clock.wait(WATCH_SECONDS, self._stopping)

    async def _database_ready(self) -> bool:
        if not self._uses_database:
            return True
        with contextlib.suppress(SluiceError, TimeoutError):
            async with asyncio.timeout(DATABASE_CHECK_SECONDS):
                await self._database.execute("SELECT 1")
                return True
        return False

    async def _drain(self) -> None:  # a plain function would be called in a thread, beside the event loop
        log.info("draining", stages=[stage.full_name for stage in self._stages])
        self._gateway.drain()
        for subscriber in self._subscribers:
            subscriber.worker.drain()


def longest_stop(runtime: RuntimeSettings) -> float:
    """Seconds from SIGTERM until a stage process has ended, at the most."""
    sweeps, closes = 2 * SWEEP_GRACE_SECONDS, 3 * CLOSE_SECONDS
    return runtime.drain_seconds + SERVER_GRACE_SECONDS + sweeps + closes


async def _ended(tasks: Sequence[asyncio.Task[None]]) -> None:
    """Wait a moment for the tasks, then cut them: a sweep is one transaction, which is rolled back."""
    _, late = await asyncio.wait(tasks, timeout=SWEEP_GRACE_SECONDS)
    for task in late:
        task.cancel()
    if late:
        log.warning("sweeps are cut", count=len(late))
        await asyncio.wait(late, timeout=SWEEP_GRACE_SECONDS)


@contextlib.asynccontextmanager
async def _closed_in_time(resource: contextlib.AbstractAsyncContextManager[Any]) -> AsyncIterator[None]:
    """The open resource. A close that hangs is given up: everything that matters is durable by then."""
    await resource.__aenter__()
    try:
        yield
    finally:
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await resource.__aexit__(None, None, None)
        except TimeoutError:
            log.warning("given up closing", resource=type(resource).__name__)


def spare_garbage_collection() -> None:
    """Collect rarely: messages hold no cycles, and each pass over a big heap costs as much as dozens of messages."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def run_stages(
    stages: Sequence[tuple[Pipeline, Stage]],
    settings: Settings,
    host: str,
    port: int,
    run: Callable[..., Any] = asyncio.run,
) -> None:
    """Be these stages until told to stop. `run` is the event loop runner."""

    async def main() -> None:
        await StageProcess(stages, settings).run(host, port)

    service = f"sluice-{stages[0][1].name}" if len(stages) == 1 else "sluice-stages"
    with exporting(settings.tracing, service, begins_traces=False):
        run(main())
