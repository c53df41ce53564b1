"""Postgres as a sink: the table `corrections`, in which every row is there once."""

from collections.abc import Sequence

from services.correction.sinks.sink import Row
from services.correction.store import count_stored, store_rows
from shared.database import Executor


class PostgresSink:
    """Writes through an executor, and so as a part of its transaction if it is one."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    async def load(self, rows: Sequence[Row], job: str = "") -> None:
        """Rows that say what is stored already change nothing."""
        await store_rows(self._executor, rows)

    async def count(self, run_id: str) -> int:
        """Rows that say what the run gave them."""
        return await count_stored(self._executor, run_id)
