"""Runs that go, with their files."""

import asyncio
from collections.abc import Sequence

from services.deduplication.runs.storage import Storage
from services.deduplication.runs.store import forget
from shared.database import Database


async def remove_runs(database: Database, storage: Storage, run_ids: Sequence[str]) -> list[str]:
    """Remove runs that `prunable` has named; those that are gone. One that has been pinned since stays."""
    return [run_id for run_id in run_ids if await _remove(database, storage, run_id)]


async def _remove(database: Database, storage: Storage, run_id: str) -> bool:
    """Files go before the run is forgotten for good: where storage fails, it can be pruned again."""
    async with database.transaction() as transaction:
        gone = await forget(transaction, run_id)
        if gone:
            await asyncio.to_thread(storage.remove, run_id)
    return gone
