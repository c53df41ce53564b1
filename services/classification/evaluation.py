"""`sluice evaluate`: accuracy of the whole pipeline against labels, by models that have not seen the rows.

A row whose concept (the head of its name) is among the training rows is scored by a model trained without every row of
that concept: grouped cross-validation. A row about a concept that the shipped model never saw is scored by the shipped
model itself.
"""

import asyncio
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click
from pydantic import ValidationError

from schemas.classification import IndicatorWithFamily, JoinedIndicator, ReviewedIndicator
from schemas.indicator import Indicator
from services.classification.in_memory import classify_in_memory
from services.classification.model import EmbeddedModel
from services.classification.model.dataset import LabelledRow, labelled_row, read_labelled
from services.classification.model.evaluate import Prediction, score
from services.classification.model.folds import concept_groups, grouped_folds
from services.classification.model.report import render
from services.classification.model.train import supplement, train
from shared.errors import UsageError
from shared.llm.gateway import Ask, Down, EmbeddedProvider
from shared.llm.question import Answer, Question
from shared.runtime.outcome import Usage
from shared.settings import EMBEDDED_PROVIDER

FOLDS = 10

Say = Callable[[str], None]


@click.command(epilog="Example: sluice evaluate labelled.jsonl --json > report.json")
@click.argument("labelled", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="LABELLED.jsonl")
@click.option("--provider", default=EMBEDDED_PROVIDER, show_default=True, help="Model that decides.")
@click.option(
    "--folds", type=click.IntRange(min=2), default=FOLDS, show_default=True, help="Models trained, each without a part."
)
@click.option("--seed", type=int, default=0, show_default=True, help="Which concepts go into which part.")
@click.option(
    "--worst", type=click.IntRange(min=0), default=10, show_default=True, help="Show so many confident misses."
)
@click.option("--json", "json_output", is_flag=True, help="Print the report as JSON.")
def evaluate(labelled: Path, provider: str, folds: int, seed: int, worst: int, json_output: bool) -> None:
    """Measure the whole pipeline against labelled indicators.

    Each line is an indicator as for `classify`, with a `label` object: family and indicator_type; optionally
    temporal_aggregation, heat_map_orientation, is_currency_denominated, time_basis, and `accept`, a list of other
    family/type pairs that are as good. Training for the cross-validation needs the dev extra.
    """
    if provider != EMBEDDED_PROVIDER:
        raise UsageError(f"provider {provider!r} is not available", remedy=f"choose one of: {EMBEDDED_PROVIDER}")
    rows = read_rows(labelled)
    predictions = asyncio.run(predict(rows, folds, seed, lambda text: click.echo(text, err=True)))
    report = score(rows, predictions)
    click.echo(json.dumps(report.as_dict(), indent=2) if json_output else render(report, worst=worst))


def read_rows(path: Path) -> list[LabelledRow]:
    """Labelled rows. Raises UsageError naming the first line that is none."""
    rows = []
    for number, line in enumerate(path.read_bytes().splitlines(), start=1):
        if not line.strip():
            continue
        try:
            row = labelled_row(json.loads(line))
            Indicator.model_validate(row.record)
        except (KeyError, TypeError, ValueError, ValidationError) as error:
            reason = str(error).splitlines()[0]
            raise UsageError(
                f"{path}, line {number} is no labelled indicator: {reason}",
                remedy='each line: {"indicator_id", "name", …, "label": {"family", "indicator_type", …}}',
            ) from None
        rows.append(row)
    if not rows:
        raise UsageError(f"{path} has no rows", remedy="give a file with one labelled indicator a line")
    return rows


async def predict(rows: Sequence[LabelledRow], folds: int, seed: int, say: Say) -> list[Prediction]:
    """Final values of every row, by a model that knows nothing of its concept."""
    training = read_labelled()
    known = [*training, *supplement(training, ())]
    groups = concept_groups([row.name for row in [*known, *rows]]).tolist()
    seen = set(groups[: len(known)])
    mine = groups[len(known) :]
    fresh = [place for place, group in enumerate(mine) if group not in seen]
    predictions: dict[int, Prediction] = {}
    if fresh:
        say(f"{len(fresh)} rows are about concepts the shipped model never saw; it scores them itself")
        predictions.update(await _predict(EmbeddedModel.load(), rows, fresh))
    if len(fresh) < len(rows):
        predictions.update(await _cross_validate(training, rows, set(fresh), folds, seed, say))
    return [predictions[place] for place in range(len(rows))]


async def _cross_validate(
    training: Sequence[LabelledRow], rows: Sequence[LabelledRow], done: set[int], folds: int, seed: int, say: Say
) -> dict[int, Prediction]:
    """Predictions for the rows that are not done, each by a model trained on the other folds' training rows."""
    everything = [*rows, *training]
    predictions: dict[int, Prediction] = {}
    for number, (kept, left_out) in enumerate(grouped_folds(everything, folds, seed), start=1):
        places = [place for place in left_out.tolist() if place < len(rows) and place not in done]
        if not places:
            continue
        say(f"fold {number} of {folds}: training without {len(left_out)} rows, scoring {len(places)}")
        own = [everything[place] for place in kept.tolist() if place >= len(rows)]
        model = train(own, held_out=[everything[place] for place in left_out.tolist()])
        predictions.update(await _predict(model, rows, places))
    return predictions


async def _predict(model: EmbeddedModel, rows: Sequence[LabelledRow], places: Sequence[int]) -> dict[int, Prediction]:
    provider = {EMBEDDED_PROVIDER: _ModelProvider(model)}
    indicators = [Indicator.model_validate(rows[place].record) for place in places]
    final = await classify_in_memory(indicators, lambda _, count: Ask(provider, [""] * count))
    return {place: _prediction(item) for place, item in zip(places, final, strict=True)}


class _ModelProvider(EmbeddedProvider):
    """Answers like the embedded provider, with a given model."""

    def __init__(self, model: EmbeddedModel) -> None:
        self._answers: dict[str, Callable[[Sequence[Any]], Sequence[Any]]] = {
            "family": lambda items: model.assign_families([_as(JoinedIndicator, item) for item in items]),
            "type": lambda items: model.classify_types([_as(IndicatorWithFamily, item) for item in items]),
        }

    async def answer(self, question: Question[Any, Any], facts: Sequence[Any]) -> Sequence[Answer[Any] | Down]:
        if question.name not in self._answers:
            return await super().answer(question, facts)
        usage = Usage(provider=EMBEDDED_PROVIDER)
        return [Answer(value, usage) for value in self._answers[question.name](facts)]


def _as(kind: type[Any], item: Any) -> Any:
    if not isinstance(item, kind):
        raise TypeError(f"expected {kind.__name__}, not {type(item).__name__}")
    return item


def _prediction(item: ReviewedIndicator) -> Prediction:
    return Prediction(
        family=item.family.family,
        indicator_type=item.type.indicator_type,
        temporal_aggregation=item.type.temporal_aggregation,
        heat_map_orientation=item.type.heat_map_orientation,
        is_currency_denominated=item.currency.is_currency_denominated,
        time_basis=item.time.time_basis,
        confidence=item.family.confidence * item.type.confidence,
    )
