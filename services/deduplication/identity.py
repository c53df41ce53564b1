"""Ids of groups that outlast a run: a group keeps its id while most of its records stay together."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Change(StrEnum):
    """What happened to a group since the run before."""

    NEW = "new"
    MERGED = "merged"  # into the group that has most of its records
    SPLIT = "split"  # off the group that keeps the id
    GONE = "gone"


@dataclass(frozen=True)
class Event:
    """One change: the group it happened to, and the other one it has to do with."""

    change: Change
    group_id: str
    other: str | None = None


@dataclass(frozen=True)
class Carried:
    """The id that each group of the present run shall have, and what changed."""

    ids: dict[str, str]
    events: list[Event]


def carry(previous: Mapping[str, str], current: Mapping[str, str]) -> Carried:
    """Carry ids over, given the group of each account before and now.

    Each old id goes to the group with most of its records, if that group has most of its own from there; of equal ones
    the smallest id counts.
    """
    shared = Counter((previous[account], group) for account, group in current.items() if account in previous)
    heirs, origins = _most(shared), _most({(group, old): count for (old, group), count in shared.items()})
    ids = {group: old for group, old in origins.items() if heirs[old] == group}
    named = {group: ids.get(group, group) for group in set(current.values())}
    events = [
        *(Event(Change.MERGED, old, named[heirs[old]]) for old in heirs if ids.get(heirs[old]) != old),
        *(Event(Change.SPLIT, group, origins[group]) for group in origins if group not in ids),
        *(Event(Change.NEW, group) for group in named if group not in origins),
        *(Event(Change.GONE, old) for old in set(previous.values()) - heirs.keys()),
    ]
    return Carried(named, sorted(events, key=lambda event: (event.change, event.group_id)))


def _most(shared: Mapping[tuple[str, str], int]) -> dict[str, str]:
    """For each first the second that it shares most with."""
    candidates: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for (one, other), count in shared.items():
        candidates[one].append((-count, other))
    return {one: min(others)[1] for one, others in candidates.items()}
