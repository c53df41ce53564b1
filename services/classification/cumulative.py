"""Does it add up: whether values accumulate over the year, or forever."""

from collections.abc import Sequence

from schemas.classification import Facet, NormalizedIndicator
from services.classification.rules.cumulative import detect
from shared.runtime.outcome import Emit, emit


async def detect_cumulative(items: Sequence[NormalizedIndicator]) -> list[Emit]:
    """By rule, from the shape of the sample values and what name and unit say."""
    return [
        emit(
            Facet(
                indicator_id=item.subject.indicator_id,
                cumulative=detect(item.points, name=item.subject.name, units=item.subject.units, unit=item.unit),
            )
        )
        for item in items
    ]
