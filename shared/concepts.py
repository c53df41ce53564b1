"""Items that say nearly the same: one pipeline knows what an item says, another which names are alike.

Both are found by entry point, so that a pipeline can have one item decided for many and know nothing of the other.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from importlib.metadata import entry_points
from typing import Any, NamedTuple

from schemas.base import Contract
from shared.errors import UsageError

GROUPERS, CONCEPTS = "sluice.groupers", "sluice.concepts"


class Concept(NamedTuple):
    """What an item is about."""

    name: str
    kind: tuple[str, ...]
    """Items of different kinds are never the same."""
    told: int
    """How much the item tells: of nearly identical ones the one that tells most stands for all."""


Grouper = Callable[[Sequence[str]], Sequence[int]]
"""Names → a number for each, the same for those that are nearly identical."""

Describe = Callable[[Contract], Concept]


def grouper() -> Grouper:
    """Who knows which names are alike. Raises UsageError if nobody does."""
    found: Grouper = _loaded(GROUPERS, "dedupe", "Install the extra `dedupe`.")
    return found


def describer(pipeline: str) -> Describe:
    """What the items of a pipeline are about. Raises UsageError if it does not say."""
    found: Describe = _loaded(CONCEPTS, pipeline, "name another pipeline")
    return found


def stand_ins(concepts: Sequence[Concept], group: Grouper) -> list[int]:
    """For each item the place of the one that stands for it, its own if that is the item itself."""
    kinds: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for place, concept in enumerate(concepts):
        kinds[concept.kind].append(place)
    found = list(range(len(concepts)))
    for places in kinds.values():
        numbers = group([concepts[place].name for place in places])
        fullest: dict[int, int] = {}
        for number, place in sorted(
            zip(numbers, places, strict=True), key=lambda pair: (-concepts[pair[1]].told, pair[1])
        ):
            found[place] = fullest.setdefault(number, place)
    return found


def _loaded(group: str, name: str, remedy: str) -> Any:
    for point in entry_points(group=group, name=name):
        try:
            return point.load()
        except ModuleNotFoundError as error:
            raise UsageError(f"the packages of {name} are not installed: {error}", remedy=remedy) from None
    raise UsageError(f"nothing named {name!r} is registered as {group}", remedy=remedy)
