"""What a run leaves behind: its samples as CSV, the picture, its figures in the page."""

import csv
import os
from collections.abc import Sequence
from pathlib import Path

from tests.benchmarks.long_run.checks import Check
from tests.benchmarks.long_run.course import Course, Sample, within
from tests.benchmarks.long_run.figure import draw
from tests.kafka.backend import require

FIGURES, PAGE = Path("figures"), Path("long-run.md")
BEGIN, END = "<!-- figures of make long-run -->\n", "<!-- end of these figures -->"
THIRDS = ((0.05, 0.35), (0.35, 0.65), (0.65, 0.95))
"""Shares of the time, without the first and the last moments."""

Row = tuple[str, str]


def title(course: Course) -> str:
    """The run in a line."""
    return (
        f"{course.done:,} indicators through every stage in {course.seconds / 60:.1f} minutes, "
        f"{course.done / course.seconds:,.0f} a second, {require()}, {os.cpu_count()} cores for everything"
    )


def figures(course: Course, disk_gb: dict[str, float]) -> list[Row]:
    """What it took."""
    last, done = course.samples[-1], course.done
    cpu = {name: seconds * 1000 / done for name, seconds in last.cpu_seconds.items()}
    thirds = " → ".join(f"{_rate(within(course.samples, *third)):,.0f}" for third in THIRDS)
    most = {name: max(sample.lag.get(name, 0) for sample in course.samples) for name in last.lag}
    longest = max(most, key=lambda name: most[name])
    return [
        ("ran on", f"{require()}, {os.cpu_count()} cores for broker, database, stages and client"),
        ("indicators", f"{done:,}, of which {course.waiting:,} at most were on their way at a time"),
        ("time", f"{course.seconds / 60:.1f} minutes"),
        ("indicators a second", f"{done / course.seconds:,.0f} (first, middle, last third: {thirds})"),
        ("CPU an indicator", f"{sum(cpu.values()):.2f} ms ({_listed(cpu, '{:.2f}')})"),
        ("most memory", f"{_listed(_most_memory(course.samples), '{:.0f} MB')}"),
        ("most records before one stage", f"{most[longest]:,} ({longest})"),
        ("disk afterwards", _listed(disk_gb, "{:.2f} GB")),
    ]


def _rate(samples: Sequence[Sample]) -> float:
    """Items a second between the first and the last of these samples."""
    if len(samples) < 2:
        return 0.0
    return (samples[-1].done - samples[0].done) / (samples[-1].seconds - samples[0].seconds)


def _most_memory(samples: Sequence[Sample]) -> dict[str, float]:
    return {name: max(sample.memory_mb.get(name, 0) for sample in samples) for name in samples[-1].memory_mb}


def _listed(figures: dict[str, float], form: str) -> str:
    return ", ".join(f"{name} {form.format(figure)}" for name, figure in figures.items())


def markdown(rows: Sequence[Row], found: Sequence[Check]) -> str:
    """The figures and what was checked, as tables of the page."""
    lines = ["| what | measured |", "| --- | --- |", *(f"| {what} | {figure} |" for what, figure in rows), ""]
    lines += ["| what must hold | must be | was | |", "| --- | ---: | ---: | --- |"]
    lines += [f"| {check.what} | {check.expected} | {check.found} | {check.verdict} |" for check in found]
    return "\n".join(lines) + "\n"


def publish(course: Course, tables: str, into: Path) -> None:
    """Draw the picture, and put the tables into the page if it is there."""
    draw(course.samples, title(course), into / FIGURES / "long-run.png")
    page = into / PAGE
    if page.exists():
        head, _, rest = page.read_text(encoding="utf-8").partition(BEGIN)
        page.write_text(f"{head}{BEGIN}\n{tables}\n{END}{rest.partition(END)[2]}", encoding="utf-8")


def write_samples(samples: Sequence[Sample], into: Path) -> None:
    """A row a sample."""
    path = into / FIGURES / "long-run.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = [_columns(sample) for sample in samples]
        writer = csv.DictWriter(file, rows[-1].keys(), restval=0)
        writer.writeheader()
        writer.writerows(rows)


def _columns(sample: Sample) -> dict[str, object]:
    return {
        "seconds": round(sample.seconds, 1),
        "done": sample.done,
        "per second": round(sample.rate),
        **{f"records before {name}": lag for name, lag in sample.lag.items()},
        **{f"MB {name}": round(memory) for name, memory in sample.memory_mb.items()},
        **{f"CPU seconds {name}": round(seconds, 1) for name, seconds in sample.cpu_seconds.items()},
    }
