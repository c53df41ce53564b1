"""What a command tells its display. One interface; what is shown is up to the implementation."""

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import NamedTuple, Protocol, Self


class Totals(NamedTuple):
    """How much a run will do; None where it is not known in advance."""

    indicators: int | None = None
    batches: int | None = None
    groups: int | None = None


class Pending(NamedTuple):
    """An indicator that has no result yet, and what was last heard of it."""

    indicator_id: str
    name: str
    stage: str | None = None
    status: str | None = None
    error: str | None = None


class Progress(Protocol):
    """Told by a command what happens; shows it its own way. Used as a context: leaving it restores the terminal."""

    def __enter__(self) -> Self:
        """Starts showing."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stops showing, whatever happened."""

    def begin(self, totals: Totals) -> None:
        """Work starts: time runs from here on."""

    def group_started(self, group: int, batches: int) -> None:
        """So many batches are submitted together."""

    def batch_started(self, batch: int, first: int, last: int) -> None:
        """These indicators, counted from 1, are being submitted."""

    def batch_accepted(self, batch: int, trace_id: str) -> None:
        """The batch is in."""

    def batch_failed(self, batch: int, error: str) -> None:
        """The batch could not be submitted; the others go on."""

    def queued(self, indicators: int) -> None:
        """All batches of the group are in."""

    def advanced(self, counts: Mapping[str, int]) -> None:
        """So many indicators of the whole run have each status by now."""

    def stuck(self, pending: Sequence[Pending]) -> None:
        """Nothing has moved for a while: this is what is missing."""

    def waits(self, stage: str, reason: str) -> None:
        """A stage does not work at the moment; it goes on by itself once the reason is gone."""

    def group_completed(self, group: int) -> None:
        """Every indicator of the group has a status, or is given up on."""

    def finished(self, indicators: int, trace_ids: Sequence[str]) -> None:
        """The run is over. One trace id a batch."""


class QuietProgress:
    """Shows nothing; the base of those that show something."""

    def __enter__(self) -> Self:
        """Starts nothing."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stops nothing."""

    def begin(self, totals: Totals) -> None:
        """Shows nothing."""

    def group_started(self, group: int, batches: int) -> None:
        """Shows nothing."""

    def batch_started(self, batch: int, first: int, last: int) -> None:
        """Shows nothing."""

    def batch_accepted(self, batch: int, trace_id: str) -> None:
        """Shows nothing."""

    def batch_failed(self, batch: int, error: str) -> None:
        """Shows nothing."""

    def queued(self, indicators: int) -> None:
        """Shows nothing."""

    def advanced(self, counts: Mapping[str, int]) -> None:
        """Shows nothing."""

    def stuck(self, pending: Sequence[Pending]) -> None:
        """Shows nothing."""

    def waits(self, stage: str, reason: str) -> None:
        """Shows nothing."""

    def group_completed(self, group: int) -> None:
        """Shows nothing."""

    def finished(self, indicators: int, trace_ids: Sequence[str]) -> None:
        """Shows nothing."""
