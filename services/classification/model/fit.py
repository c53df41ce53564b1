"""Fitting: ridge regression on class indicators, then a calibrated softmax on top.

The ridge is solved in its dual form. One inverse then gives, exactly, the score of every row by a fit that has not
seen the row's concept. On those honest scores the softmax is fitted, so its probabilities hold for unseen concepts.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.classification.model.dataset import LabelledRow, facts_of_record
from services.classification.model.features import Features, extract, word_features
from services.classification.model.folds import Indices, concept_groups
from services.classification.model.group_weights import GROUP_WEIGHTS
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
from services.classification.model.linear import Weights

try:
    from scipy import linalg, optimize, sparse
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped] # publishes no types
except ImportError as error:  # pragma: no cover - depends on the installation
    raise ImportError("training needs the development extra: pip install 'sluice[dev]'") from error

Array = NDArray[np.float64]

RIDGE: Final = 0.15
"""Share of the identity in the kernel whose diagonal is 1; flat between 0.1 and 0.25 in cross-validation."""
SOFTMAX_VARIANCE: Final = 5.0
"""Prior variance of the softmax weights."""
ALTERNATE_SHARE: Final = 0.2
"""Part of a row's target that goes to the pairs its label also accepts."""
SEEN_AT_LEAST: Final = 2
"""Rows that must show a feature before it is kept."""
CERTAINTY: Final = {"high": 1.0, "medium": 0.7, "low": 0.4}
"""Weight of a row by the certainty of its label."""


def fit(rows: Sequence[LabelledRow]) -> Weights:
    """The weights for labelled rows; the same rows give the same weights.

    On one thread: several would add in an order of their own.
    """
    with threadpool_limits(1):
        return _fit(rows)


def _fit(rows: Sequence[LabelledRow]) -> Weights:
    features = [_counted(extract(facts_of_record(row.record))) for row in rows]
    names = _kept(features)
    targets = _targets(rows)
    certainty = np.array([CERTAINTY.get(row.label.certainty, 1.0) for row in rows])
    groups = concept_groups([row.name for row in rows])
    shares = np.array([GROUP_WEIGHTS[name.partition(":")[0]] for name in names])
    design = _scaled(_counts(features, names), shares)
    dual, unseen = _ridge(design, targets, certainty, groups)
    table = (design.T @ dual) * shares[:, None]
    return _weights(names, table, shares**2, *_softmax_heads(unseen, targets, certainty))


def _weights(names: list[str], table: Array, squares: Array, mixing: Array, bias: Array) -> Weights:
    steps = np.maximum(np.abs(table).max(axis=0), 1e-12) / 127
    return Weights(
        names=names,
        table=np.rint(table / steps).astype(np.int8),
        steps=steps.astype(np.float32),
        squares=squares.astype(np.float32),
        mixing=mixing.astype(np.float32),
        bias=bias.astype(np.float32),
    )


def _counted(features: Features) -> Counter[str]:
    """How often each feature is on: once, save n-grams that several words share."""
    counted = Counter(features.others)
    for word in features.words:
        counted.update(word_features(word))
    return counted


def _kept(features: Sequence[Counter[str]]) -> list[str]:
    seen = Counter(name for row in features for name in row)
    return sorted(name for name, count in seen.items() if count >= SEEN_AT_LEAST and "\n" not in name)


def _counts(features: Sequence[Counter[str]], names: Sequence[str]) -> sparse.csr_array:
    """(rows, features)"""
    position = {name: i for i, name in enumerate(names)}
    pairs = [sorted((position[name], count) for name, count in row.items() if name in position) for row in features]
    starts = np.cumsum([0, *map(len, pairs)])
    flat = np.array([pair for row in pairs for pair in row], dtype=np.int64).reshape(-1, 2)
    return sparse.csr_array((flat[:, 1].astype(np.float64), flat[:, 0], starts), shape=(len(pairs), len(names)))


def _scaled(counts: sparse.csr_array, shares: Array) -> sparse.csr_array:
    """Counts by shares, each row divided by the root of the sum of its squared shares."""
    lengths = np.sqrt(np.maximum(counts @ shares**2, 1e-9))
    return sparse.csr_array(sparse.diags_array(1 / lengths) @ counts @ sparse.diags_array(shares))


def _targets(rows: Sequence[LabelledRow]) -> Array:
    """(rows, columns) class indicators; a head that a label leaves out is all zero."""
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
            if value is not None:
                target[columns(head)][list(classes).index(value)] = 1
    return targets


def _ridge(design: sparse.csr_array, targets: Array, certainty: Array, groups: Indices) -> tuple[Array, Array]:
    """Dual coefficients, and each row's score by the fit without the row's group."""
    root = np.sqrt(certainty)[:, None]
    kernel = ((design @ design.T).toarray() * root * root.T).astype(np.float32)
    kernel[np.diag_indices(len(kernel))] += RIDGE
    factor = linalg.cho_factor(kernel, lower=True, overwrite_a=True, check_finite=False)
    inverse = linalg.cho_solve(factor, np.eye(len(kernel), dtype=np.float32), overwrite_b=True, check_finite=False)
    dual = (inverse @ (root * targets).astype(np.float32)).astype(np.float64)
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
    classes, width = targets.shape[1], scores.shape[1]
    given = targets.sum(axis=1, keepdims=True)

    def loss(flat: Array) -> tuple[float, Array]:
        weights, bias = flat[:-classes].reshape(width, classes), flat[-classes:]
        logits = scores @ weights + bias
        logits -= logits.max(axis=1, keepdims=True)
        logits -= np.log(np.exp(logits).sum(axis=1, keepdims=True))
        rest = (np.exp(logits) * given - targets) * certainty[:, None]
        value = -(logits * targets * certainty[:, None]).sum() + 0.5 / SOFTMAX_VARIANCE * (weights**2).sum()
        gradient = np.concatenate([(scores.T @ rest + weights / SOFTMAX_VARIANCE).ravel(), rest.sum(axis=0)])
        return float(value), gradient

    start = np.zeros(width * classes + classes)
    best = optimize.minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 300}).x
    return best[:-classes].reshape(width, classes), best[-classes:]
