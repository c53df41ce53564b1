"""How a run is shown: its progress by stage while it lasts, and what it took when it is over."""

from collections.abc import Sequence
from types import TracebackType
from typing import Self

from rich.console import Console, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from services.deduplication.runs.store import Run, StageState
from services.deduplication.runs.summary import elapsed, seconds_of, shown_stage
from shared.terminal.printing import facts, table

COLUMNS = {
    "stage": "stage",
    "done": "done",
    "shards": "of",
    "rows": "rows out",
    "seconds": "s",
    "cpu_seconds": "CPU s",
    "peak_mb": "peak MB",
}
"""What of a stage is shown, and how it is headed."""


class StageProgress:
    """A bar on a terminal that follows the shards, and a line for every stage that is complete; nothing if `quiet`."""

    def __init__(self, console: Console, quiet: bool) -> None:
        self._console = console
        self._quiet = quiet
        self._told: set[str] = set()
        columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
        self._bar = Progress(*columns, console=console, transient=True, disable=quiet or not console.is_terminal)
        self._task = self._bar.add_task("starting", total=None)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def show(self, stages: Sequence[StageState]) -> None:
        """How far the stages are now."""
        for state in stages:
            if state.ended_at and state.plan.needs and state.plan.stage not in self._told and not self._quiet:
                self._told.add(state.plan.stage)
                self._console.print(_line(state), style="dim", highlight=False)
        working = [state.plan.stage for state in stages if state.started_at and not state.ended_at]
        done, total = sum(state.done for state in stages), sum(state.plan.shards for state in stages)
        self._bar.update(self._task, description=", ".join(working) or "waiting", completed=done, total=total)


def _line(state: StageState) -> str:
    shards = f"{state.done} shard{'s' * (state.done != 1)}"
    return f"{state.plan.stage}: {shards}, {state.rows:,} rows out, {seconds_of(state) or 0:.2f} s"


def as_tables(run: Run, stages: Sequence[StageState]) -> list[RenderableType]:
    """The same for people."""
    shown = [shown_stage(state) for state in stages if state.plan.needs]
    rows = [[stage[name] for name in COLUMNS] for stage in shown]
    values = {
        "run": run.run_id,
        "status": run.status.value,
        "because": run.error,
        "input": f"{run.input_name}, {run.rows:,} rows",
        "rules": run.config_digest,
        "took": f"{elapsed(run):.1f} s",
    }
    told = {name: value for name, value in values.items() if value}
    return [facts("Run", told), table("Stages", list(COLUMNS.values()), rows)]
