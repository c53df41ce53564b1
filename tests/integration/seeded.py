"""A small history in a database: two batches, one of each outcome."""

import json
from datetime import UTC, datetime

from schemas.enums import ItemStatus
from shared.database import Database
from shared.database.dead_letters import DeadLetter, record_dead_letters
from shared.database.ledger import ItemOutcome, NewBatch, finish_items, open_batch, register_items
from shared.database.stage_log import StageLogRow, append_stage_log

PIPELINE = "classification"
DONE, OPEN = "batch-done", "batch-open"
NASTY = "Trade\x1b[2J\u202ebalance"
"""A name that would clear a terminal and turn its text round."""

CLASSIFICATION = """
INSERT INTO classifications (indicator_id, name, original_units, family, indicator_type, review_status,
                             overall_confidence, provider, model, batch_id, processing_time_ms, cost_usd)
VALUES ($1, $2, 'USD Million', $3, $4, $5, $6, 'embedded', 'linear-1', $7, 2.5, 0.001)
"""


def letter(number: int = 0, **changes: object) -> DeadLetter:
    """A dead letter of the family stage; `number` makes its place unique."""
    values: dict[str, object] = {
        "pipeline": PIPELINE,
        "stage": "classification.family",
        "topic": "classification.joined",
        "partition": 3,
        "offset": number,
        "record_timestamp": 1_700_000_000_000,
        "attempts": 1,
        "batch_id": OPEN,
        "item_id": "C",
        "error_class": "RejectedItem",
        "error_code": "handler-error",
        "error_message": "the model had no answer",
        "failed_at": datetime.now(UTC),
        "payload": b'{"indicator_id": "C"}',
        "headers": json.dumps({"batch_id": OPEN, "attempt": "1"}),
    }
    return DeadLetter(**{**values, **changes})  # type: ignore[arg-type]  # values by name


async def seed(database: Database) -> None:
    """Batch `batch-done`: A completed. Batch `batch-open`: A again, B needs a human, C failed, D pending."""
    await open_batch(database, NewBatch(DONE, PIPELINE, 1, "embedded"))
    await open_batch(database, NewBatch(OPEN, PIPELINE, 4, "embedded"))
    await _register(database, DONE, {"A": "Policy rate"})
    await _register(database, OPEN, {"A": "Policy rate", "B": NASTY, "C": "GDP", "D": "Exports"})
    for row in (
        ("A", "Policy rate", "price-value", "rate", "passed", 0.95, OPEN),
        ("B", NASTY, "physical-fundamental", "balance", "needs_human", 0.4, OPEN),
    ):
        await database.execute(CLASSIFICATION, *row)
    await finish_items(database, PIPELINE, [_outcome(DONE, "A", ItemStatus.COMPLETED)])
    outcomes = [
        _outcome(OPEN, "A", ItemStatus.COMPLETED),
        _outcome(OPEN, "B", ItemStatus.NEEDS_HUMAN),
        ItemOutcome(OPEN, "C", ItemStatus.DEAD_LETTERED, error="the model had no answer"),
    ]
    await finish_items(database, PIPELINE, outcomes)
    await record_dead_letters(database, [letter()])
    await append_stage_log(database, [*_runs("A"), *_runs("B"), _failure("C")])


async def _register(database: Database, batch_id: str, names: dict[str, str]) -> None:
    await register_items(
        database,
        PIPELINE,
        batch_ids=[batch_id] * len(names),
        item_ids=list(names),
        payloads=[json.dumps({"indicator_id": key, "name": name}) for key, name in names.items()],
        positions=list(range(len(names))),
    )


def _outcome(batch_id: str, item_id: str, status: ItemStatus) -> ItemOutcome:
    confidence = 0.95 if status is ItemStatus.COMPLETED else 0.4
    return ItemOutcome(batch_id, item_id, status, None, confidence, 2.5, 0.001, 100, 10, "embedded", "linear-1")


def _runs(item_id: str) -> list[StageLogRow]:
    return [_run(item_id, stage) for stage in ("normalize", "family", "complete")]


def _run(item_id: str, stage: str) -> StageLogRow:
    return StageLogRow(datetime.now(UTC), 0.5, 1, 0, 0, 0.0, OPEN, item_id, stage, "completed")


def _failure(item_id: str) -> StageLogRow:
    failure = _run(item_id, "family")
    return failure._replace(status="failed", error_message="the model had no answer", processing_time_ms=None)
