"""The disk of the database or of the broker is full: both go down by it in the end, and are started with room."""

from contextlib import suppress

import asyncpg

from tests.contract.waiting import eventually
from tests.faults.fragile import BROKER, DATABASE, Fragile
from tests.faults.scenario import END_SECONDS, disturbed
from tests.faults.sessions import session
from tests.integration.undisturbed import Undisturbed


async def test_the_database_has_no_room(ground: Fragile, before: Undisturbed) -> None:
    name = "Disk of PostgreSQL full, in the end for its log too, by which it goes down; then started with room"
    promised = "stages pause and name the remedy; with room they go on by themselves"

    async def down() -> bool:
        """Have it begin a new file of its log."""
        with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            async with session(ground.database_url) as other:
                await other.execute("SELECT pg_switch_wal()")
        return not ground.postgres.alive

    async with disturbed(ground.field, before, name=name, promised=promised) as trouble:
        await trouble.until(0.2)
        async with session(ground.database_url) as other:
            await other.execute("SELECT pg_switch_wal()")
            await other.execute("CHECKPOINT")  # into the new file, so that its log has room for longer than its tables
        trouble.began()
        ground.disks[DATABASE].fill()
        await ground.hindered("make room on the server's disk")
        await eventually(down, "the database goes down", END_SECONDS)
        ground.disks[DATABASE].free()
        await ground.postgres.start()
        trouble.ended()


async def test_the_broker_has_no_room(ground: Fragile, before: Undisturbed) -> None:
    name = "Disk of the broker full, by which it goes down; then started with room"
    promised = "nothing that it has acknowledged is missing; stages go on by themselves"
    (broker,) = ground.field.cluster.nodes

    async def down() -> bool:
        return broker.process is not None and broker.process.returncode is not None

    async with disturbed(ground.field, before, name=name, promised=promised) as trouble:
        await trouble.until(0.2)
        trouble.began()
        ground.disks[BROKER].fill()
        await eventually(down, "the broker goes down", END_SECONDS)
        ground.disks[BROKER].free()
        await broker.start()
        assert await broker.answers(ground.field.cluster.cluster)
        trouble.ended()
