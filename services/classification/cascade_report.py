"""What a cascade would leave to a language model, what that costs, and how accurate the whole would be, by threshold.

The embedded model's opinions come from cross-validation: no row is judged by a model that has seen its concept. The
language model is taken to answer like the labels, and, where a provider was asked, like that provider. Family and type
are two questions; a cascade decides on each by itself. Reviews are left out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, NamedTuple

from schemas.classification import (
    FamilyAssignment,
    IndicatorWithFamily,
    IndicatorWithType,
    JoinedIndicator,
    TypeClassification,
)
from schemas.enums import Family
from schemas.indicator import Indicator
from services.classification.cross_validation import Judge
from services.classification.evaluation_by_provider import ByProvider
from services.classification.family import FAMILY
from services.classification.in_memory import joined_in_memory
from services.classification.indicator_type import TYPE
from services.classification.model import EmbeddedModel
from services.classification.model.dataset import LabelledRow
from services.classification.model.labels import Pair
from services.classification.model.report import percent, table
from shared.llm.choice import parse_choice
from shared.llm.estimating import summed_up
from shared.llm.rehearsal import Rehearsal
from shared.settings import LlmSettings

THRESHOLDS: Final = (0.0, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 0.97, 0.99)
"""Confidences from which the embedded model's answer stands; 0 is the embedded model alone."""
USUAL_VENDOR: Final = "openai"
"""Whose list price is taken where no provider is named."""


class Opinions(NamedTuple):
    """What the embedded model says of a row: a family, and a type within each family that anybody gives it."""

    family: FamilyAssignment
    within: Mapping[Family, TypeClassification]


@dataclass(frozen=True, slots=True)
class CascadeLine:
    """One threshold. Shares and accuracies are 0..1; right is a pair of family and type that a label accepts."""

    threshold: float
    embedded_rows: float
    """Share of rows of which the embedded model answers both questions."""
    embedded_accuracy: float
    """On these rows."""
    asked_family: float
    """Share of rows whose family a language model is asked."""
    asked_type: float
    cost_usd: float
    """Of all these questions, estimated at list price, without what is kept from earlier runs."""
    accuracy_by_labels: float
    """Of the whole, if the language model answers like the labels."""
    accuracy_by_provider: float | None
    """Of the whole, with the answers of the provider that was asked."""


@dataclass(frozen=True, slots=True)
class CascadeReport:
    """All thresholds. `provider`: whose answers and prices these are."""

    rows: int
    provider: str
    model: str
    lines: tuple[CascadeLine, ...]

    def as_dict(self) -> dict[str, Any]:
        """The report as plain JSON values."""
        return asdict(self)


class _Costs(NamedTuple):
    """US dollars of asking about every row."""

    family: float
    type: float


class _Outcome(NamedTuple):
    """A row at one threshold."""

    pair: Pair
    asked_family: bool
    asked_type: bool


def opinions_of_labels(rows: Sequence[LabelledRow], measured: ByProvider | None) -> Judge[Opinions]:
    """What by_unknowing_models needs to have the embedded model's opinions of the rows."""

    async def judge(model: EmbeddedModel, places: Sequence[int]) -> Mapping[int, Opinions]:
        joined = await joined_in_memory([Indicator.model_validate(rows[place].record) for place in places])
        assigned = model.assign_families(joined)
        return {
            place: Opinions(first, _within(model, item, {first.family, *_families_of(rows, measured, place)}))
            for place, item, first in zip(places, joined, assigned, strict=True)
        }

    return judge


def _families_of(rows: Sequence[LabelledRow], measured: ByProvider | None, place: int) -> list[Family]:
    said = measured.typed[place] if measured else None
    return [rows[place].label.family, *([said.family.family] if said else [])]


def _within(model: EmbeddedModel, item: JoinedIndicator, families: set[Family]) -> dict[Family, TypeClassification]:
    ordered = sorted(families)
    return dict(zip(ordered, model.classify_types([_with_family(item, family) for family in ordered]), strict=True))


def _with_family(item: JoinedIndicator, family: Family) -> IndicatorWithFamily:
    given = FamilyAssignment(family=family, confidence=1.0, reasoning="given")
    return IndicatorWithFamily(**item.__dict__, family=given)


