"""Database and broker, opened in the background: the API starts without them and answers 503 until they are there."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Generic, Self, TypeVar

import structlog

from shared.broker.producer import Publisher
from shared.broker.topics import TopicAdmin
from shared.database import Database
from shared.database.ledger import batches
from shared.errors import SluiceError, TransientError
from shared.settings import Settings

log = structlog.get_logger()

T = TypeVar("T")

RETRY_SECONDS = 1.0
CHECK_SECONDS = 2.0
CLOSE_SECONDS = 5.0


class Connection(Generic[T]):
    """Something that is opened once and kept open; attempts go on until one succeeds."""

    def __init__(self, name: str, make: Callable[[], AbstractAsyncContextManager[T]]) -> None:
        self._name = name
        self._make = make
        self._value: T | None = None
        self._stopping = asyncio.Event()
        self.tried = asyncio.Event()
        """Set once the first attempt has ended, either way."""

    @property
    def opened(self) -> bool:
        """Whether there is something to get."""
        return self._value is not None

    def get(self) -> T:
        """What was opened. Raises TransientError while it is not."""
        if self._value is None:
            raise TransientError(f"{self._name}: no connection yet", retry_after=RETRY_SECONDS)
        return self._value

    async def keep_open(self) -> None:
        """Open, and close when told to stop."""
        while not self._stopping.is_set():
            try:
                async with self._make() as value:
                    self._value = value
                    self.tried.set()
                    await self._stopping.wait()
                    self._value = None
            except (SluiceError, OSError) as error:
                log.warning("no connection", to=self._name, reason=str(error))
                self.tried.set()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._stopping.wait(), RETRY_SECONDS)

    def stop(self) -> None:
        """Let `keep_open` close and return."""
        self._stopping.set()


class Connections:
    """Both of them. Entering waits for the first attempts, not for their success."""

    def __init__(self, settings: Settings, edge: str) -> None:
        self._settings = settings
        self._edge = edge
        self._database = Connection("database", lambda: Database(settings.database))
        self._publisher = Connection("broker", lambda: Publisher(settings.kafka, settings.kafka.partitions))
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def database(self) -> Database:
        """The database. Raises TransientError while it is away."""
        return self._database.get()

    @property
    def publisher(self) -> Publisher:
        """The publisher. Raises TransientError while the broker has not been reached."""
        return self._publisher.get()

    @property
    def has_publisher(self) -> bool:
        """Whether the broker has been reached."""
        return self._publisher.opened

    async def __aenter__(self) -> Self:
        both = (self._database, self._publisher)
        self._tasks = [asyncio.create_task(one.keep_open()) for one in both]
        await asyncio.gather(*(one.tried.wait() for one in both))
        return self

    async def __aexit__(self, *_: object) -> None:
        self._database.stop()
        self._publisher.stop()
        await asyncio.wait(self._tasks, timeout=CLOSE_SECONDS)
        for task in self._tasks:
            task.cancel()  # closing may hang if the other side is gone
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def check(self) -> dict[str, str]:
        """For each of database and broker `ok`, or what is wrong with it."""
        names = ("database", "broker")
        checks = (self._check_database(), self._check_broker())
        return dict(zip(names, await asyncio.gather(*(_verdict(check) for check in checks)), strict=True))

    async def _check_database(self) -> None:
        await batches(self.database, 1)  # it answers, and it has our tables

    async def _check_broker(self) -> None:
        _ = self.publisher
        async with TopicAdmin(self._settings.kafka) as admin:
            (topic,) = await admin.state([self._edge], self._settings.kafka.partitions)
        if topic.actual is None:
            raise SluiceError(f"topic {topic.name} does not exist; run `sluice topics`")


async def _verdict(check: Awaitable[None]) -> str:
    """`ok`, or a reason that may be shown to anybody: addresses and user names stay in the log."""
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            await check
    except TimeoutError:
        return "no answer"
    except TransientError as error:
        log.warning("not ready", reason=str(error))
        return "away"
    except SluiceError as error:
        return str(error)
    return "ok"
