"""Names that are nearly identical, for pipelines that decide once for all of them.

Stricter than duplicates of companies: a word more, less, or spelt otherwise may be another thing (imports and exports
are two letters apart), and so is what stands in parentheses. Only case, accents, punctuation, the order of words,
singular and plural, and the smallest words may differ.
"""

from collections.abc import Sequence

from services.deduplication.names.name import singular, words

SMALL = frozenset(("a", "an", "and", "of", "the"))
_SIGNS = str.maketrans({"%": " percent ", "$": " dollar "})  # these say something here


def group_names(names: Sequence[str]) -> list[int]:
    """A number for each name, the same for those that are nearly identical."""
    numbers: dict[tuple[str, ...], int] = {}
    return [numbers.setdefault(_key(name), len(numbers)) for name in names]


def _key(name: str) -> tuple[str, ...]:
    found = words(name.translate(_SIGNS))
    return tuple(sorted(singular(word) for word in found if word not in SMALL)) or tuple(found) or (name,)
