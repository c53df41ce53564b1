"""What a simulated vendor's model answers to the questions of this pipeline.

Labelled items get their labels, so that the accuracy of the whole path through a language model can be asserted. All
others get what the embedded model and the rules say, so that load looks like work. Registered under the entry point
group `sluice.simulated_answers`.
"""

from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, Final

from schemas.classification import Subject
from schemas.enums import Family, IndicatorType, TemporalAggregation, TimeSource
from schemas.taxonomy import is_legal
from services.classification.embedded import embedded_model
from services.classification.model.dataset import Label
from services.classification.model.features import facts_from
from services.classification.model.model import SURE_OF_YTD, TypeQuestion
from services.classification.prompts.indicator_type import ACCUMULATING
from services.classification.rules.currency import check_currency
from services.classification.rules.time_inference import infer_time
from services.classification.rules.units import parse_units
from services.classification.simulated_labels import Labels
from services.classification.simulated_reviews import Reviewer, Values

REMEMBERED: Final = 100_000
"""Answers kept; a load test asks for the same items again and again."""
SURENESS: Final = {"high": 0.95, "medium": 0.87, "low": 0.72}
"""Certainty of a label -> confidence of the answer."""
_MARKS: Final[Mapping[str, str]] = {
    "runner_up": "family",
    "indicator_type": "type",
    "incorrect_fields": "boolean-review",
    "corrections_applied": "final-review",
    "time_basis": "time",
    "scale": "scale",
    "is_currency_denominated": "currency",
}
"""Field that only this question's reply has -> question."""

Facts = Mapping[str, Any]
Reply = dict[str, Any]


