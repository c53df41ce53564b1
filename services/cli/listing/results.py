"""Results: how many there are of each kind, then the rows."""

from typing import Any, NamedTuple

from rich.console import RenderableType

from services.cli.listing.batches import known_batch
from services.cli.summary import counts_table
from shared.database import Database
from shared.database.results import ResultRecord, ResultStatus, results
from shared.database.views import ResultCounts, result_counts
from shared.terminal.printing import dollars, facts, table

TOP_TYPES = 10
COLUMNS = {
    "indicator_id": "indicator",
    "name": "name",
    "units": "units",
    "family": "family",
    "indicator_type": "type",
    "temporal_aggregation": "aggregation",
    "heat_map_orientation": "orientation",
    "overall_confidence": "confidence",
    "review_status": "review",
    "status": "status",
    "model": "model",
    "cost_usd": "cost $",
    "error": "error",
}
OPTIONAL = ("cost_usd", "error")
"""Columns that are shown where some row has a value in them."""


class Results(NamedTuple):
    """Counts over everything that was asked for, and the first rows of it."""

    counts: ResultCounts
    rows: list[ResultRecord]

    def as_json(self) -> dict[str, Any]:
        """One object: counts and rows."""
        return {**self.counts._asdict(), "rows": [row._asdict() for row in self.rows]}

    def as_tables(self) -> list[RenderableType]:
        """Totals, tables of counts, rows."""
        title = f"Rows ({len(self.rows):,} of {self.counts.total:,})"
        columns = [name for name in COLUMNS if name not in OPTIONAL or any(getattr(row, name) for row in self.rows)]
        cells = [[_cell(row, name) for name in columns] for row in self.rows]
        return [
            facts("Results", {"total": self.counts.total}),
            *count_tables(self.counts),
            table(title, [COLUMNS[name] for name in columns], cells),
        ]


def _cell(row: ResultRecord, name: str) -> object:
    return dollars(row.cost_usd) if name == "cost_usd" else getattr(row, name)


def count_tables(counts: ResultCounts) -> list[RenderableType]:
    """By status, family, the ten most frequent types, and review status; nothing for what there is none of."""
    tables = [
        counts_table("Status", counts.by_status),
        counts_table("Family", counts.by_family),
        counts_table("Type", counts.by_type, TOP_TYPES),
        counts_table("Review", counts.by_review_status),
    ]
    return [one for one in tables if one.row_count]


async def find(
    database: Database,
    limit: int,
    *,
    batch_id: str | None = None,
    family: str | None = None,
    indicator_type: str | None = None,
    status: str | None = None,
) -> Results:
    """Look up results. Raises UsageError if the batch does not exist."""
    if batch_id is not None:
        await known_batch(database, batch_id)
    counts = await result_counts(database, batch_id, status=status, family=family, indicator_type=indicator_type)
    rows = await results(
        database,
        batch_id,
        limit=limit,
        family=family,
        indicator_type=indicator_type,
        status=ResultStatus(status) if status else None,
    )
    return Results(counts, rows)
