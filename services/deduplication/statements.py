"""The SQL statements of this pipeline."""

from functools import cache

from shared.database import Queries


@cache
def queries() -> Queries:
    """All of them, by name."""
    return Queries("services.deduplication")
