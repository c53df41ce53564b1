"""Fitting a calibration to pairs of which the truth is known, and how reliable it is on pairs that it has not seen."""

from typing import Any, NamedTuple

import numpy as np
from sklearn.isotonic import IsotonicRegression

from services.deduplication.evaluation.calibration import Calibration, digest
from services.deduplication.evaluation.evaluating import ScoredPairs
from services.deduplication.names.arrays import Flags, Floats
from services.deduplication.rules import Rules
from shared.errors import UsageError

FOLDS, BINS = 5, 10


class Bin(NamedTuple):
    """Held-out pairs of about one probability."""

    pairs: int
    probability: float
    """Foretold, on average."""
    share: float
    """Of them that match."""


class Reliability(NamedTuple):
    """How good foretold probabilities are."""

    pairs: int
    brier: float
    """Mean squared difference from what is true; of the base rate alone it would be `brier_of_base_rate`."""
    brier_of_base_rate: float
    calibration_error: float
    """How far the bins are off, on average over the pairs."""
    bins: list[Bin]

    def as_dict(self) -> dict[str, Any]:
        """Plain values."""
        return self._asdict() | {"bins": [one._asdict() for one in self.bins]}


def fit(pairs: ScoredPairs, rules: Rules) -> Calibration:
    """The rising function that is nearest to the pairs. Raises UsageError if they cannot tell."""
    if not 0 < pairs.matches.sum() < len(pairs.matches):
        raise UsageError("only pairs that match, or none", remedy="calibrate on data that has both")
    fitted = _fitted(pairs.scores, pairs.matches)
    return Calibration(
        profile=rules.profile,
        rules=digest(rules),
        pairs=len(pairs.scores),
        scores=tuple(fitted.X_thresholds_.tolist()),
        probabilities=tuple(fitted.y_thresholds_.tolist()),
    )


def held_out(pairs: ScoredPairs) -> Reliability:
    """Each fold foretold by what the others show."""
    folds = np.random.default_rng(0).integers(FOLDS, size=int(pairs.owners.max()) + 1)[pairs.owners]
    foretold = np.zeros(len(pairs.scores))
    for fold in range(FOLDS):
        out = folds == fold
        if out.any() and not out.all():
            foretold[out] = _fitted(pairs.scores[~out], pairs.matches[~out]).predict(pairs.scores[out])
    return _reliability(foretold, pairs.matches.astype(float))


def _fitted(scores: Floats, matches: Flags) -> Any:
    return IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(scores, matches.astype(float))


def _reliability(foretold: Floats, matches: Floats) -> Reliability:
    places = np.minimum((foretold * BINS).astype(np.int64), BINS - 1)
    bins = [
        Bin(int((at := places == place).sum()), float(foretold[at].mean()), float(matches[at].mean()))
        for place in np.unique(places)
    ]
    total = len(matches)
    return Reliability(
        total,
        float(np.mean((foretold - matches) ** 2)),
        float(matches.var()),
        sum(one.pairs * abs(one.probability - one.share) for one in bins) / total,
        bins,
    )
