"""Decisions of people, as a pipeline offers them: found by entry point, so that who shows them names no pipeline."""

from collections.abc import Mapping, Sequence
from functools import cache
from importlib.metadata import entry_points
from typing import Any, NamedTuple, Protocol

from shared.database import Database, Executor

GROUP = "sluice.reviews"


class Choice(NamedTuple):
    """A value that a person may replace. `possible` is empty where any text may stand."""

    field: str
    possible: Sequence[str]


class Ruling(NamedTuple):
    """What a person wants a row to say; without `fields` it is right as it stands. Values are as people write them."""

    item_id: str
    fields: Mapping[str, str]
    reviewer: str
    reason: str
    force: bool
    """Although rules object."""


class Reviews(Protocol):
    """What waits for a person, what is known about it, and deciding."""

    def choices(self) -> Sequence[Choice]:
        """What can be replaced."""

    async def waiting(self, executor: Executor, limit: int) -> list[dict[str, Any]]:
        """The least certain first: item_id, name, units, confidence, contested, why, and a value for each choice."""

    async def known(self, executor: Executor, item_id: str) -> dict[str, Any]:
        """Everything about one item. Raises UsageError if it has no result."""

    async def decide(self, database: Database, ruling: Ruling) -> str:
        """Make a decision and say in a sentence what it came to. Raises UsageError if it cannot be made."""


@cache
def reviews(pipeline: str) -> Reviews | None:
    """Those of a pipeline; None if nobody decides about its items."""
    for point in entry_points(group=GROUP, name=pipeline):
        found: Reviews = point.load()
        return found
    return None
