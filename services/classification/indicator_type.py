"""Which type within the family, how values aggregate over time, and which direction is good news."""

from collections.abc import Callable, Sequence

from schemas.classification import IndicatorWithFamily, IndicatorWithType, TypeClassification
from schemas.delivery import RejectCode
from services.classification.embedded import embedded_model
from shared.llm.gateway import Ask, Question
from shared.runtime.outcome import Outcome, Reject, emit


def _embedded() -> Callable[[Sequence[IndicatorWithFamily]], tuple[Sequence[TypeClassification], str]]:
    model = embedded_model()
    return lambda items: (model.classify_types(items), model.name)


TYPE = Question("type", _embedded)


async def classify_type(items: Sequence[IndicatorWithFamily], ask: Ask) -> list[Outcome]:
    """One type an item, legal within its family."""
    return [
        emit(IndicatorWithType(**item.__dict__, type=answer.value), usage=answer.usage)
        if answer.value
        else Reject(RejectCode.INVALID_VALUE, answer.reason)
        for item, answer in zip(items, await ask(TYPE, items), strict=True)
    ]
