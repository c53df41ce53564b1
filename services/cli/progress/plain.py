"""Progress as plain lines."""

from collections.abc import Callable, Mapping, Sequence

from services.cli.progress.events import Pending, QuietProgress, Totals
from services.cli.progress.lines import final_lines, of, progress_line, stuck_lines, waits_line
from services.cli.progress.meter import Clock, Meter
from shared.terminal.shown import printable

PERCENT_STEP = 10
COUNT_STEP = 1_000
"""How often progress is told where no total is known."""


class PlainProgress(QuietProgress):
    """One line an event, and one at each tenth of the way: for logs and pipes."""

    def __init__(self, write: Callable[[str], None], clock: Clock) -> None:
        """Lines go to `write` without line ends."""
        self._write = write
        self._clock = clock
        self._meter = Meter(clock)
        self._totals = Totals()
        self._told = 0

    def begin(self, totals: Totals) -> None:
        """Takes the totals; says nothing yet."""
        self._totals = totals
        self._meter = Meter(self._clock, totals.indicators)
        self._told = 0

    def group_started(self, group: int, batches: int) -> None:
        """Group header."""
        self._write(f"Group {of(group, self._totals.groups)}: starting {batches} concurrent batches")

    def batch_started(self, batch: int, first: int, last: int) -> None:
        """Batch header."""
        self._write(f"Batch {of(batch, self._totals.batches)}: indicators {first}\N{EN DASH}{last}")

    def batch_accepted(self, batch: int, trace_id: str) -> None:
        """The trace id to look for."""
        self._write(f"Batch {of(batch, self._totals.batches)}: accepted (trace {trace_id})")

    def batch_failed(self, batch: int, error: str) -> None:
        """The error."""
        self._write(f"Batch {of(batch, self._totals.batches)}: not accepted: {printable(error)}")

    def queued(self, indicators: int) -> None:
        """How many are under way."""
        self._write(f"{indicators:,} indicators queued")

    def advanced(self, counts: Mapping[str, int]) -> None:
        """A line whenever another tenth is done."""
        reading = self._meter.update(counts)
        step = reading.done // COUNT_STEP if reading.percent is None else reading.percent // PERCENT_STEP
        if step > self._told:
            self._told = step
            self._write(progress_line(reading))

    def stuck(self, pending: Sequence[Pending]) -> None:
        """Every pending indicator."""
        for line in stuck_lines(pending):
            self._write(line)

    def waits(self, stage: str, reason: str) -> None:
        """A line."""
        self._write(waits_line(stage, reason))

    def group_completed(self, group: int) -> None:
        """A line."""
        self._write(f"Group {group} completed")

    def finished(self, indicators: int, trace_ids: Sequence[str]) -> None:
        """The summary."""
        for line in final_lines(self._meter, indicators, trace_ids):
            self._write(line)
