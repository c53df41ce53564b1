"""What waits for a person, and everything that is known about one classification."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from rich.console import RenderableType

from schemas.enums import ReviewField
from services.classification.deciding import reviewable
from services.classification.review_row import judge
from services.classification.store import queries
from shared.database import Executor, Record
from shared.errors import UsageError
from shared.terminal.printing import facts, table

COLUMNS = {
    "indicator_id": "indicator",
    "name": "name",
    "units": "units",
    "overall_confidence": "confidence",
    "family": "family",
    "indicator_type": "type",
    "temporal_aggregation": "aggregation",
    "heat_map_orientation": "orientation",
    "contested": "contested",
    "why": "why",
}
STAGES = ("time", "cumulative", "scale", "currency", "family", "type")
_SHOWN = ("name", "units", "provider", "model", "batch_id", "overall_confidence", "review_status", "submitted_at")
_HISTORY = ("id", "created_at", "decision", "fields", "reviewer", "reason", "name", "units", "superseded_at")
_SAMPLES = "sample_values"
_OPINIONS = ("stage", "model", "values", "confidence")


class Wanted(NamedTuple):
    """Which classifications to list."""

    limit: int
    batch_id: str | None = None
    field: str | None = None
    """Only where this field is contested."""
    reason: str | None = None
    """Only where the reason holds this text."""
    below: float | None = None
    """Also those below this confidence that no person has looked at."""
    failed: bool = False
    """Also those whose review failed."""


async def waiting(executor: Executor, wanted: Wanted) -> list[dict[str, Any]]:
    """Classifications that wait for a person, the least certain first."""
    rows = await executor.fetch(
        queries()["review_queue"],
        wanted.below,
        wanted.failed,
        wanted.limit,
        wanted.batch_id,
        wanted.field,
        wanted.reason,
    )
    return [{**dict(row), "contested": json.loads(row["contested"])} for row in rows]


def as_table(rows: list[dict[str, Any]]) -> RenderableType:
    """One line a classification."""
    cells = [[_cell(row[name]) for name in COLUMNS] for row in rows]
    return table("Waiting for a person", list(COLUMNS.values()), cells)


def _cell(value: object) -> object:
    if isinstance(value, dict):
        return _values(value)
    return ", ".join(map(str, value)) if isinstance(value, list) else value


def _values(values: Mapping[str, object]) -> str:
    return ", ".join(f"{name}={'null' if value is None else value}" for name, value in values.items())


@dataclass(frozen=True, slots=True)
class Known:
    """One classification in full: its row, the record it came from, what the rules say, what people decided."""

    row: dict[str, Any]
    record: dict[str, Any]
    rules: list[dict[str, Any]]
    decisions: list[dict[str, Any]]

    def as_json(self) -> dict[str, Any]:
        """One object, a key a section."""
        return {
            "indicator_id": self.row["indicator_id"],
            **{name: self.row[name] for name in _SHOWN},
            "values": self.values(),
            "stages": self.stages(),
            "opinions": self.opinions(),
            "rules": self.rules,
            "reviews": self.reviews(),
            "decisions": self.decisions,
            "record": self.record,
        }

    def as_tables(self) -> list[RenderableType]:
        """Facts first, then values, opinions, rules, reviews, decisions."""
        samples = self.record.get(_SAMPLES) or []
        told = {name: value for name, value in self.record.items() if name != _SAMPLES} | {"samples": len(samples)}
        stages = [(name, *one.values()) for name, one in self.stages().items()]
        rules = [(rule["rule"], rule["name"], ", ".join(rule["fields"]), rule["reason"]) for rule in self.rules]
        return [
            facts(f"Indicator {self.row['indicator_id']}", {name: self.row[name] for name in _SHOWN}),
            facts("As submitted", told),
            facts("Values", self.values()),
            table("Stages", ("stage", "confidence", "reasoning"), stages),
            *([table("Opinions", _OPINIONS, self._both_opinions())] if self.opinions() else []),
            table("Rules that object", ("rule", "name", "fields", "reason"), rules),
            *(facts(f"{name} review".capitalize(), one) for name, one in self.reviews().items()),
            table("Decisions of people", _HISTORY, [[_cell(one[name]) for name in _HISTORY] for one in self.decisions]),
        ]

    def values(self) -> dict[str, Any]:
        """The nine values that a review can replace."""
        return {field.value: self.row[field.value] for field in ReviewField}

    def stages(self) -> dict[str, dict[str, Any]]:
        """How sure each stage was, and why."""
        return {
            stage: {"confidence": self.row[f"{stage}_confidence"], "reasoning": self.row[f"{stage}_reasoning"]}
            for stage in STAGES
        }

    def opinions(self) -> dict[str, Any]:
        """What the embedded model said, by stage, where a language model was asked after it."""
        return dict(json.loads(self.row.get("opinions") or "{}"))

    def _both_opinions(self) -> list[tuple[object, ...]]:
        """For each stage what the embedded model said, and what stands."""
        rows: list[tuple[object, ...]] = []
        for stage, prior in self.opinions().items():
            said = prior["values"]
            stands = {field: self.row[field] for field in said}
            rows.append((stage, f"{prior['provider']} {prior['model']}", _values(said), prior["confidence"]))
            rows.append((stage, "what stands", _values(stands), self.row[f"{stage}_confidence"]))
        return rows

    def reviews(self) -> dict[str, dict[str, Any]]:
        """What the two reviews said."""
        row = self.row
        return {
            "boolean": {
                "passed": row["boolean_review_passed"],
                "fields_wrong": json.loads(row["boolean_review_fields_wrong"] or "[]"),
                "reason": row["boolean_review_reason"],
                "confidence": row["boolean_review_confidence"],
            },
            "final": {
                "status": row["final_review_status"],
                "corrections": json.loads(row["final_review_corrections"] or "{}"),
                "reason": row["final_review_reason"],
                "confidence": row["final_review_confidence"],
            },
        }


async def known(executor: Executor, indicator_id: str) -> Known:
    """Everything about one classification. Raises UsageError if there is none."""
    found = await executor.fetchrow(queries()["row_in_full"], indicator_id)
    if found is None:
        raise UsageError(f"{indicator_id!r} has no classification", remedy="`sluice results` lists those there are")
    row = dict(found)
    decisions = await executor.fetch(queries()["review_history"], indicator_id)
    record = json.loads(row.pop("payload") or "{}")
    return Known(row, record, _rules(row), [_decision(one) for one in decisions])


def _rules(row: Mapping[str, Any]) -> list[dict[str, Any]]:
    try:
        objections, doubt = judge(reviewable(row, {field: row[field.value] for field in ReviewField}))
    except ValueError:  # a row from before all values were stored
        return []
    found = [
        {"rule": one.rule, "name": one.name, "fields": list(one.fields), "expected": one.expected, "reason": one.reason}
        for one in objections
    ]
    doubtful: dict[str, Any] = {"rule": None, "name": "doubt", "fields": [], "expected": {}, "reason": doubt}
    return [*found, doubtful] if doubt else found


def _decision(row: Record) -> dict[str, Any]:
    return {**dict(row), "fields": json.loads(row["fields"]), "before": json.loads(row["before"])}
