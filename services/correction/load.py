"""The end of the way: rows by the thousand into Postgres, and from there, where one is named, into a warehouse."""

from collections.abc import Sequence

from schemas.correction import Corrected
from schemas.enums import ItemStatus
from services.correction.final_row import final_row
from services.correction.sinks.buffer import load_waiting
from services.correction.sinks.making import make_sink
from services.correction.sinks.postgres import PostgresSink
from services.correction.store import PIPELINE
from shared.database import Database
from shared.database.announcements import mark_announced, unannounced_batches
from shared.database.ledger import ItemOutcome, finish_items
from shared.runtime.envelope import Envelope, Envelopes
from shared.runtime.outbox import Outbox
from shared.runtime.outcome import Emit, emit
from shared.settings import CorrectionSettings

ANNOUNCED_AT_ONCE = 200


async def load(items: Sequence[Corrected], envelopes: Envelopes, database: Database) -> list[Emit]:
    """One transaction a batch. Only rows that become final by it are written, so nothing is there twice."""
    outcomes = [_outcome(item, envelope) for item, envelope in zip(items, envelopes, strict=True)]
    async with database.transaction() as transaction:
        moved = sorted((await finish_items(transaction, PIPELINE, outcomes)).moved)
        rows = [final_row(items[place], outcomes[place].batch_id) for place in moved]
        await PostgresSink(transaction).load(rows)
    return [emit() for _ in items]


def _outcome(item: Corrected, envelope: Envelope) -> ItemOutcome:
    return ItemOutcome(
        batch_id=envelope.batch_id,
        item_id=item.extraction_id,
        status=ItemStatus.COMPLETED,
        cost_usd=item.correction_cost_usd,
        tokens_in=item.tokens_in,
        tokens_out=item.tokens_out,
        provider=item.provider,
        model=item.model_used,
    )


async def announce_runs(database: Database, outbox: Outbox) -> None:
    """Publish the event of every finished run that has none yet; after a crash in between it is published again."""
    async with database.transaction() as transaction:
        finished = await unannounced_batches(transaction, PIPELINE, ANNOUNCED_AT_ONCE)
        if finished:
            await outbox.send([(batch.batch_id, batch) for batch in finished])
            await mark_announced(transaction, [batch.batch_id for batch in finished])


async def load_warehouse(database: Database, settings: CorrectionSettings) -> None:
    """Bring what has been stored to the warehouse, in as few jobs as it takes. Raises TransientError."""
    if settings.bigquery_table:
        await load_waiting(database, make_sink(settings), settings)
