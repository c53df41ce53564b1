"""Where the records come from, as far as a worker steers it."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from shared.runtime.envelope import Record


class Input(Protocol):
    """The consumer, as far as a worker steers it. Offsets are of the next record to read."""

    async def commit(self, offsets: Mapping[tuple[str, int], int]) -> bool:
        """Store the offsets; False when the group refused them (the records will come again)."""
        ...

    def rewind(self, offsets: Mapping[tuple[str, int], int]) -> None:
        """Read again from the offsets."""
        ...

    def hold(self, partition: tuple[str, int], offset: int, seconds: float) -> None:
        """Read the partition again from `offset`, but not within the next `seconds`."""
        ...


def next_offsets(records: Sequence[Record]) -> dict[tuple[str, int], int]:
    """What to commit once the records are done."""
    return {(record.topic, record.partition): record.offset + 1 for record in records}


def first_offsets(records: Sequence[Record]) -> dict[tuple[str, int], int]:
    """Where to read again if they are not."""
    return {(record.topic, record.partition): record.offset for record in reversed(records)}
