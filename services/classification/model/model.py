"""The embedded model: answers the questions of the family, type, currency and time stages without a vendor."""

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from schemas.classification import (
    CumulativeDetection,
    FamilyAssignment,
    IndicatorWithFamily,
    JoinedIndicator,
    NormalizedIndicator,
    TypeClassification,
)
from schemas.enums import CumulativePattern, Family, IndicatorType, TemporalAggregation, TimeBasis
from services.classification.model import linear
from services.classification.model.cache import AnswerCache
from services.classification.model.features import Facts, extract, facts_of
from services.classification.model.labels import (
    AGGREGATIONS,
    AGGREGATIONS_OF_PAIR,
    FAMILIES,
    ORIENTATIONS,
    PAIR_INDEX,
    PAIRS,
    PAIRS_OF_FAMILY,
    TIME_BASES,
    columns,
)
from services.classification.model.linear import Floats, Known, LinearMap, Weights
from services.classification.model.settled import settled
from services.classification.model.wording import family_reasoning, settled_reasoning, type_reasoning
from services.classification.rules.known_cases import Verdict

ARTEFACT: Final = Path(__file__).parent / "artefact.npz"
SURE_OF_YTD: Final = 0.8
"""Confidence above which a detected year-to-date pattern decides the aggregation (classification spec 2.4)."""

_ACCUMULATING: Final = frozenset((IndicatorType.FLOW, IndicatorType.VOLUME, IndicatorType.BALANCE, IndicatorType.COUNT))
_SAYS_YTD: Final = re.compile(r"\b(?:ytd|year[- ]to[- ]date)\b", re.IGNORECASE)
_FAMILY_OF_PAIR: Final = np.array([[pair[0] is family for family in FAMILIES] for pair in PAIRS], dtype=np.float32)


class TypeQuestion(NamedTuple):
    """Everything that the answer of the type stage depends on."""

    facts: Facts
    family: Family
    year_to_date: bool = False


class _Scores(NamedTuple):
    """One item: what the map knows of it, and the probabilities of its classes."""

    known: Known
    pairs: Floats
    aggregations: Floats
    orientations: Floats


class EmbeddedModel:
    """A linear model on words, and the settled cases of the domain rules before it.

    Pure and thread-safe after `load`; equal facts get equal answers. Confidences are probabilities, calibrated on
    concepts that the fit had not seen. The methods that take messages remember their answers, the others do not.
    """

    def __init__(self, weights: Weights, name: str) -> None:
        self.name = name
        self._map = LinearMap(weights)
        self._families = AnswerCache(self.families)
        self._types = AnswerCache(self.types)
        self._currencies = AnswerCache(self.currencies)
        self._bases = AnswerCache(self.bases)

    @classmethod
    def load(cls, path: Path | None = None) -> "EmbeddedModel":
        """The model in a file, by default the one shipped; its name ends in a digest of the file."""
        content = (path or ARTEFACT).read_bytes()
        weights, meta = linear.load(content)
        return cls(weights, f"{meta['name']}+{hashlib.sha256(content).hexdigest()[:8]}")

    def save(self, path: Path, **meta: Any) -> None:
        """Write the model to a file that `load` reads."""
        linear.save(path, self._map.weights, meta)

    def assign_families(self, items: Sequence[JoinedIndicator]) -> list[FamilyAssignment]:
        """The most probable family of each item, and the runner-up."""
        return self._families.answers([facts_of(item) for item in items])

    def classify_types(self, items: Sequence[IndicatorWithFamily]) -> list[TypeClassification]:
        """The most probable type within the family that the item carries; the pair is always legal."""
        return self._types.answers(
            [TypeQuestion(facts_of(item), item.family.family, year_to_date(item.cumulative)) for item in items]
        )

    def currency_flags(self, items: Sequence[NormalizedIndicator]) -> list[tuple[bool, float]]:
        """Whether values are amounts of money, with the probability of the answer given."""
        return self._currencies.answers([facts_of(item) for item in items])

    def time_bases(self, items: Sequence[NormalizedIndicator]) -> list[tuple[TimeBasis, float]]:
        """What span one value describes, with the probability of the answer given."""
        return self._bases.answers([facts_of(item) for item in items])

    def families(self, questions: Sequence[Facts]) -> list[FamilyAssignment]:
        """As `assign_families`, from facts alone."""
        return [self._family(facts, scores) for facts, scores in zip(questions, self._scores(questions), strict=True)]

    def types(self, questions: Sequence[TypeQuestion]) -> list[TypeClassification]:
        """As `classify_types`, from facts and family alone."""
        scores = self._scores([question.facts for question in questions])
        return [self._type(question, found) for question, found in zip(questions, scores, strict=True)]

    def currencies(self, questions: Sequence[Facts]) -> list[tuple[bool, float]]:
        """As `currency_flags`, from facts alone."""
        yes = _probabilities(self._map.logits(self._known(questions)), "currency")[:, 1]
        return [(p >= 0.5, _bounded(max(p, 1 - p))) for p in yes.tolist()]

    def bases(self, questions: Sequence[Facts]) -> list[tuple[TimeBasis, float]]:
        """As `time_bases`, from facts alone."""
        found = _probabilities(self._map.logits(self._known(questions)), "time_basis")
        return [(TIME_BASES[i], _bounded(found[row, i])) for row, i in enumerate(found.argmax(axis=1).tolist())]

    def _known(self, questions: Sequence[Facts]) -> list[Known]:
        return [self._map.known(extract(facts)) for facts in questions]

    def _scores(self, questions: Sequence[Facts]) -> list[_Scores]:
        known = self._known(questions)
        logits = self._map.logits(known)
        heads = (_probabilities(logits, head) for head in ("pair", "aggregation", "orientation"))
        return [_Scores(*parts) for parts in zip(known, *heads, strict=True)]

    def _family(self, facts: Facts, scores: _Scores) -> FamilyAssignment:
        families = scores.pairs @ _FAMILY_OF_PAIR
        first, second = np.argsort(-families, kind="stable")[:2].tolist()
        rule = settled(facts)
        if rule is not None:
            return _settled_family(rule, families, FAMILIES[second if FAMILIES[first] is rule.family else first])
        evidence = self._map.evidence(scores.known, int(np.argmax(scores.pairs * _FAMILY_OF_PAIR[:, first])))
        return FamilyAssignment(
            family=FAMILIES[first],
            runner_up=FAMILIES[second],
            confidence=_bounded(families[first]),
            reasoning=family_reasoning(FAMILIES[first], FAMILIES[second], evidence),
        )

    def _type(self, question: TypeQuestion, scores: _Scores) -> TypeClassification:
        rule = settled(question.facts)
        if rule is not None and rule.family is question.family:
            return _settled_type(rule, question, scores)
        choices = PAIRS_OF_FAMILY[question.family]
        best = max(choices, key=scores.pairs.__getitem__)
        orientation = int(scores.orientations.argmax())
        possible = AGGREGATIONS_OF_PAIR[PAIRS[best]]
        likely = AGGREGATIONS[max(possible, key=scores.aggregations.__getitem__)]
        aggregation, by_values = _aggregation(question, PAIRS[best][1], likely)
        return TypeClassification(
            indicator_type=PAIRS[best][1],
            temporal_aggregation=aggregation,
            heat_map_orientation=ORIENTATIONS[orientation],
            confidence=_bounded(scores.pairs[best] / max(float(scores.pairs[list(choices)].sum()), 1e-9)),
            orientation_confidence=_bounded(scores.orientations[orientation]),
            override_of_pattern=by_values,
            reasoning=type_reasoning(PAIRS[best], aggregation, by_values, self._map.evidence(scores.known, best)),
        )


