"""Corrections out of codespell's dictionary: misspellings that stand for one word only, and swapped letters.

The data file of the installed package is read; nothing of it is copied into the product.
"""

import re
from collections import Counter
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Final

from services.correction.edits import WORD, slips
from services.correction.language import ENGLISH
from services.correction.terms import is_mentioned, stands_for_itself

_DOUBLED: Final = re.compile(r"(?i)\b(the|an|and|of|be|or|we)(?:[ \t]+(?-i:(?=[a-z]))\1(?![\w-]))+")
"""Others stand twice where they should: what it is is clear, we log in in the morning, vitamin A a day."""
_VARIANT: Final = re.compile(r"e(?=(?:able|ability|ment)s?$)")
"""Useable and usable, judgement and judgment: both are right."""
_ENDING: Final = re.compile("(?:s|ed|ers?|ings?|ly)$")
_BRITISH: Final = "dictionary_en-GB_to_en-US"
_RARE: Final = ("dictionary_rare", "dictionary_names", "dictionary_code", _BRITISH)
_OURS: Final = {
    "alot": "a lot",
    "dont": "don't",
    "loged": "logged",
    "loging": "logging",
    "wraped": "wrapped",
    "wraping": "wrapping",
}
"""Where codespell knows more readings, or lists it apart."""
_RIGHT: Final = frozenset(("complies", "folx", "inout", "inouts", "mape", "welp"))
"""Words that are, or would be, taken for misspellings."""
_SHORT: Final = 3
"""Letters that stand for many things in technical texts: hda, ser, vor, wth."""
_LONG_ENOUGH: Final = 5
"""A word whose several readings are told apart by how near they are; short ones are near to everything."""
_LONG: Final = 8
"""A word whose letters hardly make another word in another order."""
_FAR_MORE_COMMON: Final = 3
"""So many times as many misspellings: words that are written often are misspelled in more ways."""


@cache
def misspellings() -> Mapping[str, str]:
    """Misspelling → the one word it stands for, in small letters."""
    listed = dict(_listed("dictionary"))
    known = Counter(word for readings in listed.values() for word in readings)
    found = {wrong: _reading(wrong, readings, known) for wrong, readings in listed.items() if wrong not in known}
    return {wrong: right for wrong, right in found.items() if right and _is_slip(wrong, right)} | _OURS


def _is_slip(wrong: str, right: str) -> bool:
    """Not another right spelling, nor what is said (workin) or may be the name of something (checkin, nam)."""
    if wrong in _RIGHT or right == f"{wrong}g":
        return False
    if len(wrong) <= _SHORT:
        return right in ENGLISH and sorted(wrong) == sorted(right)
    return _VARIANT.sub("", wrong) != right


def _listed(name: str) -> list[tuple[str, list[str]]]:
    text = files("codespell_lib").joinpath("data", f"{name}.txt").read_text(encoding="utf-8")
    entries = [line.strip().partition("->") for line in text.lower().splitlines() if "->" in line]
    return [(wrong, _readings(rest)) for wrong, _, rest in entries]


def _readings(text: str) -> list[str]:
    """`a, b, a reason not to choose`: what follows the last comma is no reading."""
    parts = [part.strip() for part in text.split(",")]
    return parts[:-1] if len(parts) > 1 else parts


def _reading(wrong: str, readings: list[str], known: Mapping[str, int]) -> str:
    """The one that is meant; empty if nobody knows. `known`: how often each word is misspelled, as far as listed."""
    if len(readings) == 1:
        return readings[0]
    if len(wrong) < _LONG_ENOUGH:
        return ""
    first, second, *_ = sorted(readings, key=lambda right: (slips(wrong, right), -known[right]))
    nearer = slips(wrong, first) < slips(wrong, second)
    times = 1 / _FAR_MORE_COMMON if nearer else _FAR_MORE_COMMON
    return first if known[first] >= times * known[second] else ""


@cache
def right_words() -> frozenset[str]:
    """Words that misspellings stand for."""
    return frozenset(misspellings().values())


@cache
def variants() -> Mapping[str, str]:
    """British spelling → American spelling."""
    return {british: readings[0] for british, readings in _listed(_BRITISH)}


@cache
def _rare_words() -> frozenset[str]:
    """Words that are right, though seldom meant: codespell lists them apart."""
    return _RIGHT.union(word for name in _RARE for word, _ in _listed(name))


def correct_words(text: str) -> str:
    """The text with listed misspellings and doubled small words put right. Blanks and signs stay as they are."""
    return _DOUBLED.sub(r"\1", WORD.sub(_corrected, text))


def _corrected(match: re.Match[str]) -> str:
    word = match.group()
    right = _right(word.lower().replace("\u2019", "'"))
    if right is None or stands_for_itself(match) or is_mentioned(match, right):
        return word
    if word.isupper():
        return right.upper()
    return right if word.islower() else right[0].upper() + right[1:] if word.istitle() else word


def _right(word: str) -> str | None:
    """What a word stands for: as listed, or the one long word that it becomes if two letters change places."""
    listed, stem = misspellings().get(word), _ENDING.sub("", word)
    if listed or len(word) < _LONG or not word.isalpha():
        return listed
    if {word, stem} & right_words() or word in _rare_words():
        return None
    swapped = (word[:at] + word[at + 1] + word[at] + word[at + 2 :] for at in range(len(word) - 1))
    found = {one for one in swapped if one in right_words()}
    return found.pop() if len(found) == 1 else None
