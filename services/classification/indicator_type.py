"""Which type within the family, how values aggregate over time, and which direction is good news."""

from collections.abc import Callable, Sequence

from schemas.classification import IndicatorWithFamily, IndicatorWithType, TypeClassification
from schemas.delivery import RejectCode
from services.classification.embedded import embedded_model
from services.classification.prompts.indicator_type import PROMPT
from services.classification.taking_over import decided, type_of
from services.classification.usage import opinion
from shared.llm.gateway import Ask
from shared.llm.question import Answer, Question
from shared.runtime.outcome import Outcome, Reject, emit


def _embedded() -> Callable[[Sequence[IndicatorWithFamily]], tuple[Sequence[TypeClassification], str]]:
    model = embedded_model()
    return lambda items: (model.classify_types(items), model.name)


TYPE = Question("type", _embedded, PROMPT, confidence=lambda answer: answer.confidence)


async def classify_type(items: Sequence[IndicatorWithFamily], ask: Ask) -> list[Outcome]:
    """One type an item, legal within its family; an item that no model has an answer for is rejected."""
    return [
        _outcome(item, answer) for item, answer in zip(items, await decided(TYPE, items, ask, type_of), strict=True)
    ]


def _outcome(item: IndicatorWithFamily, answer: Answer[TypeClassification]) -> Outcome:
    if answer.value is None:
        return Reject(RejectCode.NO_ANSWER, answer.reason)
    prior = opinion(answer.prior, "indicator_type", "temporal_aggregation", "heat_map_orientation")
    message = IndicatorWithType(**item.__dict__, type=answer.value, type_prior=prior)
    return emit(message, usage=answer.usage)
