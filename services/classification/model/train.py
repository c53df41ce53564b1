"""Fit the embedded model to the labelled rows: python -m services.classification.model.train [--labels FILE].

First the whole fit is repeated on folds that keep concepts together and scored on what each left out; then the model
that is shipped is fitted to all rows. The same rows, Python and libraries give the same bytes; another BLAS may turn a
rounding of the eight-bit weights.
"""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from services.classification.model.dataset import LABELLED, SUPPLEMENT, LabelledRow, facts_of_record, read_labelled
from services.classification.model.evaluate import Prediction, Report, score
from services.classification.model.folds import concept_groups, grouped_folds
from services.classification.model.model import ARTEFACT, EmbeddedModel, TypeQuestion
from services.classification.model.report import render

NAME: Final = "sluice-linear-1"
FOLDS: Final = 10

Say = Callable[[str], None]


def train(rows: Sequence[LabelledRow], *, held_out: Sequence[LabelledRow] = ()) -> EmbeddedModel:
    """A model fitted to the rows and to those of the supplement that share no concept with `held_out`.

    Needs scipy, from the development extra; says so where it is missing.
    """
    from services.classification.model.fit import fit  # noqa: PLC0415 - the only part that needs scipy

    return EmbeddedModel(fit([*rows, *supplement(rows, held_out)]), NAME)


def supplement(rows: Sequence[LabelledRow], held_out: Sequence[LabelledRow]) -> list[LabelledRow]:
    """Rows of the supplement that are not among `rows`, and not about a concept of `held_out`."""
    given = {row.record.get("indicator_id") for row in rows}
    extra = [row for row in read_labelled(SUPPLEMENT) if row.record["indicator_id"] not in given]
    everything = [*held_out, *rows, *extra]
    groups = concept_groups([row.name for row in everything]).tolist()
    hidden = set(groups[: len(held_out)])
    return [row for row, group in zip(extra, groups[len(held_out) + len(rows) :], strict=True) if group not in hidden]


def with_labels(rows: Sequence[LabelledRow], labelled: Sequence[LabelledRow]) -> list[LabelledRow]:
    """The rows and those labelled by people; of two about one indicator the latter, of two of these the last."""
    theirs = {row.record.get("indicator_id"): row for row in labelled}
    return [*(row for row in rows if row.record.get("indicator_id") not in theirs), *theirs.values()]


def predict(model: EmbeddedModel, rows: Sequence[LabelledRow]) -> list[Prediction]:
    """What the model alone, without the other stages, answers for labelled rows."""
    facts = [facts_of_record(row.record) for row in rows]
    families = model.families(facts)
    types = model.types([TypeQuestion(fact, found.family) for fact, found in zip(facts, families, strict=True)])
    return [
        Prediction(
            family=family.family,
            indicator_type=found.indicator_type,
            temporal_aggregation=found.temporal_aggregation,
            heat_map_orientation=found.heat_map_orientation,
            is_currency_denominated=is_currency,
            time_basis=basis,
            confidence=family.confidence * found.confidence,
        )
        for family, found, (is_currency, _), (basis, _) in zip(
            families, types, model.currencies(facts), model.bases(facts), strict=True
        )
    ]


def cross_validate(rows: Sequence[LabelledRow], *, folds: int = FOLDS, seed: int = 0, say: Say = print) -> Report:
    """Score every row by a model that has seen no row about its concept."""
    predictions: dict[int, Prediction] = {}
    for number, (seen, unseen) in enumerate(grouped_folds(rows, folds, seed), start=1):
        began = time.perf_counter()
        held_out = [rows[i] for i in unseen]
        model = train([rows[i] for i in seen], held_out=held_out)
        predictions.update(zip(unseen.tolist(), predict(model, held_out), strict=True))
        say(f"fold {number} of {folds}: {time.perf_counter() - began:.1f} s")
    return score(rows, [predictions[i] for i in range(len(rows))])


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description="Fit the embedded model to labelled rows.")
    parser.add_argument("--data", type=Path, default=LABELLED, help="labelled rows, JSON lines")
    parser.add_argument("--labels", type=Path, help="rows labelled by people, which win over --data")
    parser.add_argument("--output", type=Path, default=ARTEFACT, help="where the model is written")
    parser.add_argument("--folds", type=int, default=FOLDS)
    parser.add_argument("--quick", action="store_true", help="fit only, without cross-validation")
    options = parser.parse_args(arguments)
    rows = with_labels(read_labelled(options.data), read_labelled(options.labels) if options.labels else [])
    if not options.quick:
        _say(render(cross_validate(rows, folds=options.folds, say=_say)))
    train(rows).save(options.output, name=NAME, rows=len(rows))
    size = options.output.stat().st_size / 1e6
    _say(f"{options.output.name}: {size:.2f} MB, {EmbeddedModel.load(options.output).name}")


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
