"""How items are put together into calls."""

from collections.abc import Sequence


def pack(sizes: Sequence[int], most_items: int, most_tokens: int) -> list[list[int]]:
    """Places of items, in order, in groups of at most `most_items` whose sizes (tokens) fit together.

    An item that is too large for any call gets a call of its own.
    """
    groups: list[list[int]] = []
    filled = most_tokens + 1
    for place, size in enumerate(sizes):
        if not groups or len(groups[-1]) >= most_items or filled + size > most_tokens:
            groups.append([])
            filled = 0
        groups[-1].append(place)
        filled += size
    return groups
