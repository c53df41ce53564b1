"""What a warehouse has to be able to do."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from shared.errors import TransientError

Row = Mapping[str, Any]


class JobFailed(TransientError):  # noqa: N818 -- what has become of the job
    """The warehouse has ended a job without loading anything; another job may fare better."""


class Sink(Protocol):
    """Takes rows in jobs. A job that comes again under the same name is the same job: nothing is loaded twice."""

    def load(self, job: str, rows: Sequence[Row]) -> None:
        """Load rows and return when they are there. It may block. Raises TransientError, JobFailed among them."""

    def count(self, run_id: str) -> int:
        """How many rows of a run are there. It may block, and is a query job. Raises TransientError."""
