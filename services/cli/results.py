"""One row of a result file, and the rows of a whole run in the order of its input."""

from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from typing import NamedTuple

from services.cli.inputs import Rejected, Row


class RowStatus(StrEnum):
    """What became of an input row."""

    COMPLETED = "completed"
    NEEDS_HUMAN = "needs_human"
    FAILED = "failed"
    """A stage refused it: it is among the dead letters."""
    REJECTED = "rejected"
    """It never entered the pipeline: the input row is at fault."""
    PENDING = "pending"
    """No result yet."""


class ResultRow(NamedTuple):
    """A row of the output, its fields in the order of the columns. None: not known, or not decided."""

    indicator_id: str | None
    name: str | None
    units: str | None = None
    family: str | None = None
    indicator_type: str | None = None
    temporal_aggregation: str | None = None
    time_basis: str | None = None
    reporting_frequency: str | None = None
    scale: str | None = None
    is_currency_denominated: bool | None = None
    detected_currency: str | None = None
    is_cumulative: bool | None = None
    heat_map_orientation: str | None = None
    overall_confidence: float | None = None
    review_status: str | None = None
    provider: str | None = None
    model: str | None = None
    cost_usd: float | None = None
    batch_id: str | None = None
    status: str = RowStatus.PENDING
    error: str | None = None


def rejected_row(row: Rejected) -> ResultRow:
    """The result of a row that was not submitted."""
    return ResultRow(row.indicator_id, row.name, status=RowStatus.REJECTED, error=row.sentence)


def in_input_order(rows: Iterable[Row], results: Mapping[str, ResultRow]) -> Iterator[ResultRow]:
    """One result per input row. Rows without a result so far are pending."""
    for row in rows:
        if isinstance(row, Rejected):
            yield rejected_row(row)
        else:
            subject = row.indicator
            found = results.get(subject.indicator_id) or ResultRow(subject.indicator_id, None)
            yield found._replace(name=found.name or subject.name, units=found.units or subject.units)