def year_to_date(detection: CumulativeDetection) -> bool:
    """Whether the values were seen, surely enough, to add up from January."""
    return detection.pattern_type is CumulativePattern.YTD and detection.confidence > SURE_OF_YTD


def _settled_family(rule: Verdict, families: Floats, runner_up: Family) -> FamilyAssignment:
    probability = float(families[FAMILIES.index(rule.family)])
    return FamilyAssignment(
        family=rule.family,
        runner_up=runner_up,
        confidence=_bounded(max(probability, rule.confidence)),
        reasoning=settled_reasoning(rule),
    )


def _settled_type(rule: Verdict, question: TypeQuestion, scores: _Scores) -> TypeClassification:
    orientation = int(scores.orientations.argmax())
    aggregation, by_values = _aggregation(question, rule.indicator_type, rule.temporal_aggregation)
    probability = float(scores.pairs[PAIR_INDEX[rule.family, rule.indicator_type]])
    return TypeClassification(
        indicator_type=rule.indicator_type,
        temporal_aggregation=aggregation,
        heat_map_orientation=rule.orientation or ORIENTATIONS[orientation],
        confidence=_bounded(max(probability, rule.confidence)),
        orientation_confidence=rule.confidence if rule.orientation else _bounded(scores.orientations[orientation]),
        override_of_pattern=by_values,
        reasoning=settled_reasoning(rule),
    )


def _aggregation(
    question: TypeQuestion, indicator_type: IndicatorType, by_words: TemporalAggregation
) -> tuple[TemporalAggregation, bool]:
    """The aggregation, and whether measured year-to-date growth decided it against the words."""
    if indicator_type not in _ACCUMULATING or not (question.year_to_date or _SAYS_YTD.search(question.facts.name)):
        return by_words, False
    by_values = not _SAYS_YTD.search(question.facts.name) and by_words is not TemporalAggregation.PERIOD_CUMULATIVE
    return TemporalAggregation.PERIOD_CUMULATIVE, by_values


def _probabilities(logits: Floats, head: str) -> Floats:
    """(items, classes of the head); rows add up to 1."""
    part = logits[:, columns(head)]
    grown = np.exp(part - part.max(axis=1, keepdims=True))
    probabilities: Floats = grown / grown.sum(axis=1, keepdims=True)
    return probabilities


def _bounded(probability: float) -> float:
    return min(1.0, max(0.0, round(float(probability), 4)))
