"""Another view of edges: clusters at a threshold of one's own, without the constraints of groups."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Edge = tuple[str, str, float]
Policy = Literal["complete", "single"]

SMALLEST = 2


@dataclass(frozen=True)
class Clusters:
    """Clusters and what is in none, each in order of its ids."""

    clusters: list[list[str]]
    outliers: list[str]


def clusters(ids: Iterable[str], edges: Iterable[Edge], threshold: float, policy: Policy) -> Clusters:
    """Clusters of ids: `complete`, where every two are similar, taken greedily from the smallest id, or `single`, where
    a chain of similar ones leads from each to each."""
    similar: dict[str, set[str]] = defaultdict(set)
    for one, other, score in edges:
        if score >= threshold:
            similar[one].add(other)
            similar[other].add(one)
    grow = _clique if policy == "complete" else _reachable
    free, found, outliers = dict.fromkeys(sorted(ids)), [], []
    for start in list(free):
        if start in free:
            cluster = sorted(grow(start, similar, free))
            for member in cluster:
                del free[member]
            found += [cluster] if len(cluster) >= SMALLEST else []
            outliers += cluster if len(cluster) < SMALLEST else []
    return Clusters(found, outliers)


def _clique(start: str, similar: dict[str, set[str]], free: dict[str, None]) -> list[str]:
    cluster, candidates = [start], similar[start] & free.keys()
    while candidates:
        cluster.append(chosen := min(candidates))
        candidates = candidates & similar[chosen]
    return cluster


def _reachable(start: str, similar: dict[str, set[str]], free: dict[str, None]) -> list[str]:
    cluster, waiting = {start}, [start]
    while waiting:
        new = (similar[waiting.pop()] & free.keys()) - cluster
        cluster |= new
        waiting += sorted(new)
    return list(cluster)
