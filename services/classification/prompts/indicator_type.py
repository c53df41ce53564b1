"""The type question as a language model is asked it."""

from typing import Final

from schemas.base import Confidence, Contract, Reasoning
from schemas.classification import IndicatorWithFamily, TypeClassification
from schemas.enums import IndicatorType, Orientation, TemporalAggregation
from schemas.taxonomy import is_legal
from services.classification.model.model import year_to_date
from services.classification.prompts.facts import Facts, joined_facts, type_hint
from services.classification.prompts.identity import type_identity
from services.classification.prompts.instructions import instructions, types_of
from services.classification.prompts.wording import impersonal
from shared.llm.question import Prompt

ACCUMULATING: Final = frozenset((IndicatorType.FLOW, IndicatorType.VOLUME, IndicatorType.BALANCE, IndicatorType.COUNT))
"""Types whose values can add up over a year (classification spec 2.4)."""


class TypeReply(Contract):
    """What a model says of one item."""

    indicator_type: IndicatorType
    temporal_aggregation: TemporalAggregation
    heat_map_orientation: Orientation
    override_of_pattern: bool
    confidence: Confidence
    reasoning: Reasoning


def facts(item: IndicatorWithFamily) -> Facts:
    """All facts, the family, and what the unit suggests within it."""
    family = item.family.family
    return {**joined_facts(item), "family": family, "type_hint": list(type_hint(item.unit.unit_type, family))}


def accept(item: IndicatorWithFamily, reply: TypeReply) -> TypeClassification:
    """The classification. Raises ValueError for an illegal pair, and for one that denies measured accumulation."""
    family = item.family.family
    if not is_legal(family, reply.indicator_type):
        legal = ", ".join(types_of(family))
        raise ValueError(f"{reply.indicator_type} is no type of {family}; its types are: {legal}")
    cumulative = reply.temporal_aggregation is TemporalAggregation.PERIOD_CUMULATIVE
    if reply.indicator_type in ACCUMULATING and year_to_date(item.cumulative) and not cumulative:
        raise ValueError(
            f"the figures add up from January (confidence {item.cumulative.confidence:.2f}): "
            f"temporal_aggregation of a {reply.indicator_type} must be {TemporalAggregation.PERIOD_CUMULATIVE}"
        )
    return TypeClassification(
        indicator_type=reply.indicator_type,
        temporal_aggregation=reply.temporal_aggregation,
        heat_map_orientation=reply.heat_map_orientation,
        confidence=reply.confidence,
        orientation_confidence=reply.confidence,
        override_of_pattern=reply.override_of_pattern,
        reasoning=impersonal(reply.reasoning, item.subject, item.unit),
    )


PROMPT = Prompt(
    instructions=instructions("type"),
    reply=TypeReply,
    facts=facts,
    identity=type_identity,
    accept=accept,
    output_tokens=90,
)
