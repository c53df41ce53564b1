"""PostgreSQL is killed, stopped, full of others, or has its rows locked: the stages wait and go on by themselves."""

from tests.faults.fragile import Fragile
from tests.faults.scenario import disturbed
from tests.faults.sessions import crowd, held_up, session
from tests.integration.undisturbed import Undisturbed

GOES_ON = "stages pause and say why; once it answers they go on by themselves"


async def test_the_server_is_killed(ground: Fragile, before: Undisturbed) -> None:
    name = "PostgreSQL killed while stages write, and started again"
    async with disturbed(ground.field, before, name=name, promised=GOES_ON) as trouble:
        await trouble.until(0.2)
        async with held_up(ground.database_url):
            trouble.began()
            await ground.postgres.kill()
        await ground.hindered("database")
        await ground.postgres.start()
        trouble.ended()


async def test_the_server_is_restarted(ground: Fragile, before: Undisturbed) -> None:
    name = "PostgreSQL stopped, as for a new version, and started again"
    async with disturbed(ground.field, before, name=name, promised=GOES_ON) as trouble:
        await trouble.until(0.2)
        trouble.began()
        await ground.postgres.stop()
        await ground.hindered("database")
        await ground.postgres.start()
        trouble.ended()


async def test_the_server_stands_still(ground: Fragile, before: Undisturbed) -> None:
    name = "PostgreSQL stands still for longer than a statement may take"
    async with disturbed(ground.field, before, name=name, promised=GOES_ON) as trouble:
        await trouble.until(0.2)
        trouble.began()
        with ground.postgres.suspended():
            await ground.hindered("the database is away")
        trouble.ended()


async def test_others_take_every_connection(ground: Fragile, before: Undisturbed) -> None:
    name = "Sluice's connections cut, and all that the server allows taken by others"
    promised = "stages pause and name the remedy; once others go they go on by themselves"
    async with disturbed(ground.field, before, name=name, promised=promised) as trouble:
        await trouble.until(0.2)
        trouble.began()
        async with crowd(ground.database_url):
            await ground.hindered("max_connections")
        trouble.ended()


async def test_rows_are_locked_for_longer_than_a_statement_may_take(ground: Fragile, before: Undisturbed) -> None:
    name = "Rows of batches and joins locked by others for longer than a statement may take"
    promised = "statements are given up and tried again until the lock is gone"
    async with disturbed(ground.field, before, name=name, promised=promised) as trouble:
        await trouble.until(0.2)
        trouble.began()
        async with session(ground.database_url) as other, other.transaction():
            await other.execute("SELECT FROM batches FOR UPDATE")
            await other.execute("SELECT FROM facet_join FOR UPDATE")
            await ground.hindered("statement timeout")
        trouble.ended()


async def test_a_stage_is_the_victim_of_a_deadlock(ground: Fragile, before: Undisturbed) -> None:
    name = "A stage is the victim of a deadlock"
    promised = "its transaction is rolled back and tried again"
    async with disturbed(ground.field, before, name=name, promised=promised) as trouble:
        await trouble.until(0.2)
        async with held_up(ground.database_url) as other:
            trouble.began()
            await other.execute("SELECT FROM batches FOR UPDATE")
            assert "deadlock detected" in ground.postgres.log
        trouble.ended()
