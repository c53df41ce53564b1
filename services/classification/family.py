"""Which of the seven families an indicator belongs to."""

from collections.abc import Callable, Sequence

from schemas.classification import FamilyAssignment, IndicatorWithFamily, JoinedIndicator
from schemas.delivery import RejectCode
from services.classification.embedded import embedded_model
from services.classification.prompts.family import PROMPT
from services.classification.taking_over import decided, family_of
from services.classification.usage import opinion
from shared.llm.gateway import Ask
from shared.llm.question import Answer, Question
from shared.runtime.outcome import Outcome, Reject, emit


def _embedded() -> Callable[[Sequence[JoinedIndicator]], tuple[Sequence[FamilyAssignment], str]]:
    model = embedded_model()
    return lambda items: (model.assign_families(items), model.name)


FAMILY = Question("family", _embedded, PROMPT, confidence=lambda answer: answer.confidence)


async def assign_family(items: Sequence[JoinedIndicator], ask: Ask) -> list[Outcome]:
    """One family an item, with the runner-up; an item that no model has an answer for is rejected."""
    return [
        _outcome(item, answer) for item, answer in zip(items, await decided(FAMILY, items, ask, family_of), strict=True)
    ]


def _outcome(item: JoinedIndicator, answer: Answer[FamilyAssignment]) -> Outcome:
    if answer.value is None:
        return Reject(RejectCode.NO_ANSWER, answer.reason)
    prior = opinion(answer.prior, "family")
    message = IndicatorWithFamily(**item.__dict__, family=answer.value, family_prior=prior)
    return emit(message, usage=answer.usage)
