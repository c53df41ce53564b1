"""Words that may be right although a dictionary calls them misspelled: names, mentioned words, parts of terms."""

import re
from typing import Final

_BEGINS: Final = re.compile(r"(?:^|[.!?:…]|\n)[\s\"'“\u2018(*_#>-]*\Z")
_QUOTES: Final = frozenset(('""', "''", "“”", "\u2018\u2019", "«»", "„“"))
_CODE_BEFORE: Final = re.compile(r"[\w\]=<>|\\^~+&{};:/-]\Z")
_CODE_AFTER: Final = re.compile(r"[\w\[(=<>|\\^~+&{}/-]|[:;.,]\w")
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


def may_be_name(word: re.Match[str]) -> bool:
    """Whether it has a capital inside a sentence, unless every word of the line has one as in headings."""
    if not word.group().istitle() or begins_sentence(word.string, word.start()):
        return False
    start = word.string.rfind("\n", 0, word.start()) + 1
    line = word.string[start:].partition("\n")[0]
    words: list[str] = _CAPITALISED.findall(line)
    return 2 * sum(one[0].isupper() for one in words) <= len(words)
