"""Step 7: groups of names. Edges join them from the best on, unless a group would hold what must stay apart."""

from collections import Counter
from collections.abc import Iterable

import numpy as np
import pyarrow as pa

from services.deduplication.names.arrays import Ints
from services.deduplication.names.name import NO_SUFFIX
from services.deduplication.rules import Rules
from services.deduplication.work import Part, Produced, Tables

HIGH, MEDIUM = "edge>=high", "edge>=medium+shared_token"
INSUFFICIENT, SUFFIX_CONFLICT, ONE_SOURCE, CANOPY = "insufficient_edge", "suffix_conflict", "one_source", "canopy"

GROUPING = pa.schema([("root", pa.int32()), ("max_score", pa.float32())])


def group(tables: Tables, part: Part, rules: Rules) -> Produced:
    """For each name the lowest name of its group and the best score within it; the edges that joined; the refusals."""
    edges, names = tables["edges"], tables["names"]
    ranked = edges.sort_by([("score", "descending"), ("a", "ascending"), ("b", "ascending")])
    groups = Groups(
        names["suffix_class"].to_pylist(), [frozenset(sources) for sources in names["sources"].to_pylist()], rules
    )
    joined, reasons = groups.join(*(ranked[column].to_pylist() for column in ("a", "b", "score", "shared_tokens")))
    roots = np.array(groups.roots(), np.int64)
    joins = ranked.take(pa.array(joined, pa.int64())).append_column("reason", pa.array(reasons, pa.string()))
    return {
        "grouping": pa.table([pa.array(roots, pa.int32()), _best_scores(edges, roots)], schema=GROUPING),
        "joins": _routed(joins, roots, part.shards),
        "refusals": pa.table({"reason": list(groups.refused), "edges": list(groups.refused.values())}),
    }


class Groups:
    """Names that are joined one edge at a time; the lowest number of a group stands for it."""

    def __init__(self, suffix_classes: list[str], sources: list[frozenset[str]], rules: Rules) -> None:
        self._rules = rules
        self._parents = list(range(len(suffix_classes)))
        self._sizes = [1] * len(suffix_classes)
        self._classes = suffix_classes
        self._sources = sources
        self.refused = Counter(dict.fromkeys((INSUFFICIENT, SUFFIX_CONFLICT, ONE_SOURCE, CANOPY), 0))

    def join(
        self, ones: Iterable[int], others: Iterable[int], scores: Iterable[int], shared: Iterable[int]
    ) -> tuple[list[int], list[str]]:
        """Join names by edges, the best first; returns the places of those that joined, and why each did."""
        joined, reasons = [], []
        for place, (a, b, score, tokens) in enumerate(zip(ones, others, scores, shared, strict=True)):
            one, other = self._root(a), self._root(b)
            if one == other:
                continue
            if refusal := self._refusal(one, other, score, tokens):
                self.refused[refusal] += 1
            else:
                self._unite(one, other)
                joined.append(place)
                reasons.append(HIGH if score >= self._rules.high else MEDIUM)
        return joined, reasons

    def _refusal(self, one: int, other: int, score: int, shared: int) -> str | None:
        if score < self._rules.medium or (score < self._rules.high and not shared):
            return INSUFFICIENT
        ours, theirs = self._classes[one], self._classes[other]
        if self._rules.suffix_constraint and ours != theirs and NO_SUFFIX not in (ours, theirs):
            return SUFFIX_CONFLICT
        if self._sources[one] & self._sources[other]:
            return ONE_SOURCE
        crowded = max(self._sizes[one], self._sizes[other]) >= self._rules.canopy
        return CANOPY if crowded and score < self._rules.high else None

    def _unite(self, one: int, other: int) -> None:
        low, high = sorted((one, other))
        self._parents[high] = low
        self._sizes[low] += self._sizes[high]
        self._sources[low] |= self._sources[high]
        if self._classes[low] == NO_SUFFIX:
            self._classes[low] = self._classes[high]

    def _root(self, name: int) -> int:
        parents = self._parents
        while parents[name] != name:
            parents[name] = name = parents[parents[name]]
        return name

    def roots(self) -> list[int]:
        """For each name the one that stands for its group."""
        return [self._root(name) for name in range(len(self._parents))]


def _best_scores(edges: pa.Table, roots: Ints) -> pa.Array:
    """The best score of any two names of each group, whether that pair joined it or not."""
    a, b = np.asarray(edges["a"]), np.asarray(edges["b"])
    best = np.zeros(len(roots), np.float32)
    within = roots[a] == roots[b]
    np.maximum.at(best, roots[a][within], np.asarray(edges["score"])[within])
    return pa.array(best[roots])


def _routed(joins: pa.Table, roots: Ints, shards: int) -> list[pa.Table]:
    """Joins with the group they are of, for the part that works on it."""
    owners = roots[np.asarray(joins["a"])]
    table = joins.append_column("root", pa.array(owners, pa.int32()))
    return [table.filter(pa.array(owners % shards == number)) for number in range(shards)]
