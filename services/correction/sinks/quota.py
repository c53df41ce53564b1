"""Daily numbers of jobs with a hard stop, counted in Postgres: all replicas share them, and a crash forgets none."""

from collections.abc import Mapping
from typing import Literal

from services.correction.store import queries
from shared.database import Executor

Kind = Literal["load", "query"]


async def take(executor: Executor, kind: Kind, ceiling: int) -> bool:
    """Count a job before it is begun; False where the day has no more."""
    return await executor.fetchval(queries()["take_job"], kind, ceiling) is not None


async def taken_today(executor: Executor) -> Mapping[str, int]:
    """Jobs that were begun since midnight UTC."""
    return {row["kind"]: row["jobs"] for row in await executor.fetch(queries()["jobs_today"])}
