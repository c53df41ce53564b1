"""What a command shows while it runs: a bar on a terminal, plain lines elsewhere, or nothing."""

from rich.console import Console

from services.cli.progress.events import Pending, Progress, QuietProgress, Totals
from services.cli.progress.live import LiveProgress
from services.cli.progress.meter import Clock, StallWatch
from services.cli.progress.plain import PlainProgress

__all__ = [
    "LiveProgress",
    "Pending",
    "PlainProgress",
    "Progress",
    "QuietProgress",
    "StallWatch",
    "Totals",
    "progress_for",
]


def progress_for(console: Console, clock: Clock, quiet: bool = False) -> Progress:
    """The display that suits the console: a bar if it is a terminal, else lines."""
    if quiet:
        return QuietProgress()
    if console.is_terminal:
        return LiveProgress(console, clock)
    return PlainProgress(lambda line: console.out(line, highlight=False), clock)
