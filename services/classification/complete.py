"""The end of the way: store the final row, the trail and the item's status, then tell the world."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime

from schemas.classification import CompletedIndicator, ReviewedIndicator
from schemas.enums import ItemStatus, ReviewStatus
from services.classification.final_row import Effort, final_row, overall_confidence
from services.classification.human_reviews import PERSON, decided, settle_overtaken, standing_reviews
from services.classification.store import upsert_classifications
from shared.database import Database
from shared.database.announcements import mark_announced, unannounced_batches
from shared.database.ledger import ItemOutcome, close_rolling, finish_items
from shared.database.stage_log import append_trails, keep_partitions
from shared.runtime.clock import Clock
from shared.runtime.envelope import Envelope, Envelopes, parse_trail
from shared.runtime.outbox import Outbox
from shared.runtime.outcome import Emit, emit
from shared.settings import RuntimeSettings

PIPELINE = "classification"
ANNOUNCED_AT_ONCE = 200


async def complete(
    items: Sequence[ReviewedIndicator], envelopes: Envelopes, database: Database, clock: Clock
) -> list[Emit]:
    """One transaction a batch. Only items that reach their final status by it are written, so nothing counts twice.

    What a person decided about an indicator holds here as well, whatever the stages have come to.
    """
    now = clock.now()
    efforts = [Effort.of(parse_trail(envelope.trail)) for envelope in envelopes]
    async with database.transaction() as transaction:
        reviews = await standing_reviews(transaction, [item.subject.indicator_id for item in items])
        items = [
            decided(item, reviews[key]) if (key := item.subject.indicator_id) in reviews else item for item in items
        ]
        outcomes = [_outcome(*place) for place in zip(items, envelopes, efforts, strict=True)]
        moved = sorted((await finish_items(transaction, PIPELINE, outcomes)).moved)
        rows = [
            final_row(
                item := items[place],
                outcomes[place].batch_id,
                efforts[place],
                _submitted_at(envelopes[place]),
                reviews.get(item.subject.indicator_id),
            )
            for place in moved
        ]
        if await upsert_classifications(transaction, rows):
            await settle_overtaken(transaction, [items[place] for place in moved], reviews)
        await append_trails(
            transaction,
            batch_ids=[outcomes[place].batch_id for place in moved],
            item_ids=[outcomes[place].item_id for place in moved],
            trails=[
                _whole_trail(envelopes[place], now, by_person=items[place].subject.indicator_id in reviews)
                for place in moved
            ],
        )
    return [
        emit(_event(item, envelope, effort, now))
        for item, envelope, effort in zip(items, envelopes, efforts, strict=True)
    ]


def _submitted_at(envelope: Envelope) -> datetime:
    return datetime.fromtimestamp(envelope.ingested_at, UTC)


def _whole_trail(envelope: Envelope, now: float, *, by_person: bool) -> str:
    """The trail with this stage as its last entry. How long it takes is not known before the entry is written."""
    entry = {"stage": "complete", "started_at": int(now * 1000), "attempt": envelope.attempt}
    own = json.dumps(entry | ({"provider": PERSON} if by_person else {}))
    return f"{envelope.trail.decode()},{own}" if envelope.trail else own


def _outcome(item: ReviewedIndicator, envelope: Envelope, effort: Effort) -> ItemOutcome:
    needs_human = item.review_status is ReviewStatus.NEEDS_HUMAN
    return ItemOutcome(
        batch_id=envelope.batch_id,
        item_id=envelope.item_id,
        status=ItemStatus.NEEDS_HUMAN if needs_human else ItemStatus.COMPLETED,
        error=item.final_review.final_reasoning if needs_human and item.final_review else None,
        confidence=overall_confidence(item),
        duration_ms=effort.duration_ms,
        cost_usd=effort.cost_usd,
        tokens_in=effort.tokens_in,
        tokens_out=effort.tokens_out,
        provider=effort.provider,
        model=effort.model,
    )


def _event(item: ReviewedIndicator, envelope: Envelope, effort: Effort, now: float) -> CompletedIndicator:
    return CompletedIndicator(
        indicator_id=item.subject.indicator_id,
        batch_id=envelope.batch_id,
        name=item.subject.name,
        reporting_frequency=item.time.reporting_frequency,
        time_basis=item.time.time_basis,
        scale=item.scale.scale,
        is_currency_denominated=item.currency.is_currency_denominated,
        detected_currency=item.currency.detected_currency,
        is_cumulative=item.cumulative.is_cumulative,
        family=item.family.family,
        indicator_type=item.type.indicator_type,
        temporal_aggregation=item.type.temporal_aggregation,
        heat_map_orientation=item.type.heat_map_orientation,
        review_status=item.review_status,
        corrections_applied=item.final_review.corrections_applied if item.final_review else {},
        overall_confidence=overall_confidence(item),
        provider=effort.provider,
        model=effort.model,
        tokens_in=effort.tokens_in,
        tokens_out=effort.tokens_out,
        cost_usd=effort.cost_usd,
        duration_ms=effort.duration_ms,
        created_at=envelope.ingested_at,
        updated_at=now,
    )


async def announce_batches(database: Database, outbox: Outbox) -> None:
    """Publish the event of every finished batch that has none yet; after a crash in between it is published again."""
    async with database.transaction() as transaction:
        finished = await unannounced_batches(transaction, PIPELINE, ANNOUNCED_AT_ONCE)
        if finished:
            await outbox.send([(batch.batch_id, batch) for batch in finished])
            await mark_announced(transaction, [batch.batch_id for batch in finished])


async def close_rolling_batches(database: Database, settings: RuntimeSettings) -> None:
    """Batches that nobody declared end when nothing has come for as long as they last."""
    await close_rolling(database, settings.rolling_batch_seconds)


async def keep_log_partitions(database: Database, settings: RuntimeSettings) -> None:
    """Have the partitions of the coming days ready, and drop those that are old enough."""
    await keep_partitions(database, keep_days=settings.stage_log_days)
