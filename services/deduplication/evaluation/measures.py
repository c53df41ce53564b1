"""How good groups are, against a known truth: pairwise and B-cubed precision and recall, completeness of pairs."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

Labels = Sequence[Any] | np.ndarray[Any, Any]
Pair = tuple[Any, Any]


@dataclass(frozen=True)
class Quality:
    """Precision, recall and what both make."""

    precision: float
    recall: float

    @property
    def f1(self) -> float:
        """The harmonic mean."""
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0


def pairwise(found: Labels, truth: Labels) -> Quality:
    """Of the pairs within found groups, those within true ones, and the other way round."""
    both, ours, theirs = _sizes(found, truth)
    return Quality(_share(_pairs(both), _pairs(ours)), _share(_pairs(both), _pairs(theirs)))


def b_cubed(found: Labels, truth: Labels) -> Quality:
    """For the average record, how much of its found group is of its true one, and the other way round."""
    (both, found_of, truth_of), ours, theirs = _cells(found, truth)
    total = both.sum()
    return Quality(float((both**2 / ours[found_of]).sum() / total), float((both**2 / theirs[truth_of]).sum() / total))


def of_pairs(found: Iterable[Pair], truth: Iterable[Pair]) -> Quality:
    """Precision and recall of pairs that are listed, either way round."""
    ours, theirs = ({tuple(sorted(pair)) for pair in pairs} for pairs in (found, truth))
    return Quality(_share(len(ours & theirs), len(ours)), _share(len(ours & theirs), len(theirs)))


def best_threshold(scores: Sequence[float], matches: Sequence[bool], missed: int = 0) -> tuple[float, Quality]:
    """The threshold with the best F1 over scored pairs, and that F1; `missed` true pairs were never scored."""
    swept = sweep(scores, matches, sorted(set(scores)), missed)
    return max(swept, key=lambda point: (point[1].f1, point[0]))


def sweep(
    scores: Sequence[float], matches: Sequence[bool], thresholds: Sequence[float], missed: int = 0
) -> list[tuple[float, Quality]]:
    """Quality of "these scores and above match" for some thresholds."""
    order = np.argsort(np.asarray(scores, float), kind="stable")
    ranked, hits = np.asarray(scores, float)[order], np.asarray(matches, bool)[order]
    above = np.append(np.cumsum(hits[::-1])[::-1], 0)
    places = np.searchsorted(ranked, thresholds)
    truth = int(hits.sum()) + missed
    return [
        (threshold, Quality(_share(above[place], len(ranked) - place), _share(above[place], truth)))
        for threshold, place in zip(thresholds, places, strict=True)
    ]


def completeness(candidates: Iterable[Pair], truth: Iterable[Pair]) -> float:
    """The share of true pairs that were compared at all."""
    return of_pairs(candidates, truth).recall


def _cells(found: Labels, truth: Labels) -> tuple[tuple[Any, Any, Any], Any, Any]:
    """Records by found group and true group."""
    ours, theirs = (np.unique(np.asarray(labels), return_inverse=True)[1].astype(np.int64) for labels in (found, truth))
    cells, both = np.unique(ours << 32 | theirs, return_counts=True)
    return (both, cells >> 32, cells & 0xFFFFFFFF), np.bincount(ours), np.bincount(theirs)


def _sizes(found: Labels, truth: Labels) -> tuple[Any, Any, Any]:
    (both, _, _), ours, theirs = _cells(found, truth)
    return both, ours, theirs


def _pairs(sizes: Any) -> int:
    return int((sizes.astype(np.int64) * (sizes - 1) // 2).sum())


def _share(part: float, whole: float) -> float:
    return float(part / whole) if whole else 1.0
