"""Failures: by stage, by indicator, one by one; and what has neither failed nor come to a result."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, NamedTuple

from rich.console import RenderableType

from services.cli.listing.batches import known_batch
from shared.database import Database
from shared.database.views import LetterFilter, failed_indicators, failures_by_stage, find_dead_letters, incomplete
from shared.terminal.printing import table

VIEWS = ("summary", "indicators", "details", "incomplete")
TITLES = {
    "summary": "Failures by stage",
    "indicators": "Failed indicators",
    "details": "Newest failures",
    "incomplete": "Neither result nor failure",
}
COLUMNS = {
    "summary": ("stage", "error_code", "failures", "indicators", "still_failed", "last_failed_at"),
    "indicators": ("indicator_id", "name", "status", "failures", "stage", "error_code", "error_message", "failed_at"),
    "details": ("id", "failed_at", "stage", "indicator_id", "batch_id", "attempts", "error_code", "error_message"),
    "incomplete": ("indicator_id", "name", "batch_id", "submitted_at"),
}

Found = Mapping[str, Sequence[dict[str, Any]]]
"""View → its rows."""


async def find(
    database: Database, views: Sequence[str], limit: int, batch_id: str | None, indicator_id: str | None
) -> Found:
    """The rows of these views. Raises UsageError if the batch does not exist."""
    if batch_id is not None:
        await known_batch(database, batch_id)
    which = LetterFilter(batch_id=batch_id, item_id=indicator_id)
    ask: dict[str, Callable[[], Awaitable[Sequence[NamedTuple]]]] = {
        "summary": lambda: failures_by_stage(database, batch_id, indicator_id),
        "indicators": lambda: failed_indicators(database, limit, batch_id, indicator_id),
        "details": lambda: find_dead_letters(database, limit, which),
        "incomplete": lambda: incomplete(database, limit, batch_id, indicator_id),
    }
    return {view: [row._asdict() for row in await ask[view]()] for view in views}


def as_json(found: Found) -> object:
    """The rows of the only view, else every view by name."""
    return next(iter(found.values())) if len(found) == 1 else dict(found)


def as_tables(found: Found) -> list[RenderableType]:
    """A table a view."""
    return [
        table(
            TITLES[view],
            [name.replace("_", " ") for name in COLUMNS[view]],
            [[row[name] for name in COLUMNS[view]] for row in rows],
        )
        for view, rows in found.items()
    ]
