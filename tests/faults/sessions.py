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
    """A client of its own, which in a circle of waiting sessions is never the first to look: a stage is the victim."""
    connection = await asyncpg.connect(url, server_settings={"deadlock_timeout": "1min"})
    try:
        yield connection
    finally:
        with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):  # the server may have gone
            await connection.close(timeout=5)


@asynccontextmanager
async def held_up(url: str) -> AsyncIterator[Session]:
    """A stage has locked rows of batches within its transaction, and waits for items that this session holds.

    It holds all that are pending, but for those that a stage is ending at the moment.
    """
    async with session(url) as holder:
        await holder.execute("BEGIN")  # ended by closing, as the server may have gone by then
        await holder.execute("SELECT FROM batch_items WHERE status = 'pending' FOR UPDATE SKIP LOCKED")
        query = f"SELECT count(*) {SLUICE} AND backend_xid IS NOT NULL AND $1 = ANY (pg_blocking_pids(pid))"
        async with session(url) as looking:

            async def blocked() -> bool:
                return bool(await looking.fetchval(query, holder.get_server_pid()))

            await eventually(blocked, "a stage waits for rows of items", END_SECONDS)
        yield holder


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
