"""Two levels of batches: requests, each accepted as a whole under one trace id, and chunks worked side by side.

Requests can further be taken in groups that are submitted together. Nothing here waits: pauses are the caller's.
"""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Generic, NamedTuple, TypeVar

REQUEST_SIZE = 100
CHUNK_SIZE = 25

T = TypeVar("T")


class Batch(NamedTuple, Generic[T]):
    """Items that go together. Everything is counted from 1, as people read it."""

    number: int
    first: int
    """Place of the first item in the whole input."""
    items: tuple[T, ...]

    @property
    def last(self) -> int:
        """Place of the last item in the whole input."""
        return self.first + len(self.items) - 1


class Group(NamedTuple, Generic[T]):
    """Requests that are submitted together."""

    number: int
    batches: tuple[Batch[T], ...]


class Plan(NamedTuple):
    """How many of each there will be."""

    items: int
    batches: int
    groups: int


def plan(items: int, size: int = REQUEST_SIZE, concurrency: int = 1) -> Plan:
    """What `requests` and `groups` will yield for so many items."""
    batches = -(-items // size)
    return Plan(items, batches, -(-batches // concurrency))


def requests(items: Iterable[T], size: int = REQUEST_SIZE) -> Iterator[Batch[T]]:
    """The items in batches of `size`, the last one possibly smaller; takes no item before it is needed."""
    return _cut(items, size, first=1)


def chunks(request: Batch[T], size: int = CHUNK_SIZE) -> Iterator[Batch[T]]:
    """A request in batches of `size`; items keep their place in the whole input."""
    return _cut(request.items, size, first=request.first)


def groups(batches: Iterable[Batch[T]], concurrency: int) -> Iterator[Group[T]]:
    """The batches, `concurrency` at a time."""
    for group in _cut(batches, concurrency, first=1):
        yield Group(group.number, group.items)


def _cut(items: Iterable[T], size: int, first: int) -> Iterator[Batch[T]]:
    if size < 1:
        raise ValueError(f"a batch holds at least one item, not {size}")
    source, number = iter(items), 0
    while taken := tuple(islice(source, size)):
        number += 1
        yield Batch(number, first, taken)
        first += len(taken)
