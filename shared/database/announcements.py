"""Which finished batches the world has not heard of: the outbox of the batch-completed event."""

from collections.abc import Sequence

from schemas.delivery import BatchCompleted
from shared.database.ledger import queries
from shared.database.pool import Executor


async def unannounced_batches(executor: Executor, pipeline: str, limit: int) -> list[BatchCompleted]:
    """Finished batches without an event, locked until the transaction ends."""
    rows = await executor.fetch(queries()["unannounced_batches"], pipeline, limit)
    return [BatchCompleted.model_validate(dict(row)) for row in rows]


async def mark_announced(executor: Executor, batch_ids: Sequence[str]) -> None:
    """Their events are published."""
    await executor.execute(queries()["mark_announced"], batch_ids)
