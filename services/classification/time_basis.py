"""When: how often the indicator is published, and what span of time one value describes."""

from collections.abc import Sequence

from schemas.classification import Facet, NormalizedIndicator, TimeInference
from services.classification.rules.time_inference import infer_time
from shared.runtime.outcome import Emit, emit


async def infer_time_basis(items: Sequence[NormalizedIndicator]) -> list[Emit]:
    """By rule, from the unit, the periodicity and the spacing of the sample dates."""
    return [emit(Facet(indicator_id=item.subject.indicator_id, time=_time(item))) for item in items]


def _time(item: NormalizedIndicator) -> TimeInference:
    subject = item.subject
    return infer_time(
        name=subject.name,
        units=subject.units,
        unit=item.unit,
        periodicity=subject.periodicity,
        dates=[date for date, _ in item.points],
    )
