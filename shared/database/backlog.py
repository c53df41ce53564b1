"""What has to be known before more work is accepted, and how accepting is kept from blocking others."""

from typing import NamedTuple

from shared.database.ledger import Batch, queries
from shared.database.pool import Executor, Transaction


class Backlog(NamedTuple):
    """How much a pipeline has before it."""

    pending: int
    """Items without a final status, in batches of the last day."""
    rate: float | None
    """Items finished in a second, lately; None if none were."""


async def backlog(executor: Executor, pipeline: str) -> Backlog:
    """How far behind the pipeline is now."""
    row = await executor.fetchrow(queries()["backlog"], pipeline)
    return Backlog(row["pending"], row["rate"]) if row else Backlog(0, None)


async def batch_by_key(executor: Executor, idempotency_key: str) -> Batch | None:
    """The batch that was opened with this key, None if there is none."""
    row = await executor.fetchrow(queries()["batch_by_key"], idempotency_key)
    return Batch.of(row) if row else None


async def limit_idle(transaction: Transaction, seconds: float) -> None:
    """Have the server roll this transaction back if we leave it idle for so long."""
    await transaction.execute(queries()["limit_idle"], str(int(seconds * 1000)))
