"""Which rows of an input to take. Deterministic for a seed; what is taken stays in input order."""

import random
from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from itertools import islice
from typing import TypeVar

T = TypeVar("T")


class SampleMode(StrEnum):
    """How a sample is drawn."""

    RANDOM = "random"
    STRATIFIED = "stratified"


def choose(
    rows: Iterable[T], limit: int | None, mode: SampleMode | None, seed: int, name_of: Callable[[T], str]
) -> Iterator[T]:
    """The rows that --limit, --sample and --seed ask for. Without a limit: all of them, whatever the mode."""
    if limit is None:
        return iter(rows)
    if mode is SampleMode.RANDOM:
        return iter(sample_random(rows, limit, seed))
    if mode is SampleMode.STRATIFIED:
        return iter(sample_stratified(rows, limit, seed, name_of))
    return islice(rows, limit)


def sample_random(rows: Iterable[T], size: int, seed: int) -> list[T]:
    """`size` rows, each equally likely; reads the input once and holds no more than the sample."""
    source, pick = iter(rows), random.Random(seed)  # noqa: S311 (a sample, not a secret)
    kept = list(enumerate(islice(source, size)))
    for position, row in enumerate(source, start=len(kept)):
        place = pick.randrange(position + 1)
        if place < size:
            kept[place] = (position, row)
    return [row for _, row in sorted(kept, key=lambda entry: entry[0])]


def sample_stratified(rows: Iterable[T], size: int, seed: int, name_of: Callable[[T], str]) -> list[T]:
    """`size` rows taken from every name in turn: no name appears a second time before all have appeared once.

    The seed decides which row stands for a name, and which names are left out if there are more names than places.
    """
    everything = list(rows)
    pick = random.Random(seed)  # noqa: S311 (a sample, not a secret)
    strata: dict[str, list[int]] = {}
    for position, row in enumerate(everything):
        strata.setdefault(name_of(row), []).append(position)
    queues = list(strata.values())
    pick.shuffle(queues)
    for queue in queues:
        pick.shuffle(queue)
    return [everything[position] for position in sorted(islice(_in_turn(queues), size))]


def _in_turn(queues: list[list[int]]) -> Iterator[int]:
    while queues:
        for queue in queues:
            yield queue.pop()
        queues = [queue for queue in queues if queue]
