"""What the suite found out, fault by fault, as a table for people and for files."""

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

REPORT = os.environ.pop("SLUICE_FAULT_REPORT", "")
"""A file for the findings, Markdown or, by its name, JSON. Taken out of the environment: it is no setting of Sluice."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault. In seconds: the longest time in which nothing ended, and after the fault until the first and last did.

    `first` and `last` are None if everything had ended while the fault lasted.
    """

    fault: str
    promised: str
    seen: str
    pause: float | None = None
    first: float | None = None
    last: float | None = None

    @property
    def cells(self) -> tuple[str, ...]:
        """As they are printed."""
        return self.fault, self.promised, self.seen, _seconds(self.pause), _seconds(self.first), _seconds(self.last)


HEADINGS = ("Fault", "Promised", "Seen", "Longest pause, s", "First item after, s", "Last item after, s")
FINDINGS: list[Finding] = []
"""Those of this run, as they come."""


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"


def markdown(findings: Sequence[Finding]) -> list[str]:
    """Lines of a table."""
    rows = [HEADINGS, ("---", "---", "---", "---:", "---:", "---:"), *(finding.cells for finding in findings)]
    return [f"| {' | '.join(cells)} |" for cells in rows]


def write(findings: Sequence[Finding], path: Path) -> None:
    """Put the findings in a file."""
    if path.suffix == ".json":
        path.write_text(json.dumps([asdict(finding) for finding in findings], indent=2) + "\n")
    else:
        path.write_text("\n".join(markdown(findings)) + "\n")
