"""How far a run is, on a terminal as a bar, elsewhere as a line now and then."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from services.correction.running import Show
from services.correction.store import RunProgress

LINE_SECONDS: Final = 2.0


@contextmanager
def watching(console: Console, *, quiet: bool) -> Iterator[Show]:
    """A function that shows what it is given."""
    if quiet:
        yield lambda _: None
    elif console.is_terminal:
        with _bar(console) as progress:
            task = progress.add_task("looking through", total=None)

            def show(seen: RunProgress) -> None:
                told = "correcting" if seen.expected is not None else "looking through"
                progress.update(task, description=told, completed=seen.done, total=seen.expected)

            yield show
    else:
        yield _Lines(console).show


def _bar(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
    )


class _Lines:
    """At most one line every two seconds."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._began = self._last = time.monotonic()

    def show(self, seen: RunProgress) -> None:
        """Print where it stands, if it is time."""
        now = time.monotonic()
        if seen.expected is None or now - self._last < LINE_SECONDS:
            return
        self._last = now
        share = f"({100 * seen.done // max(1, seen.expected)}%)"
        text = f"Progress: {seen.done:,}/{seen.expected:,} {share} - {now - self._began:.0f}s elapsed"
        self._console.print(text, highlight=False, markup=False)
