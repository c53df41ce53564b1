"""Rows in requests of a size, each submitted as a whole under one batch id. Chunks within one are the feeder's."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")


class Request(NamedTuple, Generic[T]):
    """Items that go together. Everything is counted from 1, as people read it."""

    number: int
    first: int
    """Place of the first item in the whole input."""
    items: tuple[T, ...]

    @property
    def last(self) -> int:
        """Place of the last item in the whole input."""
        return self.first + len(self.items) - 1


def requests(items: Iterable[T], size: int) -> Iterator[Request[T]]:
    """The items in requests of `size`, the last one possibly smaller; takes no item before it is needed."""
    if size < 1:
        raise ValueError(f"a request holds at least one item, not {size}")
    source, number, first = iter(items), 0, 1
    while taken := tuple(islice(source, size)):
        number += 1
        yield Request(number, first, taken)
        first += len(taken)
