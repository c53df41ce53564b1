"""Fitting the linear map: ridge regression on class indicators, then a calibrated softmax on top.

The ridge is solved in its dual form, which gives for little more the score of every row by a fit that has not seen
the row's group. On those honest scores the softmax is fitted, so its probabilities hold for unseen concepts.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.classification.model.dataset import LabelledRow, facts_of_record
from services.classification.model.features import extract, weight
from services.classification.model.folds import concept_groups
from services.classification.model.labels import (
    AGGREGATIONS,
    CURRENCY_FLAGS,
    HEADS,
    ORIENTATIONS,
    PAIR_INDEX,
    TIME_BASES,
    WIDTH,
    columns,
)
from services.classification.model.linear import LinearMap

try:
    from scipy import linalg, optimize, sparse
except ImportError as error:  # pragma: no cover - depends on the installation
    raise ImportError("training needs scipy: install the development extra, pip install 'sluice[dev]'") from error

Array = NDArray[np.float64]

RIDGE: Final = 0.15
SOFTMAX_PENALTY: Final = 5.0
ALTERNATE_SHARE: Final = 0.2
"""Part of a row's weight that goes to the pairs its label also accepts."""
SEEN_AT_LEAST: Final = 2
"""Rows that must show a feature before it is kept."""
CERTAINTY: Final = {"high": 1.0, "medium": 0.7, "low": 0.4}


def fit(rows: Sequence[LabelledRow]) -> LinearMap:
    """The map for labelled rows; the same rows give the same map."""
    features = [extract(facts_of_record(row.record)) for row in rows]
    vocabulary = _vocabulary(features)
    shares = np.array([weight(feature) for feature in vocabulary])
    design = _design(features, vocabulary, shares)
    targets = _targets(rows)
    certainty = np.array([CERTAINTY[row.label.certainty] for row in rows])
    dual, unseen = _ridge(design, targets, certainty, concept_groups([row.name for row in rows]))
    mixing, bias = _softmax_heads(unseen, targets, certainty)
    weights = np.asarray(design.T @ dual) * shares[:, None]
    steps = np.maximum(np.abs(weights).max(axis=0), 1e-12) / 127
    return LinearMap(
        names=list(vocabulary),
        vocabulary=vocabulary,
        weights=np.rint(weights / steps).astype(np.int8),
        steps=steps.astype(np.float32),
        squares=(shares**2).astype(np.float32),
        mixing=mixing.astype(np.float32),
        bias=bias.astype(np.float32),
    )


def _vocabulary(features: Sequence[set[str]]) -> dict[str, int]:
    seen = Counter(feature for row in features for feature in row)
    kept = sorted(feature for feature, count in seen.items() if count >= SEEN_AT_LEAST)
    return {feature: i for i, feature in enumerate(kept)}


def _design(features: Sequence[set[str]], vocabulary: dict[str, int], shares: Array) -> sparse.csr_array:
    """(rows, features) with rows of length 1."""
    ids = [sorted(vocabulary[feature] for feature in row if feature in vocabulary) for row in features]
    starts = np.cumsum([0, *map(len, ids)])
    flat = np.array([i for row in ids for i in row], dtype=np.int64)
    lengths = np.sqrt([max(float((shares[row] ** 2).sum()), 1e-12) for row in ids])
    values = shares[flat] / np.repeat(lengths, np.diff(starts))
    return sparse.csr_array((values, flat, starts), shape=(len(ids), len(vocabulary)))


def _targets(rows: Sequence[LabelledRow]) -> Array:
    targets = np.zeros((len(rows), WIDTH))
    for target, row in zip(targets, rows, strict=True):
        label = row.label
        others = [PAIR_INDEX[pair] for pair in label.accept if pair in PAIR_INDEX]
        target[columns("pair")][PAIR_INDEX[label.pair]] = 1 - ALTERNATE_SHARE * bool(others)
        for other in others:
            target[columns("pair")][other] += ALTERNATE_SHARE / len(others)
        for head, classes, value in (
            ("aggregation", AGGREGATIONS, label.temporal_aggregation),
            ("orientation", ORIENTATIONS, label.heat_map_orientation),
            ("currency", CURRENCY_FLAGS, label.is_currency_denominated),
            ("time_basis", TIME_BASES, label.time_basis),
        ):
            target[columns(head)][list(classes).index(value)] = 1
    return targets


def _ridge(design: sparse.csr_array, targets: Array, certainty: Array, groups: NDArray[np.int64]) -> tuple[Array, Array]:
    """Dual coefficients, and the score of each row by the fit without the row's group (exact, from one inverse)."""
    root = np.sqrt(certainty)[:, None]
    kernel = np.asarray((design @ design.T).todense()) * root * root.T
    kernel[np.diag_indices(len(kernel))] += RIDGE
    inverse = linalg.cho_solve(linalg.cho_factor(kernel, lower=True), np.eye(len(kernel)))
    dual = inverse @ (root * targets)
    unseen = np.empty_like(targets)
    order = np.argsort(groups, kind="stable")
    for group in np.split(order, np.flatnonzero(np.diff(groups[order])) + 1):
        unseen[group] = targets[group] - np.linalg.solve(inverse[np.ix_(group, group)], dual[group]) / root[group]
    return dual * root, unseen


def _softmax_heads(scores: Array, targets: Array, certainty: Array) -> tuple[Array, Array]:
    """Scores of all heads to the logits of each, side by side: ((columns, classes), (classes,))."""
    fitted = [_softmax(scores, targets[:, columns(head)], certainty) for head in HEADS]
    return np.hstack([weights for weights, _ in fitted]), np.concatenate([bias for _, bias in fitted])


def _softmax(scores: Array, targets: Array, certainty: Array) -> tuple[Array, Array]:
    """Multinomial logistic regression on soft targets, L2 penalty on all but the bias."""
    rows, classes = targets.shape
    width = scores.shape[1]

    def loss(flat: Array) -> tuple[float, Array]:
        weights, bias = flat[:-classes].reshape(width, classes), flat[-classes:]
        logits = scores @ weights + bias
        logits -= logits.max(axis=1, keepdims=True)
        norm = np.log(np.exp(logits).sum(axis=1, keepdims=True))
        rest = (np.exp(logits - norm) - targets) * certainty[:, None]
        value = -((logits - norm) * targets * certainty[:, None]).sum() + 0.5 / SOFTMAX_PENALTY * (weights**2).sum()
        gradient = np.concatenate([(scores.T @ rest + weights / SOFTMAX_PENALTY).ravel(), rest.sum(axis=0)])
        return value, gradient

    start = np.zeros(width * classes + classes)
    best = optimize.minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 300}).x
    return best[:-classes].reshape(width, classes), best[-classes:]
