"""Batches, as rows and in full."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich.console import RenderableType

from shared.database import Database
from shared.database.ledger import Batch, batch, batches
from shared.errors import UsageError
from shared.terminal.printing import dollars, elapsed, facts, table

Row = dict[str, Any]
COLUMNS = ("batch", "status", "model", "done", "total", "failed", "needs human", "duration", "each", "confidence")
TIMES = ("start", "end")
SPENT = ("tokens in", "tokens out", "cost $")
"""Shown where a language model was asked."""


async def known_batch(database: Database, batch_id: str) -> Batch:
    """The batch. Raises UsageError if there is none of that id."""
    found = await batch(database, batch_id)
    if found is None:
        raise UsageError(f"there is no batch {batch_id!r}", remedy="`sluice batches` lists them")
    return found


async def newest(database: Database, limit: int) -> list[Row]:
    """The newest batches, the newest first."""
    return [_row(found) for found in await batches(database, limit)]


async def one(database: Database, batch_id: str) -> Row:
    """A batch in full. Raises UsageError if there is none of that id."""
    return _row(await known_batch(database, batch_id))


def status_of(found: Batch) -> str:
    """`finished`; `running`; or `rolling`: it still grows, as messages come that name no batch."""
    if found.ended_at is not None:
        return "finished"
    return "running" if found.declared or found.closed_at else "rolling"


def _row(found: Batch) -> Row:
    finished = found.completed + found.needs_human + found.dead_lettered
    return {
        **asdict(found),
        "status": status_of(found),
        "model": found.model or found.provider,
        "finished": finished,
        "pending": found.pending,
    }


def as_table(rows: Sequence[Row], title: str = "Batches") -> RenderableType:
    """One line a batch."""
    asked = any(row["tokens_in"] or row["cost_usd"] for row in rows)
    cells = [[*_cells(row), *(_spent(row) if asked else ()), row["started_at"], row["ended_at"]] for row in rows]
    return table(title, (*COLUMNS, *(SPENT if asked else ()), *TIMES), cells)


def _spent(row: Row) -> list[object]:
    return [row["tokens_in"], row["tokens_out"], dollars(row["cost_usd"])]


def _cells(row: Row) -> list[object]:
    return [
        row["batch_id"],
        row["status"],
        row["model"],
        row["finished"],
        row["total"],
        row["dead_lettered"],
        row["needs_human"],
        elapsed(row["duration_ms"]),
        elapsed(row["avg_time_ms"]),
        row["avg_confidence"],
    ]


def as_facts(row: Row) -> RenderableType:
    """A batch in full, one value a line."""
    readable = {"duration_ms": elapsed(row["duration_ms"]), "avg_time_ms": elapsed(row["avg_time_ms"])}
    readable["cost_usd"] = dollars(row["cost_usd"])
    return facts(f"Batch {row['batch_id']}", {name.removesuffix("_ms"): readable.get(name, row[name]) for name in row})
