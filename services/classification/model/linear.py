"""The linear map from features to class logits, and the file it is kept in."""

import io
import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from services.classification.model.features import Features, word_features

Floats = NDArray[np.float32]
Ids = NDArray[np.intp]

FORMAT: Final = 1
"""Version of the file; a reader refuses others."""

MOST_WORDS: Final = 16_384
"""Words of names whose sums are kept, about 6 MB; 8,900 distinct words occur in 11,889 catalogue rows."""


@dataclass(frozen=True, slots=True)
class Weights:
    """What a fit gives; arrays must not be changed."""

    names: list[str]
    """Features, in the order of the rows."""
    table: NDArray[np.int8]
    """(features, columns) in steps of `steps`: the part that a feature has in a score."""
    steps: Floats
    """(columns,): what one step is worth."""
    squares: Floats
    """(features,): square of a feature's part in the length of an item."""
    mixing: Floats
    """(columns, classes): scores of all heads to the logits of each class."""
    bias: Floats
    """(classes,)"""


@dataclass(frozen=True, slots=True)
class Known:
    """The features of one item that the map knows: rows of single features, and sums of its words."""

    ids: Ids
    words: list[int]


@dataclass(slots=True)
class _WordSums:
    """Words whose features are summed once and for all. Rows are written before they are announced in `rows`."""

    columns: int
    rows: dict[str, int] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    table: NDArray[np.int32] = field(init=False)
    squares: Floats = field(init=False)

    def __post_init__(self) -> None:
        self.table = np.zeros((MOST_WORDS, self.columns), dtype=np.int32)
        self.squares = np.zeros(MOST_WORDS, dtype=np.float32)


class LinearMap:
    """Features to logits. Threads may share it."""

    def __init__(self, weights: Weights) -> None:
        self.weights = weights
        self._rows = dict(zip(weights.names, range(len(weights.names)), strict=True))
        self._words = _WordSums(weights.table.shape[1])

    def known(self, features: Features) -> Known:
        """The item in terms of the map; features it does not know count nothing."""
        find = self._rows.get
        ids = [row for feature in features.others if (row := find(feature)) is not None]
        words: list[int] = []
        for word in features.words:
            row = self._words.rows.get(word)
            if row is None:
                row = self._add(word)
            if row >= 0:
                words.append(row)
            else:
                ids += self._rows_of(word)
        ids.sort()  # sets come in another order in every process, and sums of floats depend on it
        return Known(np.array(ids, dtype=np.intp), words)

    def logits(self, items: Sequence[Known]) -> Floats:
        """(items, classes) logits of all heads."""
        weights, words = self.weights, self._words
        sums = np.zeros((len(items), weights.table.shape[1]), dtype=np.float32)
        squares = np.full(len(items), 1e-9, dtype=np.float32)
        for row, item in enumerate(items):
            sums[row] = weights.table.take(item.ids, axis=0).sum(axis=0, dtype=np.int32)
            squares[row] += weights.squares.take(item.ids).sum()
            if item.words:
                sums[row] += words.table.take(item.words, axis=0).sum(axis=0)
                squares[row] += words.squares.take(item.words).sum()
        scores = (sums * weights.steps / np.sqrt(squares)[:, None]).astype(np.float32, copy=False)
        logits: Floats = scores @ weights.mixing + weights.bias
        return logits

    def evidence(self, item: Known, column: int) -> list[str]:
        """The word of the name and the other feature that speak loudest for a column; fewer if none speaks for it."""
        found: list[str] = []
        if item.words:
            spoken = self._words.table[item.words, column]
            if spoken[best := int(spoken.argmax())] > 0:
                found.append("n:" + self._words.names[item.words[best]])
        if len(item.ids):
            heard = self.weights.table[item.ids, column]
            if heard[best := int(heard.argmax())] > 0:
                found.append(self.weights.names[item.ids[best]])
        return found

    def _add(self, word: str) -> int:
        """Row of a word met for the first time; -1 once the table is full."""
        words = self._words
        with words.lock:
            if (row := words.rows.get(word)) is not None:
                return row
            if (row := len(words.names)) == MOST_WORDS:
                return -1
            ids = self._rows_of(word)
            words.table[row] = self.weights.table[ids].sum(axis=0, dtype=np.int32)
            words.squares[row] = self.weights.squares[ids].sum()
            words.names.append(word)
            words.rows[word] = row
        return row

    def _rows_of(self, word: str) -> list[int]:
        return [row for feature in word_features(word) if (row := self._rows.get(feature)) is not None]


def save(path: Path, weights: Weights, meta: dict[str, Any]) -> None:
    """Write weights and `meta` to a file whose bytes depend on them alone."""
    with path.open("wb") as file:
        np.savez_compressed(
            file,
            meta=_bytes(json.dumps({"format": FORMAT, **meta}, sort_keys=True)),
            names=_bytes("\n".join(weights.names)),
            table=weights.table,
            steps=weights.steps,
            squares=weights.squares,
            mixing=weights.mixing,
            bias=weights.bias,
        )


def load(content: bytes) -> tuple[Weights, dict[str, Any]]:
    """Weights and meta from the bytes of a file; raises ValueError on another format."""
    with np.load(io.BytesIO(content), allow_pickle=False) as stored:
        meta = json.loads(stored["meta"].tobytes())
        if meta.get("format") != FORMAT:
            raise ValueError(f"model file of format {meta.get('format')}, this release reads {FORMAT}")
        return (
            Weights(
                names=stored["names"].tobytes().decode().split("\n"),
                table=stored["table"],
                steps=stored["steps"],
                squares=stored["squares"],
                mixing=stored["mixing"],
                bias=stored["bias"],
            ),
            meta,
        )


def _bytes(text: str) -> NDArray[np.uint8]:
    return np.frombuffer(text.encode(), dtype=np.uint8)
