"""Requests, chunks and groups."""

from collections.abc import Iterator
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.cli.batching import Batch, chunks, groups, plan, requests


def test_two_levels_keep_places_in_the_whole_input() -> None:
    second = list(requests(range(250)))[1]
    assert (second.number, second.first, second.last, len(second.items)) == (2, 101, 200, 100)
    assert [(chunk.number, chunk.first, chunk.last) for chunk in chunks(second)] == [
        (1, 101, 125),
        (2, 126, 150),
        (3, 151, 175),
        (4, 176, 200),
    ]


def test_groups_hold_requests() -> None:
    found = list(groups(requests(range(45), 10), concurrency=2))
    assert [(group.number, [batch.number for batch in group.batches]) for group in found] == [
        (1, [1, 2]),
        (2, [3, 4]),
        (3, [5]),
    ]


@given(count=st.integers(0, 60), size=st.integers(1, 20), concurrency=st.integers(1, 5))
def test_nothing_is_lost_and_the_plan_holds(count: int, size: int, concurrency: int) -> None:
    batches: list[Batch[int]] = list(requests(range(count), size))
    assert list(chain.from_iterable(batch.items for batch in batches)) == list(range(count))
    assert all(len(batch.items) == size for batch in batches[:-1])
    assert plan(count, size, concurrency) == (count, len(batches), len(list(groups(batches, concurrency))))


def test_items_are_taken_only_when_needed() -> None:
    def endless() -> Iterator[int]:
        yield from range(3)
        raise AssertionError("read too far")

    assert next(requests(endless(), 3)).items == (0, 1, 2)


def test_a_batch_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        list(requests([1], 0))
