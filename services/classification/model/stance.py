"""Which way a text leans: the themes of its words, and their signs after what denies or undoes them."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Final, NamedTuple

from services.classification.model.themes import DENIALS, SIGN_OF_THEME, THEMES_OF_WORD, UNDOERS

_REACH: Final = 3
"""How far a denial reaches: the two words that follow it."""
_ENDINGS: Final = (("s", ""), ("ies", "y"), ("es", ""))
"""Plural endings, and what the singular has in their place."""
_LEANS: Final = {(False, False): "", (True, False): "+", (False, True): "-", (True, True): "+-"}


class Stance(NamedTuple):
    """What the words of a text say together."""

    themes: tuple[str, ...]
    """All themes, each once, in the order met; a denied one is written `not theme`."""
    lean: str
    """Signs met, after denials: `+`, `-`, `+-` or empty."""
    first: str
    """Sign of the first word that has one."""
    last: str
    """Sign of the last word that has one."""


class _Word(NamedTuple):
    themes: tuple[str, ...]
    signs: tuple[int, ...]
    denies: bool
    undoes: bool


def stance(words: Iterable[str]) -> Stance:
    """The stance of the words in their order."""
    themes: dict[str, None] = {}
    signs: list[int] = []
    denied = undone = 0
    for word in words:
        denied, undone = denied - 1, undone - 1
        if (found := _word(word)) is None:
            continue
        turned = (denied > 0) != (undone > 0)
        signs += [-sign for sign in found.signs] if turned else found.signs
        themes.update(dict.fromkeys(["not " + theme for theme in found.themes] if denied > 0 else found.themes))
        denied = _REACH if found.denies else denied
        undone = _REACH if found.undoes else undone
    if not signs:
        return Stance(tuple(themes), "", "", "")
    return Stance(tuple(themes), _LEANS[1 in signs, -1 in signs], _sign(signs[0]), _sign(signs[-1]))


@lru_cache(maxsize=16_384)
def _word(word: str) -> _Word | None:
    """What a word contributes; None if nothing."""
    themes = _themes(word)
    denies, undoes = word in DENIALS, word in UNDOERS
    if not (themes or denies or undoes):
        return None
    signs = (SIGN_OF_THEME[theme] for theme in themes)
    return _Word(themes, tuple(sign for sign in signs if sign), denies, undoes)


def _themes(word: str) -> tuple[str, ...]:
    """Themes of a word, of its singular, or of the parts of a compound."""
    if (found := THEMES_OF_WORD.get(word)) is not None:
        return found
    for ending, singular in _ENDINGS:
        if word.endswith(ending) and (found := THEMES_OF_WORD.get(word.removesuffix(ending) + singular)) is not None:
            return found
    parts = word.split("-")
    return tuple(theme for part in parts for theme in _themes(part)) if len(parts) > 1 else ()


def _sign(sign: int) -> str:
    return "+" if sign > 0 else "-"
