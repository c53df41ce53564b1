"""`sluice evaluate`: accuracy of the whole pipeline against labels, by the embedded model or by a provider."""

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from pydantic import ValidationError

from schemas.classification import IndicatorWithFamily, JoinedIndicator
from schemas.indicator import Indicator
from services.classification.cascade_report import CascadeReport, cascade_report, opinions_of_labels, render_cascade
from services.classification.cross_validation import by_unknowing_models
from services.classification.evaluation_by_provider import Bill, ByProvider, classify_by_provider, render_bill
from services.classification.in_memory import classify_in_memory
from services.classification.model import EmbeddedModel
from services.classification.model.dataset import LabelledRow, labelled_row
from services.classification.model.evaluate import Prediction, predicted, score
from services.classification.model.report import render
from services.classification.taking_over import concept
from shared.concepts import grouper, stand_ins
from shared.errors import UsageError
from shared.llm.gateway import Ask, Down, EmbeddedProvider
from shared.llm.question import Answer, Question
from shared.runtime.outcome import Usage
from shared.settings import EMBEDDED_PROVIDER, LlmSettings, Settings

FOLDS = 10

Say = Callable[[str], None]


@click.command(
    epilog="Examples:\n\n\b\n  sluice evaluate labelled.jsonl --json > report.json\n"
    "  sluice evaluate labelled.jsonl --provider openai\n"
    "  sluice evaluate labelled.jsonl --cascade-report"
)
@click.argument("labelled", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="LABELLED.jsonl")
@click.option(
    "--provider",
    default=EMBEDDED_PROVIDER,
    show_default=True,
    help="Model that decides: embedded, openai, anthropic, google, local; or cascade: and one of these.",
)
@click.option(
    "--folds", type=click.IntRange(min=2), default=FOLDS, show_default=True, help="Models trained, each without a part."
)
@click.option("--seed", type=int, default=0, show_default=True, help="Which concepts go into which part.")
@click.option(
    "--worst", type=click.IntRange(min=0), default=10, show_default=True, help="Show so many confident misses."
)
@click.option(
    "--cascade-report",
    "cascade",
    is_flag=True,
    help="Show, by threshold of confidence, what a cascade leaves to a language model, its cost, and the accuracy.",
)
@click.option("--dedupe", is_flag=True, help="As `classify --dedupe`: one of nearly identical rows decides for all.")
@click.option("--json", "json_output", is_flag=True, help="Print the report as JSON.")
def evaluate(  # noqa: PLR0913, PLR0917 -- one parameter an option
    labelled: Path, provider: str, folds: int, seed: int, worst: int, cascade: bool, dedupe: bool, json_output: bool
) -> None:
    """Measure the whole pipeline against labelled indicators.

    Each line is an indicator as for `classify`, with a `label` object: family and indicator_type; optionally
    temporal_aggregation, heat_map_orientation, is_currency_denominated, time_basis, and `accept`, a list of other
    family/type pairs that are as good.

    The embedded model is cross-validated: rows are scored by models that have not seen their concepts, which needs the
    dev extra. A provider is asked through the gateway, at its price, with cache, budgets and limits as everywhere.

    The cascade report tells how accurate a cascade would be if the language model answered like the labels, and, where
    --provider names one, like that provider: it is asked about every row once. Reviews are left out of it.
    """
    settings, rows = Settings.load(), read_rows(labelled)
    settings.llm.check(provider)
    by_provider = None
    if provider != EMBEDDED_PROVIDER:
        by_provider = asyncio.run(classify_by_provider(rows, provider, settings, _say))
    if cascade:
        report = asyncio.run(_cascade(rows, by_provider, settings.llm, folds, seed))
        click.echo(json.dumps(report.as_dict(), indent=2) if json_output else render_cascade(report))
        return
    predictions = by_provider.predictions if by_provider else asyncio.run(predict(rows, folds, seed, _say))
    if dedupe:
        predictions, others = taken_over(rows, predictions)
        _say(f"{others} of {len(rows)} rows take over the decision about another")
    _print(rows, predictions, by_provider.bill if by_provider else None, worst=worst, json_output=json_output)


def _say(text: str) -> None:
    click.echo(text, err=True)


def _print(
    rows: Sequence[LabelledRow], predictions: Sequence[Prediction], bill: Bill | None, *, worst: int, json_output: bool
) -> None:
    report = score(rows, predictions)
    if json_output:
        click.echo(json.dumps(report.as_dict() | ({"bill": bill._asdict()} if bill else {}), indent=2))
        return
    click.echo(render(report, worst=worst))
    if bill:
        click.echo(f"\n{render_bill(bill)}")


async def _cascade(
    rows: Sequence[LabelledRow], measured: ByProvider | None, settings: LlmSettings, folds: int, seed: int
) -> CascadeReport:
    judge = opinions_of_labels(rows, measured)
    opinions = await by_unknowing_models(rows, judge, folds=folds, seed=seed, say=_say)
    return await cascade_report(rows, opinions, measured, settings)


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
    """Final values of every row, by an embedded model that knows nothing of its concept."""

    async def judge(model: EmbeddedModel, places: Sequence[int]) -> Mapping[int, Prediction]:
        provider = {EMBEDDED_PROVIDER: _ModelProvider(model)}
        indicators = [Indicator.model_validate(rows[place].record) for place in places]
        final = await classify_in_memory(indicators, lambda _, count: Ask(provider, [""] * count))
        return {place: predicted(item) for place, item in zip(places, final, strict=True)}

    return await by_unknowing_models(rows, judge, folds=folds, seed=seed, say=say)


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


def taken_over(rows: Sequence[LabelledRow], found: Sequence[Prediction]) -> tuple[list[Prediction], int]:
    """Predictions as they are if one of nearly identical rows is asked about; and how many rows take over."""
    places = stand_ins([concept(Indicator.model_validate(row.record)) for row in rows], grouper())
    taken = [
        replace(
            own,
            family=found[place].family,
            indicator_type=found[place].indicator_type,
            temporal_aggregation=found[place].temporal_aggregation,
            heat_map_orientation=found[place].heat_map_orientation,
            confidence=found[place].confidence,
        )
        for own, place in zip(found, places, strict=True)
    ]
    return taken, sum(own != place for own, place in enumerate(places))
