"""The servers for commands that look or repair: those that are configured, else Sluice's own on this machine."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TypeVar

from shared.database import Database, apply_migrations
from shared.embedded.stack import BROKER, DATABASE, embedded_stack
from shared.errors import SluiceError, UsageError
from shared.settings import KafkaSettings, Settings

T = TypeVar("T")
_NO_SUCH_THING = {"42P01", "42703", "42883"}
"""SQLSTATE: undefined table, column, function."""


@asynccontextmanager
async def open_database(settings: Settings, *, migrated: bool = True, start: bool = True) -> AsyncIterator[Database]:
    """The configured database, else the embedded one: that of a running command, or started for as long as this takes.

    Without `start` nothing is started: raises UsageError if there is no database.

    The embedded one is brought up to date, since nobody else would; a configured one is changed by `sluice migrate`
    alone. `migrated=False` leaves both as they are.
    """
    async with (
        embedded_stack(settings, servers=[DATABASE], start=start) as stack,
        Database(stack.settings.database) as database,
    ):
        if migrated and stack.embedded:
            await apply_migrations(database)
        with _explained():
            yield database


@asynccontextmanager
async def open_broker(settings: Settings) -> AsyncIterator[KafkaSettings]:
    """How to reach the configured broker, else the embedded one of a running command; an own one would be empty.

    Raises UsageError if there is neither.
    """
    async with embedded_stack(settings, servers=[BROKER], start=False) as stack:
        yield stack.settings.kafka


async def ask(settings: Settings, question: Callable[[Database], Awaitable[T]]) -> T:
    """Put one question to the database."""
    async with open_database(settings) as database:
        return await question(database)


@contextmanager
def _explained() -> Iterator[None]:
    """Say what to do about a database without our tables."""
    try:
        yield
    except SluiceError as error:
        if getattr(error.__cause__, "sqlstate", None) in _NO_SUCH_THING:
            raise UsageError(
                "the database does not have the tables of this release", remedy="Run `sluice migrate`."
            ) from error
        raise
