"""What a run with language models was estimated to take and what it took, in figures for people and programs."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from rich.console import RenderableType

from shared.database import Database
from shared.database.ledger import Batch
from shared.llm.estimate import Estimate, StageEstimate
from shared.terminal.printing import dollars, table
from shared.terminal.shown import duration

THOUSAND = 1_000
SAME_COST = 0.01
"""Share by which the calls of the run's time may differ from its batches; if more, somebody else was calling too."""
COLUMNS = ("question", "model", "items", "distinct", "known", "calls", "tokens in", "(cached)", "tokens out", "cost $")


@dataclass(frozen=True, slots=True)
class Spending:
    """What a run took. `calls` and `cached_share` are None if others were calling at the same time."""

    indicators: int
    batches: int
    tokens_in: int
    tokens_out: int
    cost_usd: float
    calls: int | None = None
    cached_share: float | None = None
    """Of the tokens in: what the vendor had in its prompt cache."""
    estimate: Estimate | None = None

    @property
    def cost_per_batch(self) -> float:
        """US dollars."""
        return self.cost_usd / max(1, self.batches)

    @property
    def cost_per_thousand(self) -> float:
        """US dollars for a thousand indicators."""
        return THOUSAND * self.cost_usd / max(1, self.indicators)

    @property
    def error_percent(self) -> float | None:
        """How far the estimate was above what it came to; below: negative. In tokens where nothing costs anything."""
        if self.estimate is None:
            return None
        told = (self.estimate.cost_usd, self.cost_usd)
        tokens = (self.estimate.tokens_in + self.estimate.tokens_out, self.tokens_in + self.tokens_out)
        estimated, real = told if self.cost_usd else tokens
        if not real:
            return None if estimated else 0.0
        return 100 * (estimated / real - 1)

    def as_json(self) -> dict[str, Any]:
        """One object, derived figures included."""
        return {
            "calls": self.calls,
            "tokens_in": self.tokens_in,
            "tokens_out": self.tokens_out,
            "cached_share": self.cached_share,
            "cost_usd": self.cost_usd,
            "cost_per_batch_usd": self.cost_per_batch,
            "cost_per_thousand_usd": self.cost_per_thousand,
            "estimate": totals(self.estimate) if self.estimate else None,
            "estimate_error_percent": self.error_percent,
        }

    def figures(self) -> list[tuple[str, str]]:
        """Lines of a summary."""
        tokens = f"{self.tokens_in:,} in"
        if self.cached_share is not None:
            tokens += f" ({self.cached_share:.0%} cached)"
        rows = [("tokens", f"{tokens}, {self.tokens_out:,} out")]
        if self.calls is not None:
            rows.insert(0, ("model calls", f"{self.calls:,}"))
        rows.append(("per 1,000", f"${self.cost_per_thousand:,.4f}, ${self.cost_per_batch:,.4f} a batch"))
        if self.estimate:
            rows.append(("estimate", f"${self.estimate.cost_usd:,.4f}{_off(self.error_percent)}"))
        return rows


def _off(error: float | None) -> str:
    if error is None:
        return ""
    return f", {abs(error):.1f} % {'above' if error >= 0 else 'below'} what it came to"


async def spending(
    database: Database, batches: Sequence[Batch], indicators: int, since: datetime, estimate: Estimate | None
) -> Spending:
    """What batches took that were submitted since then; calls and prompt cache as the ledger of calls has them."""
    from shared.llm.estimating import calls_since

    cost = sum(batch.cost_usd for batch in batches)
    made = await calls_since(database, since)
    alone = abs(made.cost_usd - cost) <= SAME_COST * max(made.cost_usd, cost)
    return Spending(
        indicators=indicators,
        batches=len(batches),
        tokens_in=sum(batch.tokens_in for batch in batches),
        tokens_out=sum(batch.tokens_out for batch in batches),
        cost_usd=cost,
        calls=made.calls if alone else None,
        cached_share=made.tokens_cached / made.tokens_in if alone and made.tokens_in else None,
        estimate=estimate,
    )


def totals(estimate: Estimate) -> dict[str, Any]:
    """The sums of an estimate."""
    return {
        "calls": estimate.calls,
        "tokens_in": estimate.tokens_in,
        "tokens_out": estimate.tokens_out,
        "cost_usd": estimate.cost_usd,
        "seconds": estimate.seconds,
    }


def as_json(estimate: Estimate) -> dict[str, Any]:
    """An estimate in full."""
    return {
        "indicators": estimate.indicators,
        **totals(estimate),
        "cost_per_thousand_usd": THOUSAND * estimate.cost_usd / max(1, estimate.indicators),
        "cache_looked_at": estimate.cache_looked_at,
        "stages": [asdict(stage) for stage in estimate.stages],
    }


def as_table(estimate: Estimate) -> RenderableType:
    """One line a question, and the sums."""
    cells = [_cells(stage) for stage in estimate.stages]
    if cells:
        sums = [sum(column) for column in zip(*(row[2:-1] for row in cells), strict=True)]
        cells.append(["total", None, *sums, dollars(estimate.cost_usd)])
    return table(f"Estimate for {estimate.indicators:,} indicators", COLUMNS, cells)


def _cells(stage: StageEstimate) -> list[Any]:
    return [
        stage.question,
        f"{stage.provider} {stage.model}",
        stage.items,
        stage.distinct,
        stage.cached,
        stage.calls,
        stage.tokens_in,
        stage.tokens_cached,
        stage.tokens_out,
        dollars(stage.cost_usd),
    ]


def in_a_line(estimate: Estimate) -> str:
    """The sums in one line."""
    told = f"{estimate.calls:,} calls, {estimate.tokens_in:,} tokens in, {estimate.tokens_out:,} out"
    least = f"{duration(estimate.seconds)} at least"
    known = "" if estimate.cache_looked_at else "; answers that are kept were not looked at"
    return f"estimate: {told}, ${estimate.cost_usd:,.4f}, {least}{known}"
