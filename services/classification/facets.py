"""What the stages that ask about one part of an item have in common."""

from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from schemas.base import Contract
from schemas.classification import Facet
from schemas.delivery import RejectCode
from services.classification.usage import asked
from shared.llm.question import Answer
from shared.runtime.outcome import Outcome, Reject, emit

RULES: Final = "rules"
"""The name of what answers where no model is asked."""

Part = TypeVar("Part", bound=Contract)


def facet_outcomes(
    answers: Sequence[Answer[Part]], ids: Sequence[str], facet: Callable[[str, Part], Facet]
) -> list[Outcome]:
    """The facet of each item that has an answer; the others are rejected with the reason."""
    return [
        Reject(RejectCode.NO_ANSWER, answer.reason)
        if answer.value is None
        else emit(facet(indicator_id, answer.value), usage=asked(answer))
        for indicator_id, answer in zip(ids, answers, strict=True)
    ]