class SimulatedAnswers:
    """The answers."""

    def __init__(self, labels: Labels) -> None:
        self._labels = labels
        self._model = embedded_model()
        self._reviewer = Reviewer()
        self._remembered: OrderedDict[tuple[str, str], Reply] = OrderedDict()
        self._questions: dict[str, Callable[[Facts, Label | None], Reply]] = {
            "time": self._time,
            "scale": self._scale,
            "currency": self._currency,
            "family": self._family,
            "type": self._type,
            "boolean-review": lambda facts, label: self._reviewer.verdict(facts, self._known(facts, label)),
            "final-review": lambda facts, label: self._reviewer.settlement(facts, self._known(facts, label)),
        }

    def answer(self, question: str, facts: Facts) -> Reply:
        """What to say of one item, by field; empty if the question is another pipeline's."""
        how = self._questions.get(question)
        if how is None:
            return {}
        key = question, repr(facts)
        answer = self._remembered.pop(key, None) or how(facts, self._labels.of(facts))
        self._remembered[key] = answer
        if len(self._remembered) > REMEMBERED:
            self._remembered.popitem(last=False)
        return answer

    def recognise(self, fields: Collection[str]) -> str:
        """The question whose reply has these fields; empty if there is none."""
        return next((question for mark, question in _MARKS.items() if mark in fields), "")

    def _time(self, facts: Facts, label: Label | None) -> Reply:
        subject = subject_of(facts)
        unit = parse_units(subject.units, name=subject.name)
        found = infer_time(name=subject.name, units=subject.units, unit=unit, periodicity=subject.periodicity)
        reply = found.model_dump(mode="json")
        if facts.get("detected_frequency"):
            reply |= {"reporting_frequency": facts["detected_frequency"], "source_used": TimeSource.TIME_SERIES.value}
        if label and label.time_basis:
            reply |= {"time_basis": label.time_basis.value, "confidence": SURENESS[label.certainty]}
        return reply

    def _scale(self, facts: Facts, _: Label | None) -> Reply:
        unit = parse_units(_text(facts, "units"), name=_text(facts, "name"), scale=_text(facts, "scale_field"))
        reasoning = f"The unit reads as {unit.normalized_scale}."
        return {"scale": unit.normalized_scale.value, "confidence": unit.confidence, "reasoning": reasoning}

    def _currency(self, facts: Facts, label: Label | None) -> Reply:
        name, units = _text(facts, "name"), _text(facts, "units")
        unit = parse_units(units, name=name, currency_code=_text(facts, "currency_field"))
        found = check_currency(unit, name, units)
        money, code, sure = found.is_currency_denominated, found.detected_currency, found.confidence
        if label and label.is_currency_denominated is not None:
            money, sure = label.is_currency_denominated, SURENESS[label.certainty]
            code = unit.currency if money else None
        reasoning = "Values are amounts of money." if money else "Values are no amounts of money."
        return {
            "is_currency_denominated": money,
            "detected_currency": code,
            "confidence": sure,
            "reasoning": reasoning,
        }

    def _family(self, facts: Facts, label: Label | None) -> Reply:
        subject = subject_of(facts)
        said = self._model.families([facts_from(subject, parse_units(subject.units, name=subject.name))])[0]
        if label is None:
            return said.model_dump(mode="json")
        second = said.family if said.family is not label.family else said.runner_up
        return {
            "family": label.family.value,
            "runner_up": str(second if second not in (None, label.family) else _another(label.family)),
            "confidence": SURENESS[label.certainty],
            "reasoning": f"Values of this kind, in {subject.units or 'their unit'}, are {label.family}."[:600],
        }

    def _type(self, facts: Facts, label: Label | None) -> Reply:
        subject = subject_of(facts)
        family = Family(facts.get("family", Family.OTHER))
        known = facts_from(subject, parse_units(subject.units, name=subject.name))
        said = self._model.types([TypeQuestion(known, family, adds_up(facts))])[0].model_dump(mode="json")
        if label is None or not is_legal(family, label.indicator_type):
            return said
        reply = said | {
            "indicator_type": label.indicator_type.value,
            "confidence": SURENESS[label.certainty],
            "override_of_pattern": False,
            "reasoning": f"Within {family} this is a {label.indicator_type}.",
        }
        for name in ("temporal_aggregation", "heat_map_orientation"):
            if getattr(label, name) is not None:
                reply[name] = str(getattr(label, name))
        if adds_up(facts) and label.indicator_type in ACCUMULATING:
            reply["temporal_aggregation"] = TemporalAggregation.PERIOD_CUMULATIVE.value
        return reply

    def _known(self, facts: Facts, label: Label | None) -> Values | None:
        """The values that a reviewer who knows the label holds to be right."""
        if label is None:
            return None
        values: Values = {"family": label.family.value, "indicator_type": label.indicator_type.value}
        for name in ("temporal_aggregation", "heat_map_orientation", "time_basis"):
            if getattr(label, name) is not None:
                values[name] = str(getattr(label, name))
        if adds_up(facts) and IndicatorType(label.indicator_type) in ACCUMULATING:
            values["temporal_aggregation"] = TemporalAggregation.PERIOD_CUMULATIVE.value
            values.pop("time_basis", None)
        if label.is_currency_denominated is not None:
            values["is_currency_denominated"] = label.is_currency_denominated
        return values


def simulated_answers(labels: Path | None) -> SimulatedAnswers:
    """The answers from a file of labels, or from those that ship with the model."""
    return SimulatedAnswers(Labels.read(labels))


def subject_of(facts: Facts) -> Subject:
    """The record as far as a model is shown it."""
    names = ("name", "units", "long_name", "description", "periodicity", "source_name")
    return Subject(indicator_id="shown", **{name: _text(facts, name) for name in names})


def adds_up(facts: Facts) -> bool:
    """Whether the figures were seen, surely enough, to add up from January."""
    seen = facts.get("cumulative") or {}
    return seen.get("pattern") == "ytd" and seen.get("confidence", 0) > SURE_OF_YTD


def _text(facts: Facts, name: str) -> str:
    return str(facts.get(name) or "")


def _another(family: Family) -> Family:
    return Family.NUMERIC_MEASUREMENT if family is not Family.NUMERIC_MEASUREMENT else Family.PHYSICAL_FUNDAMENTAL
