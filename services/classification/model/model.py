"""The embedded model: answers the questions of the family, type, currency and time stages without a vendor."""

import hashlib
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
from schemas.enums import CumulativePattern, Family, IndicatorType, Orientation, TemporalAggregation, TimeBasis
from services.classification.model import linear
from services.classification.model.cache import AnswerCache
from services.classification.model.features import Facts, extract, facts_of
from services.classification.model.labels import (
    AGGREGATIONS,
    FAMILIES,
    HEADS,
    ORIENTATIONS,
    PAIRS,
    PAIRS_OF_FAMILY,
    TIME_BASES,
    columns,
)
from services.classification.model.linear import Floats, Ids, LinearMap
from services.classification.model.wording import family_reasoning, type_reasoning

ARTEFACT: Final = Path(__file__).parent / "artefact.npz"
SURE_OF_YTD: Final = 0.8
"""Confidence above which a detected year-to-date pattern decides the aggregation (classification spec 2.4)."""

_ACCUMULATING: Final = frozenset(
    (IndicatorType.FLOW, IndicatorType.VOLUME, IndicatorType.BALANCE, IndicatorType.COUNT)
)
_FAMILY_OF_PAIR: Final = np.array([[pair[0] is family for family in FAMILIES] for pair in PAIRS], dtype=np.float32)


class TypeQuestion(NamedTuple):
    """Everything that the type stage's answer depends on."""

    facts: Facts
    family: Family
    year_to_date: bool


class EmbeddedModel:
    """A linear model on words. Pure and thread-safe after `load`; equal facts get equal answers.

    Confidences are probabilities, calibrated on concepts that the fit had not seen.
    """

    def __init__(self, fitted: LinearMap, name: str) -> None:
        self.name = name
        self._map = fitted
        self._families = AnswerCache(self._decide_families)
        self._types = AnswerCache(self._decide_types)
        self._currencies = AnswerCache(self._decide_currencies)
        self._time_bases = AnswerCache(self._decide_time_bases)

    @classmethod
    def load(cls, path: Path | None = None) -> "EmbeddedModel":
        """The model in a file, by default the one shipped."""
        content = (path or ARTEFACT).read_bytes()
        fitted, meta = linear.load(content)
        return cls(fitted, f"{meta['name']}+{hashlib.sha256(content).hexdigest()[:8]}")

    def save(self, path: Path, **meta: Any) -> None:
        """Write the model to a file that `load` reads."""
        linear.save(path, self._map, meta)

    def assign_families(self, items: Sequence[JoinedIndicator]) -> list[FamilyAssignment]:
        """The most probable family of each item, and the runner-up."""
        return self._families.answers([facts_of(item) for item in items])

    def classify_types(self, items: Sequence[IndicatorWithFamily]) -> list[TypeClassification]:
        """The most probable type within the family that the item carries; the pair is always legal."""
        return self._types.answers(
            [TypeQuestion(facts_of(item), item.family.family, _year_to_date(item.cumulative)) for item in items]
        )

    def currency_flags(self, items: Sequence[NormalizedIndicator]) -> list[tuple[bool, float]]:
        """Whether values are amounts of money, with the probability of the answer given."""
        return self._currencies.answers([facts_of(item) for item in items])

    def time_bases(self, items: Sequence[NormalizedIndicator]) -> list[tuple[TimeBasis, float]]:
        """What span one value describes, with the probability of the answer given."""
        return self._time_bases.answers([facts_of(item) for item in items])

    def _ids(self, questions: Sequence[Facts]) -> list[Ids]:
        return [self._map.known(extract(facts)) for facts in questions]

    def _decide_families(self, questions: Sequence[Facts]) -> list[FamilyAssignment]:
        ids = self._ids(questions)
        pairs = _probabilities(self._map.logits(ids), "pair")
        families = pairs @ _FAMILY_OF_PAIR
        ranking = np.argsort(-families, axis=1, kind="stable")
        return [
            FamilyAssignment(
                family=FAMILIES[first],
                runner_up=FAMILIES[second],
                confidence=_bounded(families[row, first]),
                reasoning=family_reasoning(
                    FAMILIES[first],
                    FAMILIES[second],
                    self._map.evidence(ids[row], int(np.argmax(pairs[row] * _FAMILY_OF_PAIR[:, first]))),
                ),
            )
            for row, (first, second) in enumerate(ranking[:, :2].tolist())
        ]

    def _decide_types(self, questions: Sequence[TypeQuestion]) -> list[TypeClassification]:
        ids = self._ids([question.facts for question in questions])
        logits = self._map.logits(ids)
        pairs = _probabilities(logits, "pair")
        aggregations = _probabilities(logits, "aggregation")
        orientations = _probabilities(logits, "orientation")
        return [
            self._decide_type(question, ids[row], pairs[row], aggregations[row], orientations[row])
            for row, question in enumerate(questions)
        ]

    def _decide_type(
        self, question: TypeQuestion, ids: Ids, pairs: Floats, aggregations: Floats, orientations: Floats
    ) -> TypeClassification:
        choices = PAIRS_OF_FAMILY[question.family]
        best = max(choices, key=pairs.__getitem__)
        orientation = int(orientations.argmax())
        aggregation, by_rule = self._aggregation(question, PAIRS[best][1], aggregations)
        return TypeClassification(
            indicator_type=PAIRS[best][1],
            temporal_aggregation=aggregation,
            heat_map_orientation=ORIENTATIONS[orientation],
            confidence=_bounded(pairs[best] / max(float(pairs[list(choices)].sum()), 1e-9)),
            orientation_confidence=_bounded(orientations[orientation]),
            override_of_pattern=by_rule,
            reasoning=type_reasoning(PAIRS[best], aggregation, by_rule, self._map.evidence(ids, best)),
        )

    @staticmethod
    def _aggregation(
        question: TypeQuestion, indicator_type: IndicatorType, probabilities: Floats
    ) -> tuple[TemporalAggregation, bool]:
        """The aggregation, and whether measured year-to-date growth decided it against the words."""
        likely = AGGREGATIONS[int(probabilities.argmax())]
        if question.year_to_date and indicator_type in _ACCUMULATING:
            return TemporalAggregation.PERIOD_CUMULATIVE, likely is not TemporalAggregation.PERIOD_CUMULATIVE
        return likely, False

    def _decide_currencies(self, questions: Sequence[Facts]) -> list[tuple[bool, float]]:
        yes = _probabilities(self._map.logits(self._ids(questions)), "currency")[:, 1]
        return [(bool(p >= 0.5), _bounded(max(p, 1 - p))) for p in yes.tolist()]  # noqa: PLR2004

    def _decide_time_bases(self, questions: Sequence[Facts]) -> list[tuple[TimeBasis, float]]:
        bases = _probabilities(self._map.logits(self._ids(questions)), "time_basis")
        best = bases.argmax(axis=1)
        return [(TIME_BASES[i], _bounded(bases[row, i])) for row, i in enumerate(best.tolist())]


def _year_to_date(detection: CumulativeDetection) -> bool:
    return detection.pattern_type is CumulativePattern.YTD and detection.confidence > SURE_OF_YTD


def _probabilities(logits: Floats, head: str) -> Floats:
    """(items, classes of the head); rows add up to 1."""
    part = logits[:, columns(head)]
    grown: Floats = np.exp(part - part.max(axis=1, keepdims=True))
    return grown / grown.sum(axis=1, keepdims=True)


def _bounded(probability: float) -> float:
    return min(1.0, max(0.0, round(float(probability), 4)))


__all__ = ["ARTEFACT", "HEADS", "EmbeddedModel", "Orientation"]
