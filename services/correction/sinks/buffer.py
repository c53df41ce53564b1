"""From Postgres to a warehouse: rows wait until there are enough for a job.

A job is named and its rows are marked with the name before it is begun. So whoever finds it unfinished after a crash
begins the same job with the same rows again, and the warehouse knows it by its name.
"""

from uuid import uuid4

import structlog

from services.correction.sinks.quota import take
from services.correction.sinks.sink import JobFailed, Sink
from services.correction.store import as_row, queries
from shared.database import Database
from shared.errors import TransientError
from shared.settings import CorrectionSettings

log = structlog.get_logger()


async def load_waiting(database: Database, sink: Sink, settings: CorrectionSettings) -> int:
    """Finish what was begun, then load what waits; returns the rows loaded. Replicas may do so at the same time.

    Raises TransientError, also where the jobs of the day are used up: the rows wait where they are.
    """
    loaded = 0
    for row in await database.fetch(queries()["unfinished_jobs"]):
        loaded += await _run(database, sink, row["load_job"])
    while await _gathered(database, job := f"sluice-{uuid4().hex}", settings):
        loaded += await _run(database, sink, job)
    return loaded


async def _gathered(database: Database, job: str, settings: CorrectionSettings) -> bool:
    """Rows for a job and its place among those of the day: a job that is begun again for a lost answer has both."""
    async with database.transaction() as transaction:
        if not await transaction.fetchval(
            queries()["gather_rows"], job, settings.load_rows, float(settings.load_wait_seconds)
        ):
            return False
        if not await take(transaction, "load", settings.load_jobs_a_day):
            raise TransientError(f"the {settings.load_jobs_a_day} load jobs of today are used up", retry_after=60.0)
    return True


async def _run(database: Database, sink: Sink, job: str) -> int:
    rows = [as_row(row) for row in await database.fetch(queries()["rows_of_job"], job)]
    try:
        await sink.load(rows, job)
    except JobFailed:  # under this name it never ends well: the next job takes its rows
        await database.execute(queries()["release_job"], job)
        raise
    await database.execute(queries()["job_is_done"], job)
    log.info("loaded into the warehouse", job=job, rows=len(rows))
    return len(rows)
