"""Time, scale and currency as a language model is asked for them, where a user wants one there."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field, JsonValue

from schemas.base import Confidence, Contract, Reasoning
from schemas.classification import CurrencyCheck, NormalizedIndicator, ScaleInference, TimeInference
from schemas.enums import ReportingFrequency, Scale, TimeBasis, TimeSource
from services.classification.prompts.facts import Facts, subject_facts, value_facts
from services.classification.prompts.identity import figures, words
from services.classification.prompts.instructions import instructions
from services.classification.prompts.wording import impersonal
from services.classification.rules.periods import frequency_of_gap
from shared.llm.question import Prompt

# --- time -------------------------------------------------------------------------------------


class TimeReply(Contract):
    """What a model says of one item."""

    reporting_frequency: ReportingFrequency
    time_basis: TimeBasis
    source_used: TimeSource
    confidence: Confidence
    reasoning: Reasoning


def time_facts(item: NormalizedIndicator) -> Facts:
    """Name, units, periodicity, and what the dates show."""
    known = item.statistics
    dates: Facts = {}
    if known is not None:
        dates = {
            "points": known.count,
            "first_date": known.first_date,
            "last_date": known.last_date,
            "median_gap_days": known.median_gap_days,
            "detected_frequency": _seen_frequency(item),
            "latest_values": list(known.latest),
        }
    return {**subject_facts(item.subject), "unit_type": item.unit.unit_type, **dates}


def time_identity(item: NormalizedIndicator) -> Mapping[str, JsonValue]:
    """Words, kind of unit, and what is claimed and seen of the frequency; not the dates themselves."""
    return {
        **words(item.subject, item.unit),
        "unit_type": item.unit.unit_type,
        "money": item.unit.is_currency,
        "periodicity": item.subject.periodicity.casefold(),
        "seen": _seen_frequency(item),
    }


def accept_time(item: NormalizedIndicator, reply: TimeReply) -> TimeInference:
    """The inference. Raises ValueError for a source that the item does not have."""
    if reply.source_used is TimeSource.TIME_SERIES and _seen_frequency(item) is None:
        raise ValueError("source_used cannot be time-series: the item has no dates")
    if reply.source_used is TimeSource.PERIODICITY and not item.subject.periodicity:
        raise ValueError("source_used cannot be periodicity: the item has none")
    return TimeInference(
        reporting_frequency=reply.reporting_frequency,
        time_basis=reply.time_basis,
        source_used=reply.source_used,
        confidence=reply.confidence,
        reasoning=impersonal(reply.reasoning, item.subject, item.unit),
    )


def _seen_frequency(item: NormalizedIndicator) -> ReportingFrequency | None:
    gap = item.statistics.median_gap_days if item.statistics else None
    return None if gap is None else frequency_of_gap(gap)


TIME_PROMPT = Prompt(
    instructions=instructions("time"),
    reply=TimeReply,
    facts=time_facts,
    identity=time_identity,
    accept=accept_time,
)

# --- scale ------------------------------------------------------------------------------------


class ScaleReply(Contract):
    """What a model says of one item."""

    scale: Scale
    confidence: Confidence
    reasoning: Reasoning


def scale_facts(item: NormalizedIndicator) -> Facts:
    """Texts, the structured field, and the figures."""
    return {
        **subject_facts(item.subject),
        "scale_field": item.subject.scale,
        "unit_type": item.unit.unit_type,
        "values": value_facts(item.statistics),
    }


def scale_identity(item: NormalizedIndicator) -> Mapping[str, JsonValue]:
    """Words, the structured field, and the look of the figures."""
    return {
        **words(item.subject, item.unit),
        "scale_field": item.subject.scale.casefold(),
        "values": figures(item.statistics),
    }


def accept_scale(item: NormalizedIndicator, reply: ScaleReply) -> ScaleInference:
    """The inference."""
    reasoning = impersonal(reply.reasoning, item.subject, item.unit)
    return ScaleInference(scale=reply.scale, confidence=reply.confidence, reasoning=reasoning)


SCALE_PROMPT = Prompt(
    instructions=instructions("scale"),
    reply=ScaleReply,
    facts=scale_facts,
    identity=scale_identity,
    accept=accept_scale,
    output_tokens=50,
)

# --- currency ---------------------------------------------------------------------------------


class CurrencyReply(Contract):
    """What a model says of one item."""

    is_currency_denominated: bool
    detected_currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] | None
    confidence: Confidence
    reasoning: Reasoning


def currency_facts(item: NormalizedIndicator) -> Facts:
    """Texts and the structured field."""
    return {
        **subject_facts(item.subject),
        "currency_field": item.subject.currency_code,
        "unit_type": item.unit.unit_type,
    }


def currency_identity(item: NormalizedIndicator) -> Mapping[str, JsonValue]:
    """Words with the unit and the field as they stand: here the code is the answer."""
    return {
        **words(item.subject, item.unit),
        "units": " ".join(item.subject.units.split()),
        "name": " ".join(item.subject.name.split()),
        "currency_field": item.subject.currency_code.strip().upper(),
    }


def accept_currency(_: NormalizedIndicator, reply: CurrencyReply) -> CurrencyCheck:
    """The check. Raises ValueError for a currency of what is no money. The reasoning may name the code."""
    if reply.detected_currency and not reply.is_currency_denominated:
        raise ValueError("detected_currency must be null where is_currency_denominated is false")
    return CurrencyCheck(
        is_currency_denominated=reply.is_currency_denominated,
        detected_currency=reply.detected_currency,
        confidence=reply.confidence,
        reasoning=reply.reasoning,
    )


CURRENCY_PROMPT = Prompt(
    instructions=instructions("currency"),
    reply=CurrencyReply,
    facts=currency_facts,
    identity=currency_identity,
    accept=accept_currency,
    output_tokens=60,
)
