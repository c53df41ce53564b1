"""The ingest edge: take an indicator in, clean it, parse its unit."""

from collections.abc import Sequence

from schemas.classification import Facet, NormalizedIndicator, Subject
from schemas.indicator import Indicator
from services.classification.rules.units import parse_units
from services.classification.samples import clean_points, statistics
from shared.database import Database
from shared.database.ledger import register_items
from shared.runtime.codec import encode
from shared.runtime.envelope import Envelopes
from shared.runtime.outcome import Emit, emit

PIPELINE = "classification"


async def normalize(indicators: Sequence[Indicator], envelopes: Envelopes, database: Database) -> list[Emit]:
    """Register every item with its batch, then send it to the facet stages and, as the first part, to the join."""
    await register_items(
        database,
        PIPELINE,
        batch_ids=[envelope.batch_id for envelope in envelopes],
        item_ids=[envelope.item_id for envelope in envelopes],
        payloads=[
            _payload(indicator, envelope.record.value or b"")
            for indicator, envelope in zip(indicators, envelopes, strict=True)
        ],
    )
    return [_emitted(normalized(indicator)) for indicator in indicators]


def _payload(indicator: Indicator, value: bytes) -> str:
    """The JSON as submitted; NaN and Infinity, which some writers let through, are not JSON to the database."""
    return (encode(indicator) if b"NaN" in value or b"Infinity" in value else value).decode()


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
