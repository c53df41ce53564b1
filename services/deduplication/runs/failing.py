"""The last stage: what could not be processed is kept, and its run has failed."""

from collections.abc import Sequence

from services.deduplication.runs.store import Status, end
from shared.database import Database
from shared.database.dead_letters import record_dead_letters
from shared.runtime.envelope import Record
from shared.runtime.outcome import Emit, emit
from shared.service.dead_letters import letter_of


async def fail_runs(records: Sequence[Record], database: Database) -> list[Emit]:
    """Store each dead letter once and end the run that it belongs to, in one transaction.

    One that comes again must not end a run that somebody has gone on with since.
    """
    async with database.transaction() as transaction:
        for letter in map(letter_of, records):
            if await record_dead_letters(transaction, [letter]):
                await end(transaction, letter.batch_id or "", Status.FAILED, f"{letter.stage}: {letter.error_message}")
    return [emit() for _ in records]
