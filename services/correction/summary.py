"""What a run came to, or what it would come to."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from rich.console import Console

from services.correction.manifest import recommendations
from services.correction.rehearsing import Rehearsed
from services.correction.store import manifest_of, runs, statuses_of
from shared.database import Database
from shared.llm.estimating import calls_since
from shared.terminal.printing import dollars, facts, print_json, table

Count = tuple[str, str, int]
"""(status, reason, rows)."""


@dataclass(frozen=True, slots=True)
class Summary:
    """In figures."""

    run_id: str
    decision: str
    recommendations: Sequence[str]
    lines: int
    records: int
    skipped: Mapping[str, int]
    invalid: int
    """Lines that are no records, and slices that could not be read any more."""
    rows: int
    rows_final: int
    statuses: Sequence[Count]
    calls: int
    cached: int | None
    """Answers that were kept from earlier runs; None if nobody looked."""
    tokens_in: int
    tokens_out: int
    cost_usd: float
    output: str = ""
    dry_run: bool = False

    @property
    def is_complete(self) -> bool:
        """Whether every line was read and every row is final."""
        return self.decision != "NO-GO" and not self.invalid and self.rows == self.rows_final

    def by_status(self) -> dict[str, int]:
        """Rows by status."""
        found: dict[str, int] = {}
        for status, _, rows in self.statuses:
            found[status] = found.get(status, 0) + rows
        return found


async def of_run(database: Database, run_id: str, output: str) -> Summary:
    """From the tables."""
    (run,) = await runs(database, 1, run_id)
    statuses = [(row["status"], row["reason"], row["rows"]) for row in await statuses_of(database, run_id)]
    made = await calls_since(database, run["created_at"])
    return Summary(
        run_id=run_id,
        decision=run["decision"],
        recommendations=(await manifest_of(database, run_id)).get("recommendations", ()),
        lines=run["lines"],
        records=run["records"],
        skipped=run["skipped"],
        invalid=run["invalid"] + run["unreadable"],
        rows=run["rows"],
        rows_final=run["completed"],
        statuses=statuses,
        calls=made.calls,
        cached=None,
        tokens_in=run["tokens_in"],
        tokens_out=run["tokens_out"],
        cost_usd=run["cost_usd"],
        output=output,
    )


def of_rehearsal(result: Rehearsed) -> Summary:
    """From what was found and estimated."""
    found, estimate = result.found, result.estimate
    assert estimate is not None  # a rehearsal ends with it
    return Summary(
        run_id="",
        decision=found.decision.value,
        recommendations=recommendations(found),
        lines=found.lines,
        records=found.messages - sum(count for reason, count in found.skipped.items() if reason != "blank"),
        skipped=dict(found.skipped),
        invalid=found.invalid,
        rows=found.rows,
        rows_final=sum(result.statuses.values()),
        statuses=[(status, reason, rows) for (status, reason), rows in result.statuses.most_common()],
        calls=estimate.calls,
        cached=sum(stage.cached for stage in estimate.stages) if estimate.cache_looked_at else None,
        tokens_in=estimate.tokens_in,
        tokens_out=estimate.tokens_out,
        cost_usd=estimate.cost_usd,
        dry_run=True,
    )


def shown(summary: Summary, *, quiet: bool, as_json: bool) -> None:
    """On standard output as JSON, else for people beside it."""
    if as_json:
        print_json({**asdict(summary), "by_status": summary.by_status(), "is_complete": summary.is_complete})
    elif not quiet:
        console = Console(stderr=True)
        console.print(table("Rows", ("status", "reason", "rows"), summary.statuses))
        console.print(facts("Dry run" if summary.dry_run else "Run", _figures(summary)))


def _figures(summary: Summary) -> dict[str, object]:
    letters = f"sluice dead-letters list --batch {summary.run_id}" if summary.run_id and summary.invalid else ""
    skipped = ", ".join(f"{reason} {count:,}" for reason, count in summary.skipped.items())
    told = {
        "run": summary.run_id,
        "decision": summary.decision,
        "lines": f"{summary.lines:,} = {summary.records:,} records + {sum(summary.skipped.values()):,} skipped "
        f"+ {summary.invalid:,} unreadable",
        "skipped": skipped,
        "unreadable lines": letters,
        "rows": f"{summary.rows:,}, final {summary.rows_final:,}",
        "calls": summary.calls,
        "known answers": "not looked at" if summary.dry_run and summary.cached is None else summary.cached,
        "tokens": f"{summary.tokens_in:,} in, {summary.tokens_out:,} out",
        "cost": f"${dollars(summary.cost_usd)}",
        "output": summary.output,
    }
    notes = {f"note {number}": note for number, note in enumerate(summary.recommendations, start=1)}
    return {name: value for name, value in {**told, **notes}.items() if value not in ("", None)}
