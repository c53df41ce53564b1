"""How much: the scale of the published values."""

from collections.abc import Sequence

from schemas.classification import Facet, NormalizedIndicator, ScaleInference
from services.classification.facets import RULES, facet_outcomes
from services.classification.prompts.facets import SCALE_PROMPT
from shared.llm.gateway import Ask
from shared.llm.question import Question
from shared.runtime.outcome import Outcome


def _by_rules(items: Sequence[NormalizedIndicator]) -> tuple[list[ScaleInference], str]:
    return [_scale(item) for item in items], RULES


SCALE = Question("scale", lambda: _by_rules, SCALE_PROMPT, optional=True)


async def infer_scale(items: Sequence[NormalizedIndicator], ask: Ask) -> list[Outcome]:
    """The scale that normalization found, with what it stands for; by a model where one is set."""
    answers = await ask(SCALE, items)
    return facet_outcomes(answers, [item.subject.indicator_id for item in items], _facet)


def _facet(indicator_id: str, scale: ScaleInference) -> Facet:
    return Facet(indicator_id=indicator_id, scale=scale)


def _scale(item: NormalizedIndicator) -> ScaleInference:
    unit = item.unit
    reasoning = (
        f"Unit {unit.original_units[:80]!r} read as {unit.matched_pattern}; one unit of value is {unit.multiplier:g}."
    )
    if unit.conflicts:
        reasoning = f"{reasoning} Structured fields disagree: {'; '.join(unit.conflicts)}"[:600]
    return ScaleInference(scale=unit.normalized_scale, confidence=unit.confidence, reasoning=reasoning)
