"""Step 7: groups of names. Edges join them from the best on, unless a group would hold what must stay apart."""

from collections import Counter
from collections.abc import Iterable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from services.deduplication.names import NO_SUFFIX
from services.deduplication.rules import Rules
from services.deduplication.work import Part, Produced, Tables

HIGH, MEDIUM = "edge>=high", "edge>=medium+shared_token"
INSUFFICIENT, SUFFIX_CONFLICT, CANOPY = "insufficient_edge", "suffix_conflict", "canopy"

GROUPING = pa.schema([("root", pa.int32()), ("max_score", pa.float32())])
JOINS = pa.schema(
    [("root", pa.int32()), ("a", pa.int32()), ("b", pa.int32()), ("score", pa.int16()), ("reason", pa.string())]
)


def group(tables: Tables, part: Part, rules: Rules) -> Produced:
    """For each name the lowest name of its group and the best score within it; the edges that joined; the refusals."""
    edges, names = tables["edges"], tables["names"]
    order = pc.sort_indices(edges, [("score", "descending"), ("a", "ascending"), ("b", "ascending")])
    ranked = edges.select(["a", "b", "score", "shared_tokens"]).take(order)
    groups = Groups(names["suffix_class"].to_pylist(), rules)
    joined = groups.join(zip(*(ranked[column].to_pylist() for column in ranked.column_names), strict=True))
    roots = np.array(groups.roots(), np.int32)
    return {
        "grouping": pa.table([pa.array(roots), _best_scores(edges, roots)], schema=GROUPING),
        "joins": _routed(joined, roots, part.shards),
        "refusals": pa.table(
            {"reason": sorted(groups.refused), "edges": [groups.refused[r] for r in sorted(groups.refused)]}
        ),
    }


class Groups:
    """Names that are joined one edge at a time; the lowest number of a group stands for it."""

    def __init__(self, suffix_classes: list[str], rules: Rules) -> None:
        self._rules = rules
        self._parents = list(range(len(suffix_classes)))
        self._sizes = [1] * len(suffix_classes)
        self._classes = suffix_classes
        self.refused: Counter[str] = Counter({INSUFFICIENT: 0, SUFFIX_CONFLICT: 0, CANOPY: 0})

    def join(self, edges: Iterable[tuple[int, int, int, int]]) -> list[tuple[int, int, int, str]]:
        """Join names by edges (a, b, score, shared tokens), the best first; returns those that joined, with why."""
        joined = []
        for a, b, score, shared in edges:
            one, other = self._root(a), self._root(b)
            if one == other:
                continue
            if refusal := self._refusal(one, other, score, shared):
                self.refused[refusal] += 1
            else:
                self._unite(one, other)
                joined.append((a, b, score, HIGH if score >= self._rules.high else MEDIUM))
        return joined

    def _refusal(self, one: int, other: int, score: int, shared: int) -> str | None:
        if score < self._rules.medium or (score < self._rules.high and not shared):
            return INSUFFICIENT
        if NO_SUFFIX not in (ours := self._classes[one], theirs := self._classes[other]) and ours != theirs:
            return SUFFIX_CONFLICT
        crowded = max(self._sizes[one], self._sizes[other]) >= self._rules.canopy
        return CANOPY if crowded and score < self._rules.high else None

    def _unite(self, one: int, other: int) -> None:
        low, high = sorted((one, other))
        self._parents[high] = low
        self._sizes[low] += self._sizes[high]
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


def _best_scores(edges: pa.Table, roots: np.ndarray) -> pa.Array:
    """The best score of any two names of each group, whether that pair joined it or not."""
    a, b = np.asarray(edges["a"]), np.asarray(edges["b"])
    best = np.zeros(len(roots), np.float32)
    within = roots[a] == roots[b]
    np.maximum.at(best, roots[a][within], np.asarray(edges["score"])[within])
    return pa.array(best[roots])


def _routed(joined: list[tuple[int, int, int, str]], roots: np.ndarray, shards: int) -> list[pa.Table]:
    """Joins by group, for the part that works on it."""
    columns = list(zip(*joined, strict=True)) or [(), (), (), ()]
    owners = roots[np.array(columns[0], np.int64)]
    table = pa.table(
        [pa.array(owners), *(pa.array(c, f.type) for c, f in zip(columns, list(JOINS)[1:], strict=True))], schema=JOINS
    )
    return [table.filter(pa.array(owners % shards == number)) for number in range(shards)]
