"""What a run came to, from its result rows: as tables for people and as JSON for programs."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace

from rich.console import Group
from rich.table import Table
from rich.text import Text

from services.cli.results import ResultRow, RowStatus
from services.cli.spending import Spending
from shared.terminal.shown import duration, printable, rate

UNDECIDED = "(none)"
TOP_TYPES = 15


@dataclass(frozen=True)
class Usage:
    """What a run took, measured by the command. CPU seconds are those of all processes it started."""

    elapsed_seconds: float = 0.0
    cpu_seconds: float | None = None


@dataclass(frozen=True)
class RunSummary:
    """Counts by what was decided. Families, types and review statuses count rows that have a result."""

    indicators: int
    by_status: dict[str, int]
    by_family: dict[str, int]
    by_type: dict[str, int]
    by_review_status: dict[str, int]
    cost_usd: float
    usage: Usage = field(default_factory=Usage)
    places: dict[str, str] = field(default_factory=dict)
    """Where results lie: a word for each place, such as output, rejects or table."""
    spending: Spending | None = None
    """What language models took; None if none was asked."""

    @property
    def all_completed(self) -> bool:
        """Whether every row ended well: exit code 0."""
        return self.by_status.get(RowStatus.COMPLETED, 0) == self.indicators

    @property
    def per_second(self) -> float | None:
        """Indicators a second over the whole run; None before any time has passed."""
        return self.indicators / self.usage.elapsed_seconds if self.usage.elapsed_seconds > 0 else None

    @property
    def cpu_ms_each(self) -> float | None:
        """CPU milliseconds an indicator; None if CPU was not measured."""
        if self.usage.cpu_seconds is None or not self.indicators:
            return None
        return 1_000 * self.usage.cpu_seconds / self.indicators


def summarise(
    rows: Iterable[ResultRow], usage: Usage, places: Mapping[str, str], spending: Spending | None = None
) -> RunSummary:
    """Counts the rows, in one pass."""
    statuses, families, types, reviews = Counter[str](), Counter[str](), Counter[str](), Counter[str]()
    cost = 0.0
    for row in rows:
        statuses[row.status] += 1
        cost += row.cost_usd or 0.0
        if row.family is not None:
            families[row.family] += 1
            types[f"{row.family}/{row.indicator_type or UNDECIDED}"] += 1
            reviews[row.review_status or UNDECIDED] += 1
    return RunSummary(
        indicators=statuses.total(),
        by_status=_ranked(statuses),
        by_family=_ranked(families),
        by_type=_ranked(types),
        by_review_status=_ranked(reviews),
        cost_usd=cost,
        usage=usage,
        places=dict(places),
        spending=spending,
    )


def as_json(summary: RunSummary) -> str:
    """The summary as one JSON object, derived figures included."""
    figures: dict[str, object] = {
        "indicators_per_second": summary.per_second,
        "cpu_ms_per_indicator": summary.cpu_ms_each,
    }
    content = asdict(replace(summary, spending=None))
    usage = content.pop("usage")
    spent = {"spending": summary.spending.as_json() if summary.spending else None}
    whole = {**content, **spent, **usage, **figures, "all_completed": summary.all_completed}
    return json.dumps(whole, ensure_ascii=False)


def as_tables(summary: RunSummary) -> Group:
    """Tables by family, type and review status, then the figures of the run."""
    tables = [
        counts_table("Family", summary.by_family),
        counts_table("Type", summary.by_type, TOP_TYPES),
        counts_table("Review", summary.by_review_status),
    ]
    return Group(*(table for table in tables if table.row_count), _figures(summary))


def counts_table(title: str, counts: Mapping[str, int], limit: int | None = None) -> Table:
    """Counts and shares, the largest first; what exceeds the limit is summed up in a last row."""
    table = _table(title, "count", "share")
    total = sum(counts.values())
    entries = list(counts.items())
    for label, count in entries[:limit]:
        table.add_row(Text(printable(label)), f"{count:,}", f"{count / total:.1%}")
    rest = entries[limit:] if limit is not None else []
    if rest:
        count = sum(count for _, count in rest)
        table.add_row(Text(f"{len(rest)} others"), f"{count:,}", f"{count / total:.1%}")
    return table


def _table(title: str, *columns: str) -> Table:
    table = Table(title_justify="left")
    table.add_column(title)
    for column in columns:
        table.add_column(column, justify="right")
    return table


def _figures(summary: RunSummary) -> Table:
    table = Table(show_header=False, box=None)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for label, value in _figure_rows(summary):
        table.add_row(label, Text(value))
    return table


def _figure_rows(summary: RunSummary) -> Sequence[tuple[str, str]]:
    rows = [("indicators", f"{summary.indicators:,}")]
    rows += [(status.replace("_", " "), f"{count:,}") for status, count in summary.by_status.items()]
    rows += [
        ("elapsed", duration(summary.usage.elapsed_seconds)),
        ("throughput", rate(summary.per_second)),
    ]
    if summary.usage.cpu_seconds is not None and summary.cpu_ms_each is not None:
        rows.append(("CPU", f"{summary.usage.cpu_seconds:.1f} s, {summary.cpu_ms_each:.2f} ms an indicator"))
    rows.append(("cost", f"${summary.cost_usd:,.4f}"))
    rows += summary.spending.figures() if summary.spending else []
    return rows + [(label, printable(place, 500)) for label, place in summary.places.items()]


def _ranked(counts: Counter[str]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda entry: (-entry[1], entry[0])))
