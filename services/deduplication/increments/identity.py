"""Ids of groups that outlast a run: a group keeps its id while most of its records stay together."""

from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import NamedTuple, TypeVar

import pyarrow as pa

GROUP_ID_LENGTH = 16  # of 64 bits: among a million groups of ten digits two would share one

CHANGES = pa.schema([("change", pa.string()), ("group_id", pa.string()), ("other", pa.string())])
INHERITED = pa.schema([("was", pa.string()), ("root", pa.int32()), ("records", pa.int64())])
"""How many records of an earlier group are in a group now."""

One = TypeVar("One")
Other = TypeVar("Other")


class Change(StrEnum):
    """What happened to a group."""

    NEW = "new"
    JOINED = "joined"  # by one record, between two runs
    MERGED = "merged"  # into the group that has most of its records
    SPLIT = "split"  # off the group that keeps the id
    GONE = "gone"


class Event(NamedTuple):
    """One change: the group it happened to, and the other one it has to do with."""

    change: Change
    group_id: str
    other: str | None = None


def group_id(sorted_ids: Sequence[str], digest: str, taken: Container[str] = ()) -> str:
    """The id of a new group: of its members' ids and the rules, and another one if a group that goes on has it."""
    found = _hashed(digest, sorted_ids)
    while found in taken:
        found = _hashed(found, sorted_ids)
    return found


def _hashed(start: str, ids: Sequence[str]) -> str:
    return sha256("\n".join((start, *ids)).encode()).hexdigest()[:GROUP_ID_LENGTH]


@dataclass(frozen=True)
class Inheritance:
    """What present groups, by their roots, have of earlier ones."""

    heirs: Mapping[str, int]
    """Where most of an earlier group is."""
    origins: Mapping[int, str]
    """Where most of a present group comes from, of those records that were anywhere."""

    @classmethod
    def of(cls, inherited: pa.Table) -> "Inheritance":
        """Of equal shares the lowest root and the smallest id count."""
        shared = Counter[tuple[str, int]]()
        for was, root, records in zip(*(inherited[name].to_pylist() for name in INHERITED.names), strict=True):
            shared[was, root] += records
        return cls(_most(shared), _most({(root, was): records for (was, root), records in shared.items()}))

    def ids(self) -> dict[int, str]:
        """Each earlier id goes to the group with most of its records, if that has most of its own from there."""
        return {root: was for root, was in self.origins.items() if self.heirs[was] == root}

    def events(self, ids: Mapping[int, str]) -> Iterator[Event]:
        """What happened to the groups that have these ids now, and to those that went into them."""
        for was, root in self.heirs.items():
            if root in ids and ids[root] != was:
                yield Event(Change.MERGED, was, ids[root])
        for root, now in ids.items():
            origin = self.origins.get(root)
            if origin is None:
                yield Event(Change.NEW, now)
            elif origin != now:
                yield Event(Change.SPLIT, now, origin)


def changed(events: Iterable[Event]) -> pa.Table:
    """Events as a table, in one order."""
    columns = zip(*sorted(events), strict=True)
    return pa.table([pa.array(column, pa.string()) for column in columns] or [[], [], []], schema=CHANGES)


def _most(shared: Mapping[tuple[One, Other], int]) -> dict[One, Other]:
    """For each first the second that it shares most with."""
    candidates: dict[One, list[tuple[int, Other]]] = defaultdict(list)
    for (one, other), count in shared.items():
        candidates[one].append((-count, other))
    return {one: min(others)[1] for one, others in candidates.items()}
