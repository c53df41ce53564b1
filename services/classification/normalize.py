"""The ingest edge: take an indicator in, clean it, parse its unit."""

from collections.abc import Sequence
from hashlib import sha256

from pydantic_core import from_json

from schemas.classification import Facet, NormalizedIndicator, Subject
from schemas.delivery import RejectCode
from schemas.indicator import Indicator
from services.classification.rules.units import parse_units
from services.classification.samples import clean_points, statistics
from shared.database import Database
from shared.database.ledger import register_items
from shared.llm.gateway import Gateway
from shared.runtime.codec import encode
from shared.runtime.envelope import Envelope, Envelopes
from shared.runtime.outcome import Emit, Outcome, Reject, emit

PIPELINE = "classification"
MAX_BATCH_ID = 200
DIGEST_LENGTH = 8


async def normalize(
    indicators: Sequence[Indicator], envelopes: Envelopes, database: Database, gateway: Gateway
) -> list[Outcome]:
    """Register every item with its batch, then send it to the facet stages and, as the first part, to the join.

    A wish for a provider that does not exist ends here, where it is its sender's mistake and not a fault of a stage.
    """
    payloads = [
        _payload(indicator, envelope.record.value or b"")
        for indicator, envelope in zip(indicators, envelopes, strict=True)
    ]
    others = await _register(database, envelopes, payloads)
    if others:
        await _set_apart(database, [envelopes[place] for place in others], [payloads[place] for place in others])
    return [
        Reject(RejectCode.INVALID_VALUE, hindrance)
        if (hindrance := gateway.hindrance(envelope.provider))
        else _emitted(normalized(indicator))
        for indicator, envelope in zip(indicators, envelopes, strict=True)
    ]


async def _register(database: Database, envelopes: Sequence[Envelope], payloads: Sequence[str]) -> list[int]:
    """Register items with their batches; returns the places of those that their batch does not stand for."""
    registered = await register_items(
        database,
        PIPELINE,
        batch_ids=[envelope.batch_id for envelope in envelopes],
        item_ids=[envelope.item_id for envelope in envelopes],
        payloads=payloads,
        opener=False,
    )
    return sorted(registered.others)


async def _set_apart(database: Database, envelopes: Sequence[Envelope], payloads: Sequence[str]) -> None:
    """Give each item a batch of its own: another version of an item that its batch has, or one its batch never had.

    The name follows from what was submitted, so a redelivery finds the same batch.
    """
    names = [own_batch_id(envelope.batch_id, payload) for envelope, payload in zip(envelopes, payloads, strict=True)]
    item_ids = [envelope.item_id for envelope in envelopes]
    await register_items(database, PIPELINE, batch_ids=names, item_ids=item_ids, payloads=payloads)
    for envelope, name in zip(envelopes, names, strict=True):
        envelope.rebatch(name)


def own_batch_id(batch_id: str, payload: str) -> str:
    """Batch of one version of an item, derived from the batch it was submitted with."""
    digest = sha256(payload.encode()).hexdigest()[:DIGEST_LENGTH]
    return f"{batch_id[: MAX_BATCH_ID - DIGEST_LENGTH - 1]}~{digest}"


def _payload(indicator: Indicator, value: bytes) -> str:
    """The JSON as submitted; NaN and Infinity, which some writers let through, are not JSON to the database."""
    if b"NaN" in value or b"Infinity" in value:
        try:
            from_json(value, allow_inf_nan=False)  # the words may be part of a text
        except ValueError:
            return encode(indicator).decode()
    return value.decode()


def normalized(indicator: Indicator) -> NormalizedIndicator:
    """The indicator cleaned, its unit parsed, its values summed up."""
    subject = clean_subject(indicator)
    points = clean_points(indicator.sample_values)
    unit = parse_units(subject.units, name=subject.name, scale=subject.scale, currency_code=subject.currency_code)
    return NormalizedIndicator(subject=subject, unit=unit, statistics=statistics(points), points=points)


def _emitted(item: NormalizedIndicator) -> Emit:
    """The item for the facet stages, and without its points, which nobody needs later, for the join."""
    kept = NormalizedIndicator(**{**item.__dict__, "points": ()}) if item.points else item
    return emit(item, Facet(indicator_id=item.subject.indicator_id, item=kept))


def clean_subject(indicator: Indicator) -> Subject:
    """The submitted fields without nulls; unknown fields become context."""
    given = {
        field: value
        for field in Subject.model_fields
        if field != "context" and (value := getattr(indicator, field, None))
    }
    return Subject(**given, context=indicator.model_extra or {})
