"""Connections to PostgreSQL. The only place, with its neighbours, that knows the driver.

JSON columns come and go as text: whoever needs a value parses it, whoever only passes it on does not.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, Protocol, Self

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from shared.database.errors import mapped
from shared.database.queries import name_of
from shared.errors import SluiceError, UsageError
from shared.settings import DatabaseSettings
from shared.telemetry.metrics import POOL_IN_USE, POOL_SIZE, POOL_WAIT
from shared.telemetry.statements import statement_span
from shared.tls import client_context

Record = asyncpg.Record
"""One row; columns by name or by position."""

_CLIENT_GRACE = 5.0
"""Seconds the client waits beyond the server's own statement timeout before it gives a connection up."""
_FAREWELL_SECONDS = 2.0
"""For the server to confirm that it has dropped what was given up; a connection on which it does not is dropped."""


class Executor(Protocol):
    """What runs statements: the database, each on its own, or a transaction, all or none."""

    async def fetch(self, query: str, *arguments: object) -> list[Record]:
        """All rows of a query."""

    async def fetchrow(self, query: str, *arguments: object) -> Record | None:
        """The first row of a query."""

    async def fetchval(self, query: str, *arguments: object) -> Any:
        """The first value of the first row."""

    async def execute(self, query: str, *arguments: object) -> str:
        """Run a statement and return its command tag."""

    async def copy(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """Append rows to a table by binary COPY, the cheapest way in; it has no ON CONFLICT."""


class Transaction:
    """An open transaction. Leaving its context commits; an exception rolls back."""

    def __init__(self, connection: "PoolConnectionProxy[Record]") -> None:
        self._connection = connection

    async def fetch(self, query: str, *arguments: object) -> list[Record]:
        """All rows of a query."""
        with mapped(), statement_span(name_of(query)):
            return await self._connection.fetch(query, *arguments)

    async def fetchrow(self, query: str, *arguments: object) -> Record | None:
        """The first row of a query."""
        with mapped(), statement_span(name_of(query)):
            return await self._connection.fetchrow(query, *arguments)

    async def fetchval(self, query: str, *arguments: object) -> Any:
        """The first value of the first row."""
        with mapped(), statement_span(name_of(query)):
            return await self._connection.fetchval(query, *arguments)

    async def execute(self, query: str, *arguments: object) -> str:
        """Run a statement; without arguments also several of them, separated by semicolons."""
        with mapped(), statement_span(name_of(query)):
            return await self._connection.execute(query, *arguments)

    async def copy(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """Append rows to a table by binary COPY."""
        with mapped(), statement_span(f"COPY {table}"):
            await self._connection.copy_records_to_table(table, columns=columns, records=rows)


class Database:
    """A pool of connections, open inside its context. A statement that fails raises an error of shared.errors."""

    def __init__(self, settings: DatabaseSettings) -> None:
        self._settings = settings
        self._encryption = _encryption(settings)
        self._pool: asyncpg.Pool[Record] | None = None

    async def __aenter__(self) -> Self:
        with mapped():
            self._pool = await asyncpg.create_pool(**(_options(self._settings) | self._encryption))
        POOL_SIZE.inc(self._settings.pool_max)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._pool:
            POOL_SIZE.dec(self._settings.pool_max)
            await self._pool.close()
            self._pool = None

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """Run several statements as one; committed when the context ends without an exception."""
        async with self._acquired() as connection:
            work = connection.transaction()
            with mapped():
                await work.start()
            try:
                yield Transaction(connection)
            except BaseException:
                with suppress(SluiceError), mapped():
                    async with asyncio.timeout(_FAREWELL_SECONDS):
                        await work.rollback()
                raise
            with mapped(), statement_span("COMMIT"):
                await work.commit()

    async def fetch(self, query: str, *arguments: object) -> list[Record]:
        """All rows of a query."""
        async with self._connection() as connection:
            return await connection.fetch(query, *arguments)

    async def fetchrow(self, query: str, *arguments: object) -> Record | None:
        """The first row of a query."""
        async with self._connection() as connection:
            return await connection.fetchrow(query, *arguments)

    async def fetchval(self, query: str, *arguments: object) -> Any:
        """The first value of the first row."""
        async with self._connection() as connection:
            return await connection.fetchval(query, *arguments)

    async def execute(self, query: str, *arguments: object) -> str:
        """Run a statement; without arguments also several of them, separated by semicolons."""
        async with self._connection() as connection:
            return await connection.execute(query, *arguments)

    async def copy(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """Append rows to a table by binary COPY."""
        async with self._connection() as connection:
            await connection.copy(table, columns, rows)

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Transaction]:
        async with self._acquired() as connection:
            yield Transaction(connection)

    @asynccontextmanager
    async def _acquired(self) -> AsyncIterator["PoolConnectionProxy[Record]"]:
        if self._pool is None:
            raise SluiceError("the database is used before it is opened")
        with mapped(), POOL_WAIT.time():
            connection = await self._pool.acquire(timeout=self._settings.connect_timeout_seconds)
        POOL_IN_USE.inc()
        try:
            yield connection
        finally:
            POOL_IN_USE.dec()
            with mapped():
                await self._pool.release(connection, timeout=_FAREWELL_SECONDS)


def _options(settings: DatabaseSettings) -> dict[str, Any]:
    if settings.url is None:
        raise UsageError("no database is configured", remedy="Set SLUICE_DATABASE_URL.")
    limit = str(int(settings.statement_timeout_seconds * 1000))
    return {
        "dsn": settings.url.get_secret_value(),
        "min_size": settings.pool_min,
        "max_size": settings.pool_max,
        "max_inactive_connection_lifetime": settings.idle_timeout_seconds,
        "timeout": settings.connect_timeout_seconds,
        "command_timeout": settings.statement_timeout_seconds + _CLIENT_GRACE,
        "server_settings": {
            "application_name": "sluice",
            "timezone": "UTC",
            "statement_timeout": limit,
            # Or a process that is frozen between two statements would keep its locks from the others for hours.
            "idle_in_transaction_session_timeout": limit,
        },
        "reset": _keep_as_it_is,
    }


async def _keep_as_it_is(_: object) -> None:
    """Save the round trip that would clean a connection at its return: we leave no session state on any."""


def _encryption(settings: DatabaseSettings) -> dict[str, object]:
    """The driver's argument for TLS; none: as the URL says, and if it says nothing, TLS where the server has it."""
    if settings.ssl_disabled or settings.ssl_mode == "disable":
        return {"ssl": False}
    if settings.ssl_mode in {"verify-ca", "verify-full"}:
        return {"ssl": _verifying(settings)}
    if settings.ssl_mode is None:
        return {}
    return {"ssl": "require" if settings.ssl_mode == "no-verify" else settings.ssl_mode}


def _verifying(settings: DatabaseSettings) -> ssl.SSLContext:
    context = client_context(settings.ssl_cafile, setting="SLUICE_DATABASE_SSL")
    context.check_hostname = settings.ssl_mode == "verify-full"
    return context
