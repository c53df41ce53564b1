"""How well texts are told apart on labelled data: records with the pairs that match, or pairs that do or do not."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from services.deduplication.evaluation.measures import Quality, best_threshold, sweep
from services.deduplication.names.compare import compare_all, compare_pairs
from services.deduplication.rules import Rules

Scored = tuple[float, int, int]
"""Score and the places of two records."""


@dataclass(frozen=True)
class Report:
    """The best that a threshold can do, where that threshold is, and what is had at the one of the rules."""

    pairs: int
    completeness: float
    threshold: float
    best: Quality
    at_medium: Quality


def judge_records(
    texts: Sequence[str],
    truth: Collection[frozenset[int]],
    rules: Rules,
    sources: Sequence[str] | None = None,
    *,
    one_to_one: bool = False,
) -> Report:
    """Records given as texts, the true pairs by their places.

    With sources only records of different ones are paired; one to one, each record at most once, the best pairs first.
    """
    edges = compare_all(texts, rules)
    scored = list(zip(*(edges[column].to_pylist() for column in ("score", "a", "b")), strict=True))
    if sources is not None:
        scored = [pair for pair in scored if sources[pair[1]] != sources[pair[2]]]
    found = sum(frozenset(pair[1:]) in truth for pair in scored)
    kept = _one_to_one(scored) if one_to_one else scored
    matches = [frozenset(pair[1:]) in truth for pair in kept]
    completeness = found / len(truth) if truth else 1.0
    return _report([pair[0] for pair in kept], matches, len(truth) - sum(matches), completeness, rules)


def judge_pairs(left: Sequence[str], right: Sequence[str], matches: Sequence[bool], rules: Rules) -> Report:
    """Listed pairs of texts, each with whether it is a match."""
    return _report(compare_pairs(left, right, rules)["score"].to_pylist(), matches, 0, 1.0, rules)


def _report(scores: Sequence[float], matches: Sequence[bool], missed: int, completeness: float, rules: Rules) -> Report:
    threshold, best = best_threshold(scores, matches, missed)
    ((_, at_medium),) = sweep(scores, matches, [rules.medium], missed)
    return Report(len(scores), completeness, threshold, best, at_medium)


def _one_to_one(scored: Iterable[Scored]) -> list[Scored]:
    used: set[int] = set()
    kept = []
    for score, one, other in sorted(scored, key=lambda pair: (-pair[0], *pair[1:])):
        if used.isdisjoint((one, other)):
            used |= {one, other}
            kept.append((score, one, other))
    return kept
