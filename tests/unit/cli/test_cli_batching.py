"""Requests of a size."""

from collections.abc import Iterator
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.cli.batching import requests


def test_requests_keep_places_in_the_whole_input() -> None:
    second = list(requests(range(250), 100))[1]
    assert (second.number, second.first, second.last, len(second.items)) == (2, 101, 200, 100)


@given(count=st.integers(0, 60), size=st.integers(1, 20))
def test_nothing_is_lost(count: int, size: int) -> None:
    found = list(requests(range(count), size))
    assert list(chain.from_iterable(request.items for request in found)) == list(range(count))
    assert all(len(request.items) == size for request in found[:-1])


def test_items_are_taken_only_when_needed() -> None:
    def endless() -> Iterator[int]:
        yield from range(3)
        raise AssertionError("read too far")

    assert next(requests(endless(), 3)).items == (0, 1, 2)


def test_a_request_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        list(requests([1], 0))
