"""Which failures are worth another attempt."""

from shared.database.ledger import Item, queries
from shared.database.pool import Executor


async def failures_to_retry(executor: Executor, batch_id: str | None, limit: int) -> list[Item]:
    """The newest dead-lettered item of each id, of one batch or all, unless it has been classified since."""
    return [Item.of(row) for row in await executor.fetch(queries()["failures_to_retry"], batch_id, limit)]
