"""Names as words, and the phrases that rules look for in them. Whole words only: "rate" is not in "corporate"."""

import re
from functools import lru_cache
from typing import NamedTuple, Self

_WORD = re.compile(r"[^\W_]+(?:'[a-z])?|%|\$")


class Name(NamedTuple):
    """`text`: the lower-case words between single spaces, with one at either end; `words`: the same as a set."""

    text: str
    words: frozenset[str]


@lru_cache(maxsize=8_192)
def read_name(name: str) -> Name:
    """A name as words, remembered: every rule reads it again."""
    return split_words(name)


def split_words(text: str) -> Name:
    """Any text as words; punctuation is dropped, "%" and "$" are words."""
    words = _WORD.findall(text.lower())
    return Name(f" {' '.join(words)} ", frozenset(words))


def word_set(text: str) -> frozenset[str]:
    """The words of a table written as text, separated by white space."""
    return frozenset(text.split())


class Phrases:
    """Alternatives written "growth|inflation|balance of trade": single words are looked up, phrases searched."""

    __slots__ = ("_phrases", "_words")

    def __init__(self, alternatives: str) -> None:
        """`alternatives`: lower case, separated by "|"; line breaks and spaces around them do not count."""
        split = [" ".join(item.split()) for item in alternatives.split("|")]
        self._words = frozenset(item for item in split if " " not in item and item)
        self._phrases = tuple(f" {item} " for item in split if " " in item)

    def __or__(self, other: Self) -> "Phrases":
        """Either set of alternatives."""
        return Phrases("|".join([*self._words, *self._phrases, *other._words, *other._phrases]))

    def found(self, name: Name) -> bool:
        """Whether any of the alternatives is in the name."""
        if not self._words.isdisjoint(name.words):
            return True
        text = name.text
        return any(phrase in text for phrase in self._phrases)
