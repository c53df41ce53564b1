"""The family question as a language model is asked it."""

from schemas.base import Confidence, Contract, Reasoning
from schemas.classification import FamilyAssignment, JoinedIndicator
from schemas.enums import Family
from services.classification.prompts.facts import joined_facts
from services.classification.prompts.identity import family_identity
from services.classification.prompts.instructions import instructions
from services.classification.prompts.wording import impersonal
from shared.llm.question import Prompt


class FamilyReply(Contract):
    """What a model says of one item."""

    family: Family
    runner_up: Family
    confidence: Confidence
    reasoning: Reasoning


def accept(item: JoinedIndicator, reply: FamilyReply) -> FamilyAssignment:
    """The assignment. A second that is the same as the first says that there is none: small models do so."""
    return FamilyAssignment(
        family=reply.family,
        runner_up=reply.runner_up if reply.runner_up is not reply.family else None,
        confidence=reply.confidence,
        reasoning=impersonal(reply.reasoning, item.subject, item.unit),
    )


PROMPT = Prompt(
    instructions=instructions("family"),
    reply=FamilyReply,
    facts=joined_facts,
    identity=family_identity,
    accept=accept,
    output_tokens=75,
)
