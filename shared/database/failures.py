"""Which failures are worth another attempt."""

from collections import defaultdict

from schemas.enums import ItemStatus
from shared.database.ledger import Item, queries
from shared.database.pool import Executor


async def failures_to_retry(executor: Executor, batch_id: str | None, limit: int) -> dict[str, list[Item]]:
    """The newest dead-lettered item of each id, of one batch or all, unless it has been classified since.

    By the provider that was asked for when it was submitted; empty: none was.
    """
    by_provider: defaultdict[str, list[Item]] = defaultdict(list)
    for row in await executor.fetch(queries()["failures_to_retry"], batch_id, limit):
        fields = {**dict(row), "status": ItemStatus(row["status"])}
        by_provider[fields.pop("provider")].append(Item(**fields))
    return dict(by_provider)
