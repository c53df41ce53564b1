"""Words that may be right although a dictionary calls them misspelled: names, mentioned words, parts of terms."""

import re
from typing import Final

from services.correction.language import ENGLISH

_BEGINS: Final = re.compile(r"(?:^|[.!?:…]|\n)[\s\"'“\u2018(*_#>-]*\Z")
_QUOTES: Final = frozenset(('""', "''", "“”", "\u2018\u2019", "«»", "„“"))
_CODE_BEFORE: Final = re.compile(r"[\w\]=<>|\\^~+&{};:/-]\Z")
_CODE_AFTER: Final = re.compile(r"[\w\[(=<>|\\^~+&{}/-]|[:;.,]\w")
_CITES: Final = re.compile(r"\b(?:word|typo|(?:mis)?spelling):?[ \t]+\Z", re.IGNORECASE)
_NAMES: Final = re.compile(r"\b(?:called|named|grep)[ \t]+\Z", re.IGNORECASE)
_EXCHANGES: Final = re.compile(r"\b(?:renam|replac|chang|typo|(?:mis)?spel|occurrenc|instead)|[-=]>|→", re.IGNORECASE)
"""Where a misspelling and its correction are both told."""
_NEAR: Final = 60
"""Characters around a misspelling within which its correction is about the same."""
_CAPITALISED: Final = re.compile(r"\b[^\W\d_]{4,}")
"""Words that are capital in headings."""


def begins_sentence(text: str, at: int) -> bool:
    """Whether a sentence, or a line, may begin at this place."""
    return _BEGINS.search(text, max(0, at - 40), at) is not None


def stands_for_itself(word: re.Match[str]) -> bool:
    """Whether a word is no prose: it is only mentioned, or part of a term, or between signs of code, or a name."""
    text, start, end = word.string, word.start(), word.end()
    return (
        text[max(0, start - 1) : start] + text[end : end + 1] in _QUOTES
        or _CODE_BEFORE.search(text, max(0, start - 1), start) is not None
        or _CODE_AFTER.match(text, end) is not None
        or may_be_name(word)
    )


def is_mentioned(word: re.Match[str], right: str) -> bool:
    """Whether a text is about a misspelling: it stands behind what says so, or beside what is `right`."""
    text, start, end = word.string, word.start(), word.end()
    before, after = text[max(0, start - _NEAR) : start], text[end : end + _NEAR]
    cited = _CITES.search(before) is not None
    if cited or right in ENGLISH:
        return cited
    around = f"{before} {after}"
    exchanged = _EXCHANGES.search(around) and re.search(rf"\b{re.escape(right)}\b", around, re.IGNORECASE)
    named = _NAMES.search(before) is not None and not right.endswith("ly")  # called recursively
    return named or exchanged is not None


def may_be_name(word: re.Match[str]) -> bool:
    """Whether it has a capital inside a sentence, unless every word of the line has one as in headings."""
    if not word.group().istitle() or begins_sentence(word.string, word.start()):
        return False
    start = word.string.rfind("\n", 0, word.start()) + 1
    line = word.string[start:].partition("\n")[0]
    words: list[str] = _CAPITALISED.findall(line)
    return 2 * sum(one[0].isupper() for one in words) <= len(words)
