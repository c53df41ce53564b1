"""What a step of deduplication is: a pure function from tables to tables, run once for each of its parts."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import pyarrow as pa

from services.deduplication.rules import Rules

Tables = Mapping[str, pa.Table]
"""Artifacts by name."""

Produced = Mapping[str, pa.Table | Sequence[pa.Table]]
"""Artifacts by name: one table, or one for each part of the step that reads it."""


class Reads(StrEnum):
    """Which parts of an artifact one part of a step reads."""

    SAME = "same"  # the part with its own number
    ALL = "all"  # every part, concatenated in part order
    ROUTED = "routed"  # what every part made for its number, concatenated in part order


class Parts(StrEnum):
    """Into how many parts a step is divided."""

    PER_INPUT = "per_input"  # as many as the input has slices
    PER_RUN = "per_run"  # as many as the run has shards
    SINGLE = "single"


@dataclass(frozen=True)
class Part:
    """One part of a step. What is routed to a step has as many tables as that step has parts."""

    number: int
    inputs: int  # slices of the input
    shards: int  # parts of each step that is divided per run


Work = Callable[[Tables, Part, Rules], Produced]
"""Same tables, part and rules: same tables out, whatever the number of threads."""


@dataclass(frozen=True)
class Step:
    """A step of the plan. It starts when all parts of every step that it reads from are done."""

    name: str
    work: Work
    parts: Parts
    reads: Mapping[str, Reads]
    makes: tuple[str, ...]

    def count(self, inputs: int, shards: int) -> int:
        """Number of its parts in a run."""
        return {Parts.PER_INPUT: inputs, Parts.PER_RUN: shards, Parts.SINGLE: 1}[self.parts]
