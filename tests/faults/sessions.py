"""What other clients of the database do to it: hold locks, take every connection, wait for each other in a circle."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeAlias

import asyncpg

from tests.contract.waiting import eventually
from tests.faults.scenario import END_SECONDS

SLUICE = "FROM pg_stat_activity WHERE application_name = 'sluice' AND pid <> pg_backend_pid()"
Session: TypeAlias = "asyncpg.Connection[Any]"


@asynccontextmanager
async def session(url: str) -> AsyncIterator[Session]:
    """A client of its own."""
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):  # the server may have gone
            await connection.close(timeout=5)


async def writing(url: str) -> None:
    """Wait until a statement of a stage is running in a transaction that has written."""
    async with session(url) as looking:
        query = f"SELECT count(*) {SLUICE} AND state = 'active' AND backend_xid IS NOT NULL"
        await eventually(lambda: looking.fetchval(query), "a stage writes", END_SECONDS)


async def waited_for(url: str, holder: Session) -> None:
    """Wait until a stage waits for a lock that this session holds."""
    query = f"SELECT count(*) {SLUICE} AND $1 = ANY (pg_blocking_pids(pid))"
    async with session(url) as looking:

        async def blocked() -> bool:
            return bool(await looking.fetchval(query, holder.get_server_pid()))

        await eventually(blocked, "a stage waits for a lock", END_SECONDS)


@asynccontextmanager
async def crowd(url: str) -> AsyncIterator[None]:
    """Have every connection that the server allows, after Sluice has been thrown out."""
    taken: list[Session] = []

    async def all_taken() -> bool:
        with suppress(asyncpg.TooManyConnectionsError):
            while True:
                taken.append(await asyncpg.connect(url))
        return not await taken[0].fetchval(f"SELECT count(pg_terminate_backend(pid)) {SLUICE}")

    try:
        await eventually(all_taken, "no connection is left", END_SECONDS)
        yield
    finally:
        for connection in taken:
            connection.terminate()
