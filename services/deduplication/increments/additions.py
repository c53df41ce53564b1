"""Records that were added to a run, in Postgres: one writer at a time, so that each sees all that came before it."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from services.deduplication.increments.placing import NewRecord, Outcome, Placement, Placing
from services.deduplication.runs.store import Run, Status
from services.deduplication.statements import queries
from shared.database import Database, Executor, Record, Transaction
from shared.errors import UsageError

AT_ONCE = 200
"""Records that are added in one transaction: what is committed stays, if the rest is interrupted."""


class Addition(NamedTuple):
    """A record that was added."""

    id: int
    account_id: str
    account_name: str
    spelling: str
    group_id: str
    is_new: bool
    reason: str
    score: int | None
    path: Sequence[Any]
    edge: Mapping[str, Any] | None
    added_at: datetime


async def additions(executor: Executor, run_id: str, behind: int = 0) -> list[Addition]:
    """What was added to a run, in order."""
    return [_addition(row) for row in await executor.fetch(queries()["additions"], run_id, behind)]


def _addition(row: Record) -> Addition:
    parsed = {"path": json.loads(row["path"]), "edge": json.loads(row["edge"] or "null")}
    return Addition(**{**dict(row), **parsed})


class Adding:
    """Adds records to a complete run."""

    def __init__(self, database: Database, run: Run, placing: Placing) -> None:
        self._database, self._run_id, self._placing = database, run.run_id, placing
        self._seen = 0

    async def add(self, records: Sequence[NewRecord], *, keep: bool = True) -> list[Placement]:
        """Add what is not there yet, in order; where every record falls. Without `keep` that is all."""
        placed = []
        for start in range(0, len(records), AT_ONCE):
            async with self._database.transaction() as transaction:
                placed += await self._add(transaction, records[start : start + AT_ONCE], keep)
        return placed

    async def _add(self, transaction: Transaction, records: Sequence[NewRecord], keep: bool) -> list[Placement]:
        run = await transaction.fetchrow(queries()["lock_run"], self._run_id)
        if run is None or run["status"] != Status.COMPLETE:
            raise UsageError(
                f"run {self._run_id} is not complete any more", remedy="add to it when it is, or to another"
            )
        for one in await additions(transaction, self._run_id, self._seen):
            self._placing.keep(one.account_id, one.spelling, one.group_id, one.path)
            self._seen = one.id
        placed = self._placing.place_all(records)
        rows = [_row(record, one) for record, one in zip(records, placed, strict=True) if one.outcome is Outcome.ADDED]
        if rows and keep:
            numbers = await transaction.fetch(queries()["add_records"], self._run_id, *zip(*rows, strict=True))
            self._seen = max(row["id"] for row in numbers)
        return placed


def _row(record: NewRecord, placed: Placement) -> tuple[Any, ...]:
    edge = None if placed.edge is None else json.dumps(placed.edge)
    why = placed.group_id, placed.is_new, placed.reason, placed.score, json.dumps(placed.path), edge
    return record.account_id, record.account_name, record.spelling, *why
