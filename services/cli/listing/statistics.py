"""Statistics over everything that was done."""

from dataclasses import dataclass
from typing import Any

from rich.console import RenderableType

from services.cli.listing import batches
from services.cli.listing.results import count_tables
from shared.database import Database
from shared.database.views import (
    ModelUse,
    Overall,
    ResultCounts,
    StageActivity,
    Throughput,
    Uncertain,
    low_confidence,
    models,
    overall,
    result_counts,
    stage_activity,
    throughput,
)
from shared.terminal.printing import dollars, elapsed, facts, percent, table

HOUR = 3_600.0
MODEL_COLUMNS = ("provider", "model", "indicators", "confidence", "each", "tokens in", "tokens out", "cost $")


@dataclass(frozen=True, slots=True)
class Statistics:
    """What `sluice stats` shows."""

    overall: Overall
    batches: list[batches.Row]
    models: list[ModelUse]
    last_hour: Throughput
    stages: list[StageActivity]
    stage_minutes: int
    counts: ResultCounts
    low_confidence: list[Uncertain]
    below: float

    def as_json(self) -> dict[str, Any]:
        """One object, a key a section."""
        shares = {
            "success_percent": self.overall.success_percent,
            "classified_percent": self.overall.classified_percent,
        }
        return {
            "overall": {**self.overall._asdict(), **shares},
            "batches": self.batches,
            "models": [row._asdict() for row in self.models],
            "last_hour": {**self.last_hour._asdict(), "per_minute": self.last_hour.finished / 60},
            "stages": [row._asdict() for row in self.stages],
            "counts": self.counts._asdict(),
            "low_confidence": [row._asdict() for row in self.low_confidence],
        }

    def as_tables(self) -> list[RenderableType]:
        """The sections in the order in which one asks."""
        stages = [(row.stage, row.status, row.items, elapsed(row.avg_time_ms)) for row in self.stages]
        return [
            facts("Overall", self._overall()),
            batches.as_table(self.batches, "Recent batches"),
            table("Models", MODEL_COLUMNS, self._models()),
            facts("Last hour", {**self.last_hour._asdict(), "per_minute": self.last_hour.finished / 60}),
            table(f"Stages in the last {self.stage_minutes} minutes", ("stage", "status", "items", "each"), stages),
            *count_tables(self.counts),
            table(f"Confidence below {self.below:g}", Uncertain._fields, self.low_confidence),
        ]

    def _overall(self) -> dict[str, object]:
        values: dict[str, object] = self.overall._asdict()
        values["cost_usd"] = dollars(self.overall.cost_usd)
        values["success"] = percent(self.overall.success_percent)
        values["classified"] = f"{self.overall.classified:,} ({percent(self.overall.classified_percent) or '-'})"
        return values

    def _models(self) -> list[tuple[object, ...]]:
        return [
            (
                row.provider,
                row.model,
                row.indicators,
                row.avg_confidence,
                elapsed(row.avg_time_ms),
                row.tokens_in,
                row.tokens_out,
                dollars(row.cost_usd),
            )
            for row in self.models
        ]


async def gather(database: Database, limit: int, below: float, minutes: int) -> Statistics:
    """Ask for every section."""
    return Statistics(
        overall=await overall(database),
        batches=await batches.newest(database, limit),
        models=await models(database),
        last_hour=await throughput(database, HOUR),
        stages=await stage_activity(database, minutes * 60),
        stage_minutes=minutes,
        counts=await result_counts(database),
        low_confidence=await low_confidence(database, below, limit),
        below=below,
    )
