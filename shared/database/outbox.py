"""Messages that a transaction has decided on. They are published after it, by whoever comes first, and then removed."""

import json
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from shared.database.ledger import queries
from shared.database.pool import Executor


class Message(NamedTuple):
    """One record to come."""

    topic: str
    key: str
    payload: str
    headers: Mapping[str, str]


async def add_to_outbox(executor: Executor, messages: Sequence[Message]) -> None:
    """Have them published if, and only if, this transaction is committed."""
    rows = [(one.topic, one.key, one.payload, json.dumps(one.headers)) for one in messages]
    if rows:
        await executor.execute(queries()["add_to_outbox"], *zip(*rows, strict=True))


async def waiting_in_outbox(executor: Executor, topics: Sequence[str], limit: int) -> dict[int, Message]:
    """Messages for these topics by their number here, locked until the transaction ends."""
    rows = await executor.fetch(queries()["waiting_in_outbox"], topics, limit)
    return {row["id"]: Message(row["topic"], row["key"], row["payload"], json.loads(row["headers"])) for row in rows}


async def remove_from_outbox(executor: Executor, ids: Sequence[int]) -> None:
    """These are published."""
    await executor.execute(queries()["remove_from_outbox"], ids)
