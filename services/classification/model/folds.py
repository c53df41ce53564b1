"""Cross-validation folds in which rows about the same concept stay together."""

import re
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.classification.model.dataset import LabelledRow
from services.classification.model.places import COUNTRY_PAIRS, COUNTRY_WORDS
from services.classification.rules.names import word_set

Indices = NDArray[np.int64]

HEAD_WORDS: Final = 3
"""Rows whose names begin with the same words, places and fillers left out, are one group."""

_BRACKETS: Final = re.compile(r"\([^)]*\)|\[[^\]]*\]")
_WORD: Final = re.compile(r"[a-z]+")
_FILLERS: Final = word_set(
    """
    of the in for and a an to by on at from with male female males females men women boys girls both sexes
    total age ages aged years old year world bank
    """
)


def concept_words(name: str) -> list[str]:
    """A name without brackets, places, ages, sexes, figures and small words."""
    words = [word for word in _WORD.findall(_BRACKETS.sub(" ", name.lower())) if word not in COUNTRY_WORDS]
    places = {i for i in range(len(words) - 1) if (words[i], words[i + 1]) in COUNTRY_PAIRS}
    places |= {i + 1 for i in places}
    return [word for i, word in enumerate(words) if i not in places and word not in _FILLERS]


def concept_groups(names: Sequence[str]) -> Indices:
    """Group number of each name: names that share their whole concept or its first three words are one group."""
    parent = list(range(len(names)))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    seen: dict[tuple[str, ...], int] = {}
    for i, name in enumerate(names):
        words = concept_words(name) or [name]
        for key in (("whole", *words), ("head", *words[:HEAD_WORDS])):
            parent[root(i)] = root(seen.setdefault(key, i))
    return np.array([root(i) for i in range(len(names))], dtype=np.int64)


def grouped_folds(rows: Sequence[LabelledRow], k: int = 5, seed: int = 0) -> list[tuple[Indices, Indices]]:
    """(train, test) row numbers of k folds of like size; no group is on both sides of any of them."""
    groups, member = np.unique(concept_groups([row.name for row in rows]), return_inverse=True)
    sizes = np.bincount(member, minlength=len(groups))
    load = np.zeros(k, dtype=np.int64)
    fold_of_group = np.zeros(len(groups), dtype=np.int64)
    for group in np.random.default_rng(seed).permutation(len(groups)):
        fold_of_group[group] = load.argmin()
        load[fold_of_group[group]] += sizes[group]
    fold = fold_of_group[member]
    return [(np.flatnonzero(fold != j), np.flatnonzero(fold == j)) for j in range(k)]
