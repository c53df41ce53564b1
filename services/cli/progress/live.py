"""The progress bar on a terminal."""

from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, ProgressColumn, Task, TaskID, TextColumn
from rich.progress import Progress as Bar
from rich.table import Column
from rich.text import Text

from services.cli.progress.events import Pending, QuietProgress, Totals
from services.cli.progress.lines import final_lines, of, stuck_lines, waits_line
from services.cli.progress.meter import Clock, Meter, Reading
from shared.terminal.shown import duration, printable, rate, tally

BAR_WIDTH = 20


class LiveProgress(QuietProgress):
    """Percentage, done of total, rate, elapsed, time left and counts by status in one line that renews itself."""

    def __init__(self, console: Console, clock: Clock, auto_refresh: bool = True) -> None:
        """Draws on the console several times a second, or without auto_refresh only when told something."""
        self._console = console
        self._clock = clock
        self._meter = Meter(clock)
        self._totals = Totals()
        self._bar = Bar(
            TextColumn("{task.description}", markup=False),
            BarColumn(BAR_WIDTH),
            _State(self._reading),
            console=console,
            auto_refresh=auto_refresh,
            get_time=clock,
        )
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        """Takes the last line of the terminal."""
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leaves the last state of the bar standing."""
        self._bar.stop()

    def begin(self, totals: Totals) -> None:
        """Draws the empty bar."""
        self._totals = totals
        self._meter = Meter(self._clock, totals.indicators)
        self._task = self._bar.add_task("Classifying", total=totals.indicators)

    def group_started(self, group: int, batches: int) -> None:
        """Names the group at the left of the bar."""
        if self._task is not None:
            self._bar.update(self._task, description=f"Group {of(group, self._totals.groups)}")

    def batch_failed(self, batch: int, error: str) -> None:
        """The error, above the bar."""
        self._print(f"Batch {batch}: not accepted: {printable(error)}")

    def advanced(self, counts: Mapping[str, int]) -> None:
        """Moves the bar."""
        done = self._meter.update(counts).done
        if self._task is not None:
            self._bar.update(self._task, completed=done)

    def stuck(self, pending: Sequence[Pending]) -> None:
        """Every pending indicator, above the bar."""
        for line in stuck_lines(pending):
            self._print(line)

    def waits(self, stage: str, reason: str) -> None:
        """A line above the bar."""
        self._print(waits_line(stage, reason))

    def finished(self, indicators: int, trace_ids: Sequence[str]) -> None:
        """The summary, below the last state of the bar."""
        self._bar.stop()
        for line in final_lines(self._meter, indicators, trace_ids):
            self._print(line)

    def _reading(self) -> Reading:
        return self._meter.reading()  # looked up anew: `begin` starts another meter

    def _print(self, line: str) -> None:
        self._console.print(Text(line), highlight=False, soft_wrap=True)


class _State(ProgressColumn):
    """Asks for a new reading at each drawing, so that time goes on while nothing arrives."""

    def __init__(self, read: Callable[[], Reading]) -> None:
        super().__init__(table_column=Column(no_wrap=True))
        self._read = read

    def render(self, task: Task) -> Text:
        return Text(state_line(self._read()))


def state_line(reading: Reading) -> str:
    """50% 10/20 · 0.7 indicators/s · 15s elapsed · ETA 15s · completed 9, failed 1."""
    parts = [f"{reading.done:,}"]
    if reading.total is not None:
        parts = [f"{reading.percent}% {reading.done:,}/{reading.total:,}"]
    parts += [rate(reading.rate), f"{duration(reading.elapsed)} elapsed"]
    if reading.total is not None:
        parts.append(f"ETA {duration(reading.remaining)}")
    if reading.done:
        parts.append(tally(reading.counts))
    return " · ".join(parts)
