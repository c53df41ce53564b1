"""Bring an item and its four facets together, whatever order and however often they come.

The parts wait in Postgres, one row an item, filled by one statement a batch. The row outlives the join, so that a
part which comes again completes the same item again instead of starting a new one.
"""

import json
from collections.abc import Mapping, Sequence

from schemas.classification import Facet, JoinedIndicator
from schemas.delivery import Header, RejectCode
from services.classification import store
from shared.database import Database
from shared.llm.choice import parse_choice
from shared.runtime.codec import encode
from shared.runtime.envelope import Envelope, Envelopes, last_run
from shared.runtime.outbox import Outbox
from shared.runtime.outcome import Emit, Reject, emit
from shared.settings import EMBEDDED_PROVIDER, LlmSettings, RuntimeSettings

SWEEP_SECONDS = 15.0
SWEEP_LIMIT = 500
FORGET_SECONDS = 3600.0
FORGOTTEN_AT_ONCE = 10_000
ASKED_SECONDS = 2 * 86_400.0
"""Longest wait for a part that a language model is asked for: a day's budget is there again by then."""
TRAVELLING = (Header.INGESTED_AT, Header.PROVIDER, Header.TRACEPARENT)


async def join_facets(facets: Sequence[Facet], envelopes: Envelopes, database: Database) -> list[Emit]:
    """The joined item on the message that completes it, nothing on the others."""
    keys = [(envelope.batch_id, envelope.item_id) for envelope in envelopes]
    last = {key: index for index, key in enumerate(keys)}
    complete = await store.merge_facets(database, _rows(facets, envelopes, keys))
    return [
        Emit((_joined(complete[key]),), trail=complete[key].trail) if last[key] == index and key in complete else emit()
        for index, key in enumerate(keys)
    ]


def _rows(facets: Sequence[Facet], envelopes: Envelopes, keys: Sequence[store.Key]) -> list[store.FacetRow]:
    rows: dict[store.Key, store.FacetRow] = {}
    for facet, envelope, key in zip(facets, envelopes, keys, strict=True):
        row = rows.get(key)
        if row is None:
            row = rows[key] = store.FacetRow(*key, envelope.record.partition, _travelling(envelope))
        row.runs.append(last_run(envelope.trail).decode())
        for part in store.PARTS:
            if (value := getattr(facet, part)) is not None:
                row.parts[part] = encode(value).decode()
    return list(rows.values())


def _travelling(envelope: Envelope) -> str:
    """The headers that a dead letter of the join has to name, as JSON."""
    return json.dumps({name: envelope.headers[name].decode() for name in TRAVELLING if name in envelope.headers})


def _joined(row: store.CompleteFacets) -> JoinedIndicator:
    item = row.parts["item"]
    facets = ",".join(f'"{part}":{row.parts[part]}' for part in store.PARTS[1:])
    # The item's own JSON object, continued: parsing once is cheaper than parsing five parts.
    return JoinedIndicator.model_validate_json(f"{item[:-1]},{facets}}}")


async def expire_incomplete(database: Database, outbox: Outbox, settings: RuntimeSettings, models: LlmSettings) -> None:
    """Dead-letter items whose parts did not come together in time, saying which are missing."""
    async with database.transaction() as transaction:
        expired = await store.expired_facets(
            transaction, settings.join_timeout_seconds, SWEEP_LIMIT, asked_parts(models), ASKED_SECONDS
        )
        if expired:
            await outbox.bury([(store.stored_record(row), _incomplete(row.parts)) for row in expired])
            await store.mark_expired(transaction, [(row.batch_id, row.indicator_id) for row in expired])


def asked_parts(models: LlmSettings) -> list[str]:
    """The parts that a vendor's model is asked for: while it is away or a budget is spent their stages wait."""
    chosen = {part: parse_choice(models.own_provider(part) or EMBEDDED_PROVIDER) for part in store.PARTS}
    return [part for part, choice in chosen.items() if choice.provider != EMBEDDED_PROVIDER]


async def forget_joined(database: Database, settings: RuntimeSettings) -> None:
    """Delete the parts of items that were joined or given up long ago; nothing will ask for them again."""
    while await store.forget_facets(database, settings.join_retention_days, FORGOTTEN_AT_ONCE) == FORGOTTEN_AT_ONCE:
        pass


def _incomplete(parts: Mapping[str, str]) -> Reject:
    missing = ", ".join(part for part in store.PARTS if part not in parts)
    return Reject(RejectCode.INCOMPLETE, f"the join waited too long for: {missing}")
