"""The stage process: FastStream hosts it, the workers do the work, SIGTERM drains it."""

import asyncio
import contextlib
import gc
import signal
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import structlog
from faststream.asgi import AsgiFastStream
from faststream.specification import AsyncAPI
from prometheus_client import make_asgi_app

from shared.broker.host import StageSubscriber, make_broker
from shared.broker.producer import Publisher
from shared.database import Database
from shared.errors import SluiceError, TransientError
from shared.runtime.clock import SystemClock
from shared.runtime.declaration import Pipeline, Stage, Sweep, requested_resources
from shared.service.probes import live_route, ready_route
from shared.service.wiring import Resources, make_gateway, make_worker, uses_database
from shared.settings import Settings
from shared.telemetry.metrics import REGISTRY

log = structlog.get_logger()

WATCH_SECONDS = 5.0
DATABASE_CHECK_SECONDS = 2.0
RECONNECT_SECONDS = 1.0


class StageProcess:
    """One process that is the given stages, with health and metrics on one port."""

    def __init__(self, stages: Sequence[tuple[Pipeline, Stage]], settings: Settings) -> None:
        self._settings = settings
        self._stages = [stage for _, stage in stages]
        self._clock = SystemClock()
        self._stopping = asyncio.Event()
        self._publisher = Publisher(settings.kafka, settings.kafka.partitions)
        self._database = Database(settings.database)
        self._resources = Resources(settings, self._database, self._publisher, make_gateway(settings, self._stages))
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
        """Serve until SIGTERM or SIGINT, then drain and return. Raises SluiceError if only a new process can go on."""
        # uvicorn raises the signal again once it has shut down; by then it has done its work.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: None)
        grace = self._settings.runtime.drain_seconds + 5
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
        """Take hold of broker and database, however long they are away; health is served and says what is missing."""
        await self._hold(self._publisher)
        if uses_database(self._stages):
            await self._hold(self._database)
        await self._held.enter_async_context(self._background())
        spare_garbage_collection()

    async def _hold(self, resource: contextlib.AbstractAsyncContextManager[Any]) -> None:
        while True:
            try:
                await self._held.enter_async_context(resource)
                return
            except TransientError as error:
                for subscriber in self._subscribers:
                    subscriber.worker.cut_off(str(error))
            await self._clock.wait(RECONNECT_SECONDS, self._stopping)

    def _give_up(self, reason: str) -> None:
        """End the process with an error, so that whoever watches over it starts a new one."""
        if not self._fatal:
            self._fatal = reason
            log.critical("the process cannot go on", reason=reason)
            signal.raise_signal(signal.SIGTERM)

    @contextlib.asynccontextmanager
    async def _background(self) -> AsyncIterator[None]:
        """Sweeps and a look at the consumers, cancelled at the end: each is a transaction or harmless to cut."""
        jobs = [self._watch_consumers()]
        jobs += [self._sweep(stage, every, sweep) for stage in self._stages for every, sweep in stage.sweeps]
        tasks = [asyncio.create_task(job) for job in jobs]
        try:
            yield
        finally:
            self._stopping.set()
            await asyncio.gather(*tasks)

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
                subscriber.worker.metrics.lag.set(subscriber.lag())
            await self._clock.wait(WATCH_SECONDS, self._stopping)

    async def _database_ready(self) -> bool:
        if not uses_database(self._stages):
            return True
        with contextlib.suppress(SluiceError, TimeoutError):
            async with asyncio.timeout(DATABASE_CHECK_SECONDS):
                await self._database.execute("SELECT 1")
                return True
        return False

    def _drain(self) -> None:
        log.info("draining", stages=[stage.full_name for stage in self._stages])
        for subscriber in self._subscribers:
            subscriber.worker.drain()


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

    run(main())
