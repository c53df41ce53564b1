"""Which keys records have, how often: bounded, however many different ones there are."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final

from services.correction.transcripts.rows import name_of

MOST_PATHS: Final = 2_000
"""Key paths that are listed; the others are counted. Arguments of tools make up thousands of them."""
MOST_DEPTH: Final = 8
_IDENTIFIER: Final = re.compile(r"(?:^|[._])(?:uu|gu)?id$|[a-z]I[dD]$|_id$|[Uu]uid$", re.IGNORECASE)


class Bounded:
    """Counts by name for the first so many names; what comes under others is counted without a name."""

    def __init__(self, most: int) -> None:
        self._most = most
        self.counts: Counter[str] = Counter()
        self.others = 0

    def add(self, name: str, times: int = 1) -> None:
        """Count `name`."""
        if name in self.counts or len(self.counts) < self._most:
            self.counts[name] += times
        else:
            self.others += times

    def as_dict(self) -> dict[str, int]:
        """The frequent ones first; `…` stands for all others."""
        listed = dict(self.counts.most_common())
        return listed | ({"…": self.others} if self.others else {})


class KeyInventory:
    """Keys at the top, paths below, and what looks like an identifier."""

    def __init__(self) -> None:
        self.top = Bounded(MOST_PATHS)
        self.nested = Bounded(MOST_PATHS)
        self.identifiers = Bounded(MOST_PATHS)

    def add(self, record: Mapping[str, Any]) -> None:
        """Count the keys of one record, each path once."""
        names = {name_of(name) for name in record}
        for name in names:
            self.top.add(name)
        paths = set(_paths(record, "", 0))
        for path in paths:
            self.nested.add(path)
        for key in {path.rpartition(".")[2] for path in paths} | names:
            if _IDENTIFIER.search(key):
                self.identifiers.add(key)


def _paths(value: Any, prefix: str, depth: int) -> Iterator[str]:
    if depth > MOST_DEPTH:
        return
    if isinstance(value, dict):
        for name, part in value.items():
            path = name_of(f"{prefix}.{name}" if prefix else name)
            if prefix:
                yield path
            yield from _paths(part, path, depth + 1)
    elif isinstance(value, list):
        for part in value:
            if isinstance(part, dict | list):
                yield from _paths(part, f"{prefix}[]", depth + 1)