async def cascade_report(
    rows: Sequence[LabelledRow], opinions: Sequence[Opinions], measured: ByProvider | None, settings: LlmSettings
) -> CascadeReport:
    """The report. `opinions` in the order of `rows`."""
    provider = parse_choice(measured.provider).provider if measured else USUAL_VENDOR
    costs = await _costs(rows, provider, settings)
    lines = tuple(_line(threshold, rows, opinions, measured, costs) for threshold in THRESHOLDS)
    return CascadeReport(len(rows), provider, settings.model_of(provider), lines)


async def _costs(rows: Sequence[LabelledRow], provider: str, settings: LlmSettings) -> _Costs:
    """Of asking about every row, each distinct question once."""
    rehearsal = Rehearsal(
        provider, settings.model_of(provider), temperature=settings.temperature, coalesce=True, database=None
    )
    joined = await joined_in_memory([Indicator.model_validate(row.record) for row in rows])
    await rehearsal.answer(FAMILY, joined)
    await rehearsal.answer(TYPE, [_with_family(item, row.label.family) for item, row in zip(joined, rows, strict=True)])
    stages = summed_up(len(rows), [rehearsal], settings, {}, cache_looked_at=False).stages
    by_question = {stage.question: stage.cost_usd for stage in stages}
    return _Costs(by_question[FAMILY.name], by_question[TYPE.name])


def _line(
    threshold: float,
    rows: Sequence[LabelledRow],
    opinions: Sequence[Opinions],
    measured: ByProvider | None,
    costs: _Costs,
) -> CascadeLine:
    labels = [row.label.pair for row in rows]
    outcomes = [_cascaded(*place, threshold) for place in zip(opinions, labels, strict=True)]
    alone = [place for place, found in enumerate(outcomes) if not (found.asked_family or found.asked_type)]
    asked_family = sum(found.asked_family for found in outcomes) / len(rows)
    asked_type = sum(found.asked_type for found in outcomes) / len(rows)
    by_provider = None
    if measured:
        said = [_pair(item) for item in measured.typed]
        by_provider = _accuracy(rows, [_cascaded(*place, threshold) for place in zip(opinions, said, strict=True)])
    return CascadeLine(
        threshold=threshold,
        embedded_rows=len(alone) / len(rows),
        embedded_accuracy=_accuracy([rows[place] for place in alone], [outcomes[place] for place in alone]),
        asked_family=asked_family,
        asked_type=asked_type,
        cost_usd=asked_family * costs.family + asked_type * costs.type,
        accuracy_by_labels=_accuracy(rows, outcomes),
        accuracy_by_provider=by_provider,
    )


def _pair(item: IndicatorWithType | None) -> Pair | None:
    return (item.family.family, item.type.indicator_type) if item else None


def _cascaded(opinions: Opinions, said: Pair | None, threshold: float) -> _Outcome:
    """What a row ends as if a language model says `said` where it is asked; without its answer the embedded one's."""
    first = opinions.family
    asked_family = first.confidence < threshold
    family = said[0] if asked_family and said else first.family
    second = opinions.within[family]
    asked_type = second.confidence < threshold
    # A type that was said within another family is no answer to the question about this one.
    kind = said[1] if asked_type and said and said[0] is family else second.indicator_type
    return _Outcome((family, kind), asked_family, asked_type)


def _accuracy(rows: Sequence[LabelledRow], outcomes: Sequence[_Outcome]) -> float:
    right = sum(
        found.pair == row.label.pair or found.pair in row.label.accept
        for row, found in zip(rows, outcomes, strict=True)
    )
    return right / len(rows) if rows else 0.0


def render_cascade(report: CascadeReport) -> str:
    """The report as a table."""
    measured = report.lines[0].accuracy_by_provider is not None
    heads = ["from", "embedded alone", "right there", "family asked", "type asked", "US dollars", "right by labels"]
    lines = [
        [
            f"{line.threshold:.2f}",
            percent(line.embedded_rows),
            percent(line.embedded_accuracy),
            percent(line.asked_family),
            percent(line.asked_type),
            f"{line.cost_usd:.4f}",
            percent(line.accuracy_by_labels),
            *([percent(line.accuracy_by_provider)] if line.accuracy_by_provider is not None else []),
        ]
        for line in report.lines
    ]
    title = f"{report.rows} rows; prices of {report.provider}/{report.model}; pairs of family and type, before reviews"
    return f"{title}\n\n{table([*heads, *([f'right by {report.provider}'] if measured else [])], lines)}"
