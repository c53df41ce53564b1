"""Fit the embedded model to labelled rows: python -m services.classification.model.train."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from services.classification.model.dataset import LABELLED, LabelledRow, read_labelled
from services.classification.model.fit import fit
from services.classification.model.model import ARTEFACT, EmbeddedModel

NAME = "sluice-linear-1"


def train(rows: Sequence[LabelledRow]) -> EmbeddedModel:
    """A model fitted to the rows; deterministic."""
    return EmbeddedModel(fit(rows), NAME)


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=LABELLED)
    parser.add_argument("--output", type=Path, default=ARTEFACT)
    options = parser.parse_args(arguments)
    train(read_labelled(options.data)).save(options.output, name=NAME)


if __name__ == "__main__":
    main()
