"""How the names of a group hang together: the way from the name of its primary to every other."""

from collections import defaultdict, deque
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

Join = dict[str, Any]

SINGLETON, PRIMARY, EXACT, SAME_NAME = "singleton", "primary", "exact_equal", "equal_name"


@dataclass(frozen=True)
class Way:
    """The names from one to the primary's, both included, and the joins between them."""

    names: tuple[int, ...]
    joins: tuple[Join, ...] = ()

    @property
    def weakest(self) -> Join | None:
        """The join with the lowest score, of equal ones the one nearest to the primary."""
        return min(reversed(self.joins), key=lambda join: join["score"], default=None)


class Ways:
    """The ways within the groups of one part."""

    def __init__(self, joins: pa.Table) -> None:
        self._neighbours: dict[int, list[tuple[int, Join]]] = defaultdict(list)
        for join in joins.to_pylist():
            self._neighbours[join["a"]].append((join["b"], join))
            self._neighbours[join["b"]].append((join["a"], join))

    def to(self, primary: int) -> dict[int, Way]:
        """For each name of the group its way to the primary's. Joins make no circles, so there is one."""
        ways, waiting = {primary: Way((primary,))}, deque([primary])
        while waiting:
            name = waiting.popleft()
            for neighbour, join in self._neighbours.get(name, ()):
                if neighbour not in ways:
                    ways[neighbour] = Way((neighbour, *ways[name].names), (join, *ways[name].joins))
                    waiting.append(neighbour)
        return ways
