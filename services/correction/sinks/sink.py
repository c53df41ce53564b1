"""What a place for final rows has to be able to do."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from shared.errors import TransientError

Row = Mapping[str, Any]


class JobFailed(TransientError):  # noqa: N818 -- what has become of the job
    """The warehouse has ended a job without loading anything; another job may fare better."""


class Sink(Protocol):
    """Takes rows in jobs, and takes none of them twice."""

    async def load(self, rows: Sequence[Row], job: str = "") -> None:
        """Load rows and return when they are there. Raises TransientError, JobFailed among them.

        A job that comes again under the same name is the same job; a sink that knows rows by their ids needs no name.
        """

    async def count(self, run_id: str) -> int:
        """How many rows of a run are there. Raises TransientError."""
