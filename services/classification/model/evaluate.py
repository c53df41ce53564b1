"""Scoring of predictions against labels (classification spec 1.4, 1.5 and 7). Pure; needs no training tools."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from schemas.classification import ReviewedIndicator
from schemas.enums import Family, IndicatorType, Orientation, TemporalAggregation, TimeBasis
from services.classification.model.dataset import Label, LabelledRow
from services.classification.model.labels import Pair

_PIT = TemporalAggregation.POINT_IN_TIME
_AVERAGE = TemporalAggregation.PERIOD_AVERAGE
_NONE = TemporalAggregation.NOT_APPLICABLE
_LEVEL: Final = frozenset((_PIT, _NONE))
_VAGUE: Final = frozenset((_PIT, _AVERAGE, _NONE))
_SNAPSHOT_OR_MEAN: Final = frozenset((_PIT, _AVERAGE))

TOLERATED: Final[dict[IndicatorType, frozenset[TemporalAggregation]]] = {
    IndicatorType.INDEX: _SNAPSHOT_OR_MEAN,
    IndicatorType.PRICE: _SNAPSHOT_OR_MEAN,
    IndicatorType.PERCENTAGE: _LEVEL,
    IndicatorType.RATIO: _LEVEL,
    IndicatorType.SHARE: _LEVEL,
    IndicatorType.SPREAD: _LEVEL,
    IndicatorType.CORRELATION: _VAGUE,
    IndicatorType.ELASTICITY: _VAGUE,
    IndicatorType.MULTIPLIER: _VAGUE,
    IndicatorType.DURATION: _VAGUE,
    IndicatorType.VOLATILITY: _VAGUE,
    IndicatorType.GAP: _VAGUE,
}
"""Aggregations between which labels of a type are not held to decide (classification spec 1.5)."""

_LEVEL_TYPES: Final = frozenset((IndicatorType.PERCENTAGE, IndicatorType.RATIO, IndicatorType.SHARE))
_COST_TYPES: Final = frozenset((IndicatorType.PRICE, IndicatorType.RATE))
BINS: Final = 10
WORST: Final = 25
CONFUSIONS: Final = 25


@dataclass(frozen=True, slots=True)
class Prediction:
    """Final values for one row. A field that was not decided is None, and not scored."""

    family: Family
    indicator_type: IndicatorType
    temporal_aggregation: TemporalAggregation | None = None
    heat_map_orientation: Orientation | None = None
    is_currency_denominated: bool | None = None
    time_basis: TimeBasis | None = None
    confidence: float = 1.0
    """Probability that family and type are right."""

    @property
    def pair(self) -> Pair:
        """Family and type."""
        return self.family, self.indicator_type


def predicted(item: ReviewedIndicator) -> Prediction:
    """The final values of an item, as they are scored."""
    return Prediction(
        family=item.family.family,
        indicator_type=item.type.indicator_type,
        temporal_aggregation=item.type.temporal_aggregation,
        heat_map_orientation=item.type.heat_map_orientation,
        is_currency_denominated=item.currency.is_currency_denominated,
        time_basis=item.time.time_basis,
        confidence=item.family.confidence * item.type.confidence,
    )


class Tally(NamedTuple):
    """Rows scored and rows right."""

    right: int
    total: int

    @property
    def share(self) -> float:
        """Accuracy, 0..1; 0 where nothing was scored."""
        return self.right / self.total if self.total else 0.0


class Bin(NamedTuple):
    """Rows whose confidence lies in a tenth: how many, what they claimed on average, and how many pairs were right."""

    low: float
    high: float
    total: int
    mean_confidence: float
    accuracy: float


class Miss(NamedTuple):
    """A row whose pair is wrong and not acceptable."""

    name: str
    units: str
    source: str
    expected: str
    given: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Report:
    """What a scoring found. Shares are 0..1."""

    rows: int
    fields: dict[str, Tally]
    by_source: dict[str, dict[str, Tally]]
    confusion: list[tuple[str, str, int]]
    """(label, prediction, rows), most frequent first."""
    reliability: list[Bin]
    brier: float
    """Mean squared difference of the confidence and whether the pair was right."""
    calibration_error: float
    """Mean distance of confidence and accuracy over the bins, weighted by rows."""
    worst: list[Miss] = field(default_factory=list)
    """The most confident misses."""

    def as_dict(self) -> dict[str, Any]:
        """The report as plain JSON values."""
        return {
            "rows": self.rows,
            "fields": _tallies(self.fields),
            "by_source": {source: _tallies(fields) for source, fields in self.by_source.items()},
            "confusion": [list(entry) for entry in self.confusion],
            "reliability": [entry._asdict() for entry in self.reliability],
            "brier": self.brier,
            "calibration_error": self.calibration_error,
            "worst": [entry._asdict() for entry in self.worst],
        }


def score(rows: Sequence[LabelledRow], predictions: Sequence[Prediction]) -> Report:
    """Compare predictions with labels, row by row."""
    judged = [(row, given, judge(row.label, given)) for row, given in zip(rows, predictions, strict=True)]
    by_source: dict[str, list[dict[str, bool]]] = defaultdict(list)
    for row, _, verdicts in judged:
        by_source[source_group(row)].append(verdicts)
    claims = [(given.confidence, verdicts["pair"]) for _, given, verdicts in judged]
    bins = _reliability(claims)
    return Report(
        rows=len(judged),
        fields=_tally(verdicts for _, _, verdicts in judged),
        by_source={source: _tally(found) for source, found in sorted(by_source.items(), key=lambda s: -len(s[1]))},
        confusion=_confusion(rows, predictions),
        reliability=bins,
        brier=sum((claim - right) ** 2 for claim, right in claims) / max(len(claims), 1),
        calibration_error=sum(b.total * abs(b.mean_confidence - b.accuracy) for b in bins) / max(len(claims), 1),
        worst=_worst(judged),
    )


def judge(label: Label, given: Prediction) -> dict[str, bool]:
    """Field -> whether it is right; fields that label or prediction leave out are missing.

    `pair_accepted` also takes pairs that the label accepts, `pair_alias` the aliases of classification spec 1.4 too;
    `temporal_tolerant` allows the tolerances of 1.5.
    """
    accepted = given.pair == label.pair or given.pair in label.accept
    verdicts = {
        "family": given.family is label.family,
        "family_accepted": given.family in {label.family, *(pair[0] for pair in label.accept)},
        "pair": given.pair == label.pair,
        "pair_accepted": accepted,
        "pair_alias": accepted or _alias(label.pair, given.pair),
    }
    if label.temporal_aggregation and given.temporal_aggregation:
        verdicts["temporal"] = given.temporal_aggregation is label.temporal_aggregation
        verdicts["temporal_tolerant"] = _tolerable(label, given.temporal_aggregation)
    if label.heat_map_orientation and given.heat_map_orientation:
        verdicts["orientation"] = given.heat_map_orientation is label.heat_map_orientation
    if label.is_currency_denominated is not None and given.is_currency_denominated is not None:
        verdicts["currency"] = given.is_currency_denominated == label.is_currency_denominated
    if label.time_basis and given.time_basis:
        verdicts["time_basis"] = given.time_basis is label.time_basis
    return verdicts


def source_group(row: LabelledRow) -> str:
    """Who labelled the row if it says so, else its publisher without database or dataset."""
    label_source = row.record.get("label_source")
    if label_source:
        return str(label_source)
    publisher = row.source.partition(":")[0].partition(" / ")[0].strip() or "unknown"
    return "IMF" if publisher.startswith("IMF") else publisher


def _alias(expected: Pair, given: Pair) -> bool:
    """Numeric levels are named percentage, ratio or share alike; the cost of money price or rate."""
    if expected[0] is not given[0]:
        return False
    types = {expected[1], given[1]}
    if expected[0] is Family.NUMERIC_MEASUREMENT:
        return types <= _LEVEL_TYPES
    return expected[0] is Family.PRICE_VALUE and types <= _COST_TYPES


def _tolerable(label: Label, given: TemporalAggregation) -> bool:
    if given is label.temporal_aggregation:
        return True
    tolerated = TOLERATED.get(label.indicator_type, frozenset())
    return given in tolerated and label.temporal_aggregation in tolerated


def _tally(rows: Iterable[dict[str, bool]]) -> dict[str, Tally]:
    right: Counter[str] = Counter()
    total: Counter[str] = Counter()
    for verdicts in rows:
        total.update(verdicts.keys())
        right.update(name for name, holds in verdicts.items() if holds)
    return {name: Tally(right[name], total[name]) for name in total}


def _reliability(claims: Sequence[tuple[float, bool]]) -> list[Bin]:
    filled: dict[int, list[tuple[float, bool]]] = defaultdict(list)
    for claim, right in claims:
        filled[min(int(claim * BINS), BINS - 1)].append((claim, right))
    return [
        Bin(
            number / BINS,
            (number + 1) / BINS,
            len(content),
            sum(claim for claim, _ in content) / len(content),
            sum(right for _, right in content) / len(content),
        )
        for number, content in sorted(filled.items())
    ]


def _confusion(rows: Sequence[LabelledRow], predictions: Sequence[Prediction]) -> list[tuple[str, str, int]]:
    counted = Counter(
        (_text(row.label.pair), _text(given.pair))
        for row, given in zip(rows, predictions, strict=True)
        if given.pair != row.label.pair
    )
    return [(expected, given, count) for (expected, given), count in counted.most_common(CONFUSIONS)]


def _worst(judged: Sequence[tuple[LabelledRow, Prediction, dict[str, bool]]]) -> list[Miss]:
    misses = [
        Miss(row.name, row.units, row.source, _text(row.label.pair), _text(given.pair), given.confidence)
        for row, given, verdicts in judged
        if not verdicts["pair_accepted"]
    ]
    return sorted(misses, key=lambda miss: -miss.confidence)[:WORST]


def _text(pair: Pair) -> str:
    return f"{pair[0]}/{pair[1]}"


def _tallies(fields: dict[str, Tally]) -> dict[str, dict[str, float]]:
    return {name: {"right": t.right, "total": t.total, "share": round(t.share, 4)} for name, t in fields.items()}
