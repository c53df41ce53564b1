"""What an indicator takes over from a nearly identical one: what depends on the concept alone, and where it is from."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from schemas.base import Contract
from schemas.classification import FamilyAssignment, JoinedIndicator, TypeClassification
from schemas.indicator import Indicator, KnownConcept
from services.classification.normalize import normalized
from services.classification.prompts.wording import plain, without_code
from shared.concepts import Concept
from shared.llm.gateway import Ask
from shared.llm.question import Answer, Question
from shared.runtime.outcome import Usage

TAKEN_OVER = "taken-over"
"""Stands for a provider where nobody was asked."""

Item = TypeVar("Item", bound=JoinedIndicator)
Decision = TypeVar("Decision", bound=Contract)


def concept(item: Contract) -> Concept:
    """What an indicator is about: its name without country and currency, and the kind of its unit."""
    if not isinstance(item, Indicator):
        raise TypeError(f"no indicator: {item!r}")
    read = normalized(item)
    name = plain(without_code(read.subject.name, read.unit.currency), read.subject.country)
    kind = read.unit.unit_type, "money" if read.unit.is_currency else ""
    return Concept(name, kind, len(item.model_fields_set))


async def decided(
    question: Question[Item, Decision],
    items: Sequence[Item],
    ask: Ask,
    known: Callable[[KnownConcept], Decision],
) -> Sequence[Answer[Decision]]:
    """Answers about items: those that take over what is known of another are not asked about."""
    places = [place for place, item in enumerate(items) if item.subject.same_as is None]
    asked = await ask(question, [items[place] for place in places], places=places) if places else ()
    answers = dict(zip(places, asked, strict=True))
    return [answers.get(place) or _taken_over(item.subject.same_as, known) for place, item in enumerate(items)]


def _taken_over(same_as: KnownConcept | None, known: Callable[[KnownConcept], Decision]) -> Answer[Decision]:
    assert same_as
    return Answer(known(same_as), Usage(provider=TAKEN_OVER))


def family_of(known: KnownConcept) -> FamilyAssignment:
    """The family of the other indicator."""
    return FamilyAssignment(family=known.family, confidence=known.confidence, reasoning=_from(known))


def type_of(known: KnownConcept) -> TypeClassification:
    """The type of the other indicator, and what depends on it."""
    return TypeClassification(
        indicator_type=known.indicator_type,
        temporal_aggregation=known.temporal_aggregation,
        heat_map_orientation=known.heat_map_orientation,
        confidence=known.confidence,
        orientation_confidence=known.confidence,
        reasoning=_from(known),
    )


def _from(known: KnownConcept) -> str:
    return f"taken over from {known.indicator_id}, which is nearly identical"
