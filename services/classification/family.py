"""Which of the seven families an indicator belongs to."""

from collections.abc import Callable, Sequence

from schemas.classification import FamilyAssignment, IndicatorWithFamily, JoinedIndicator
from schemas.delivery import RejectCode
from services.classification.embedded import embedded_model
from shared.llm.gateway import Ask, Question
from shared.runtime.outcome import Outcome, Reject, emit


def _embedded() -> Callable[[Sequence[JoinedIndicator]], tuple[Sequence[FamilyAssignment], str]]:
    model = embedded_model()
    return lambda items: (model.assign_families(items), model.name)


FAMILY = Question("family", _embedded)


async def assign_family(items: Sequence[JoinedIndicator], ask: Ask) -> list[Outcome]:
    """One family an item, with the runner-up."""
    return [
        emit(IndicatorWithFamily(**item.__dict__, family=answer.value), usage=answer.usage)
        if answer.value
        else Reject(RejectCode.INVALID_VALUE, answer.reason)
        for item, answer in zip(items, await ask(FAMILY, items), strict=True)
    ]
