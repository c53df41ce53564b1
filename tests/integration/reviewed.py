"""Reviewed items as the last stage gets them, made by hand, and the way through it."""

import json
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, cast

from schemas.classification import CompletedIndicator, ReviewedIndicator
from schemas.delivery import Header
from schemas.enums import ReviewStatus
from services.classification.complete import complete
from services.classification.rules.units import parse_units
from shared.database import Database
from shared.database.ledger import NewBatch, open_batch, register_items
from shared.runtime.clock import Clock
from shared.runtime.envelope import Envelope, Envelopes

PIPELINE = "classification"
NOW = 1_763_800_000.0
SURE = {"confidence": 0.9, "reasoning": "a rule"}
OBJECTION = {"is_correct": False, "incorrect_fields": ["family"], "confidence": 0.95, "reasoning": "rule 4: interest"}
UNSETTLED = {
    "review_makes_sense": True,
    "status": "failed",
    "corrections_applied": {},
    "final_reasoning": "no rule settles family",
    "confidence": 0.95,
}


def reviewed(
    indicator_id: str,
    name: str = "Bank Lending Rate",
    units: str = "%",
    *,
    waits: bool = True,
    family: str = "numeric-measurement",
    indicator_type: str = "ratio",
) -> ReviewedIndicator:
    """An item that waits for a person, or that passed."""
    status = ReviewStatus.NEEDS_HUMAN if waits else ReviewStatus.PASSED
    return ReviewedIndicator.model_validate(
        {
            "subject": {"indicator_id": indicator_id, "name": name, "units": units},
            "unit": parse_units(units, name=name).model_dump(),
            "time": {
                "reporting_frequency": "monthly",
                "time_basis": "point-in-time",
                "source_used": "unknown",
                **SURE,
            },
            "scale": {"scale": "percent", **SURE},
            "currency": {"is_currency_denominated": False, "detected_currency": None, **SURE},
            "cumulative": {"is_cumulative": False, "pattern_type": "periodic", "evidence": {}, **SURE},
            "family": {"family": family, **SURE},
            "type": {
                "indicator_type": indicator_type,
                "temporal_aggregation": "point-in-time",
                "heat_map_orientation": "neutral",
                "orientation_confidence": 0.9,
                **SURE,
            },
            "boolean_review": OBJECTION,
            "final_review": UNSETTLED if waits else None,
            "review_status": status,
        }
    )


async def submit(database: Database, batch_id: str, items: Sequence[ReviewedIndicator], **more: Any) -> None:
    """Register items with a declared batch, as their producer wrote them."""
    await open_batch(database, NewBatch(batch_id, PIPELINE, len(items)))
    payloads = [
        {"indicator_id": item.subject.indicator_id, "name": item.subject.name, "units": item.subject.units, **more}
        for item in items
    ]
    await register_items(
        database,
        PIPELINE,
        batch_ids=[batch_id] * len(items),
        item_ids=[item.subject.indicator_id for item in items],
        payloads=[json.dumps(payload) for payload in payloads],
    )


async def finish(
    database: Database, batch_id: str, items: Sequence[ReviewedIndicator], *, ingested: float = NOW - 10
) -> list[CompletedIndicator]:
    """The last stage works on items of a batch; returns its events."""
    headers = {Header.BATCH_ID: batch_id.encode(), Header.INGESTED_AT: b"%.3f" % ingested}
    envelopes = [Envelope(item.subject.indicator_id, cast(Any, SimpleNamespace()), headers) for item in items]
    clock = cast(Clock, SimpleNamespace(now=lambda: NOW))
    outcomes = await complete(items, Envelopes(envelopes), database, clock)
    return [cast(CompletedIndicator, outcome.messages[0]) for outcome in outcomes]


async def run(database: Database, batch_id: str, items: Sequence[ReviewedIndicator], **more: Any) -> None:
    """Submit items and finish them."""
    await submit(database, batch_id, items, **more)
    await finish(database, batch_id, items)
