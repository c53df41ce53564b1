"""What reading an input yields: a row that can be classified, or one that cannot and why."""

from typing import NamedTuple

from schemas.indicator import MAX_MESSAGE_BYTES, Indicator
from shared.errors import UsageError

MAX_ROW_BYTES = MAX_MESSAGE_BYTES
"""Longest row read: what the pipeline takes."""

RAW_EXCERPT = 1_000
"""Bytes kept of a row that is too long to keep whole."""


class Accepted(NamedTuple):
    """A row that satisfies the ingest contract. `raw` is the indicator as JSON, ready to be sent."""

    row_number: int
    source: str
    indicator: Indicator
    raw: bytes


class Rejected(NamedTuple):
    """A row that cannot be classified. `raw` is the row as it was found (an excerpt if it is giant).

    The id and the name are filled as far as they could be read, so that the row can be recognised in a result file.
    """

    row_number: int
    source: str
    reason: str
    remedy: str
    raw: bytes
    indicator_id: str | None = None
    name: str | None = None

    @property
    def sentence(self) -> str:
        """Row, problem and remedy in one line."""
        return f"row {self.row_number}: {self.reason}; {self.remedy}"


Row = Accepted | Rejected


class Candidate(NamedTuple):
    """A row found by a format, not judged yet: as one JSON document, and as it stood in the file."""

    row_number: int
    document: bytes
    raw: bytes


class Flawed(NamedTuple):
    """A row that its format could not even turn into a JSON document."""

    row_number: int
    reason: str
    remedy: str
    raw: bytes


Found = Candidate | Flawed


class UnreadableInput(UsageError):  # noqa: N818 - reads as what is the case where it is raised
    """An input of which nothing more can be read. The rows before the damage, if any, were yielded."""

    def __init__(self, path: str, reason: str, remedy: str) -> None:
        super().__init__(f"{path}: {reason}", remedy=remedy)
        self.path = path
        self.reason = reason


def too_long(row_number: int, raw: bytes) -> Flawed:
    """The verdict on a row above the size limit; keeps an excerpt only."""
    return Flawed(
        row_number,
        f"the row is longer than {MAX_ROW_BYTES:,} bytes",
        "shorten its texts or leave out old sample values",
        raw[:RAW_EXCERPT],
    )
