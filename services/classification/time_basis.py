"""When: how often the indicator is published, and what span of time one value describes."""

from collections.abc import Sequence

from schemas.classification import Facet, NormalizedIndicator
from services.classification.rules.periods import infer_time
from shared.runtime.outcome import Emit, emit


async def infer_time_basis(items: Sequence[NormalizedIndicator]) -> list[Emit]:
    """By rule, from the unit, the periodicity and the spacing of the sample dates."""
    return [emit(Facet(indicator_id=item.subject.indicator_id, time=infer_time(item))) for item in items]
