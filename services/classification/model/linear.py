"""The linear map from features to scores, and the file it is kept in."""

import io
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Ids = NDArray[np.intp]

FORMAT: Final = 1
"""Version of the file; a reader refuses others."""


@dataclass(frozen=True, slots=True)
class LinearMap:
    """Features to scores, then scores to class probabilities. Arrays must not be changed."""

    names: list[str]
    """Features in the order of the rows of `weights`."""
    vocabulary: dict[str, int]
    """Feature -> row of `weights`."""
    weights: NDArray[np.int8]
    """(features, columns), in steps of `steps`."""
    steps: Floats
    """(columns,): what one step of a weight is worth."""
    squares: Floats
    """(features,): square of a feature's share in the length of an item."""
    mixing: Floats
    """(columns, classes): scores of all heads to the logits of each class."""
    bias: Floats
    """(classes,)"""

    def known(self, features: Collection[str]) -> Ids:
        """Rows of the features that the map knows."""
        find = self.vocabulary.get
        return np.array([i for feature in features if (i := find(feature)) is not None], dtype=np.intp)

    def scores(self, items: Sequence[Ids]) -> Floats:
        """(items, columns) scores of items given by their rows; an item without any scores zero."""
        scores = np.zeros((len(items), self.weights.shape[1]), dtype=np.float32)
        for row, ids in enumerate(items):
            if len(ids):
                length = float(self.squares[ids].sum()) ** 0.5
                scores[row] = self.weights[ids].sum(axis=0, dtype=np.int32) * (self.steps / length)
        return scores

    def logits(self, items: Sequence[Ids]) -> Floats:
        """(items, classes) logits of all heads."""
        return self.scores(items) @ self.mixing + self.bias

    def evidence(self, ids: Ids, column: int, count: int = 3) -> list[str]:
        """The features that speak loudest for a column, loudest first."""
        if not len(ids):
            return []
        loudest = np.argsort(-self.weights[ids, column].astype(np.int16), kind="stable")[:count]
        return [self.names[ids[i]] for i in loudest]


def save(path: Path, model: LinearMap, meta: dict[str, Any]) -> None:
    """Write model and `meta` to a file whose bytes depend on them alone."""
    np.savez_compressed(
        path,
        meta=_bytes(json.dumps({"format": FORMAT, **meta}, sort_keys=True)),
        vocabulary=_bytes("\n".join(model.names)),
        weights=model.weights,
        steps=model.steps,
        squares=model.squares,
        mixing=model.mixing,
        bias=model.bias,
    )


def load(content: bytes) -> tuple[LinearMap, dict[str, Any]]:
    """Model and meta from the bytes of a file; raises ValueError on another format."""
    with np.load(io.BytesIO(content), allow_pickle=False) as stored:
        meta = json.loads(stored["meta"].tobytes())
        if meta.get("format") != FORMAT:
            raise ValueError(f"model file of format {meta.get('format')}, this release reads {FORMAT}")
        names = stored["vocabulary"].tobytes().decode().split("\n")
        return (
            LinearMap(
                names=names,
                vocabulary=dict(zip(names, range(len(names)), strict=True)),
                weights=stored["weights"],
                steps=stored["steps"],
                squares=stored["squares"],
                mixing=stored["mixing"],
                bias=stored["bias"],
            ),
            meta,
        )


def _bytes(text: str) -> NDArray[np.uint8]:
    return np.frombuffer(text.encode(), dtype=np.uint8)
