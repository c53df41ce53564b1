"""Runs that go, with their files."""

import asyncio
from collections.abc import Sequence

from services.deduplication.runs import forget
from services.deduplication.storage import Storage
from shared.database import Database


async def remove_runs(database: Database, storage: Storage, run_ids: Sequence[str]) -> list[str]:
    """Remove runs that `prunable` has named; those that are gone. One that has been pinned since stays."""
    gone = []
    for run_id in run_ids:
        if await forget(database, run_id):
            gone.append(run_id)
            await asyncio.to_thread(storage.remove, run_id)
    return gone
