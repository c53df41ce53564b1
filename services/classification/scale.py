"""How much: the scale of the published values."""

from collections.abc import Sequence

from schemas.classification import Facet, NormalizedIndicator, ScaleInference
from shared.runtime.outcome import Emit, emit


async def infer_scale(items: Sequence[NormalizedIndicator]) -> list[Emit]:
    """The scale that normalization found, with what it stands for."""
    return [emit(Facet(indicator_id=item.subject.indicator_id, scale=_scale(item))) for item in items]


def _scale(item: NormalizedIndicator) -> ScaleInference:
    unit = item.unit
    reasoning = (
        f"Unit {unit.original_units[:80]!r} read as {unit.matched_pattern}; one unit of value is {unit.multiplier:g}."
    )
    if unit.conflicts:
        reasoning = f"{reasoning} Structured fields disagree: {'; '.join(unit.conflicts)}"[:600]
    return ScaleInference(scale=unit.normalized_scale, confidence=unit.confidence, reasoning=reasoning)
