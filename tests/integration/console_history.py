"""What the console shows in tests: the small history of `seeded`, and hostile names wherever a sender can put one."""

from shared.database import Database
from shared.database.dead_letters import record_dead_letters
from tests.integration.reviewed import reviewed, run
from tests.integration.seeded import letter, seed

HOSTILE = "<script>alert(1)</script>\"'&{{7*7}}</title><img src=x onerror=alert(1)>"
HOSTILE_ID = "X/../?a=1&b=#<b>\"'\N{RIGHT-TO-LEFT OVERRIDE}"
BATCH = "b<i>"


async def seed_console(database: Database) -> None:
    """HOSTILE_ID, plain, read, right, live wait for a person. Dead letters: of C, a hostile one, one of bytes."""
    await seed(database)
    waiting = [reviewed(HOSTILE_ID, HOSTILE, HOSTILE), reviewed("plain"), reviewed("read")]
    await run(database, BATCH, [*waiting, reviewed("right", "Discount Rate"), reviewed("live", "Repo Rate")])
    hostile = {"item_id": HOSTILE_ID, "batch_id": BATCH, "error_message": HOSTILE, "payload": HOSTILE.encode()}
    await record_dead_letters(database, [letter(7, **hostile), letter(8, payload=b"\xff\x00")])
