"""What was measured, beside what it should be."""

from dataclasses import dataclass

from rich.table import Table


@dataclass(frozen=True, slots=True)
class Line:
    """One measure. `met`: None for a figure without a target of its own."""

    measure: str
    target: str
    measured: str
    met: bool | None
    note: str = ""

    @property
    def verdict(self) -> str:
        """In a word."""
        return {True: "met", False: "MISSED", None: ""}[self.met]


def table(title: str, lines: list[Line]) -> Table:
    """The lines as a table for people."""
    found = Table("measure", "target", "measured", "", "how", title=title, show_lines=True)
    for line in lines:
        found.add_row(line.measure, line.target, line.measured, line.verdict, line.note)
    return found


def percent(share: float, digits: int = 1) -> str:
    """A share as people write it."""
    return f"{share:.{digits}%}"
