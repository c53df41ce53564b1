"""A unit string as words: what is measured, per what, at which scale, in which money (classification spec 2.3).

Works on tokens, never on substrings, so that "AMT" holds no "mt" and "Whole number" no "wh".
"""

import re
from typing import Final, NamedTuple

from schemas.enums import ReportingFrequency
from services.classification.rules import lexicon, scales
from services.classification.rules.currencies import (
    CODES,
    SYMBOLS,
    WORD_CODES,
    named_at,
)

_TOKEN: Final = re.compile(
    r"[A-Za-z]{1,3}\$|[Uu]\.[Ss]\.?(?![A-Za-z])|km2|[mM][23]\b|[Cc][Oo]2e?|°[CcFf]|[^\W\d_]+|\d+(?:[.,]\d+)*"
    r"|[%$€£¥₹₩₽/=,;:()]"
)
_SPELLING: Final = {"u.s.": "us", "u.s": "us", "us$": "$", "usd$": "$"}
_DOLLARS: Final = {"a$": "AUD", "c$": "CAD", "hk$": "HKD", "nz$": "NZD", "r$": "BRL", "s$": "SGD", "nt$": "TWD"}
_CLAUSE_END: Final = frozenset(",;:()")
_CODE_LENGTH: Final = 3
_BESIDE_CODE: Final = frozenset(scales.WORDS) | frozenset(
    ("m", "bn", "in", "of", "current", "constant", "nominal", "real", "prices", "at", "=", "per", "saar", "100")
)
_PREFERENCE: Final = {"code": 0, "national": 1, "international": 2, "name": 3, "symbol": 4}


class Money(NamedTuple):
    """Money in a unit: `kind` is code, name, symbol, national or international."""

    code: str | None
    kind: str


class UnitText(NamedTuple):
    """`words`: all tokens, lower case; `head`: those outside of "per ..." clauses; `per`: the clauses' words."""

    words: list[str]
    head: list[str]
    per: list[list[str]]
    money: Money | None
    factor: float | None
    time_unit: ReportingFrequency | None


def read(text: str) -> UnitText:
    """Take a unit string apart; any text is accepted, an empty one gives empty parts."""
    raw = _TOKEN.findall(text)
    words = [_SPELLING.get(word, word) for word in map(str.lower, raw)]
    head, per, at_head = _clauses(words)
    scale_clauses = [clause for clause in per if _is_scale_clause(clause)]
    per = [clause for clause in per if clause not in scale_clauses]
    money = _money(raw, words, head, at_head)
    factor = _factor(head, scale_clauses, money is not None)
    return UnitText(words, head, per, money, factor, _time_unit(words, per))


def _clauses(words: list[str]) -> tuple[list[str], list[list[str]], list[int]]:
    """Split at "per" and "/"; a clause ends at punctuation. Also gives the positions of the head's words."""
    head: list[str] = []
    per: list[list[str]] = []
    at_head: list[int] = []
    inside = False
    for position, word in enumerate(words):
        if word == "/" or (word == "per" and _opens_clause(words, position)):
            per.append([])
            inside = True
        elif word in _CLAUSE_END:
            inside = False
        elif inside:
            per[-1].append(word)
        else:
            head.append(word)
            at_head.append(position)
    return head, per, at_head


def _opens_clause(words: list[str], position: int) -> bool:
    """Whether a "per" divides: that of "per cent" and "as per" does not."""
    return words[position + 1 : position + 2] != ["cent"] and (position == 0 or words[position - 1] != "as")


def _is_scale_clause(clause: list[str]) -> bool:
    """Whether a clause holds nothing but a scale: the "1K" of BBL/D/1K, the "1Million" of BBL/1Million."""
    return len(clause) > 1 and all(word in scales.WORDS or word.isdecimal() for word in clause)


def _factor(head: list[str], scale_clauses: list[list[str]], money: bool) -> float | None:
    words = [*head]
    for clause in scale_clauses:
        words += ["|", *clause]
    factor = scales.factor_in(words, money=money)
    if factor is None and len(head) > 1:
        factor = scales.number_factor(head[0])
    return factor


def _time_unit(words: list[str], per: list[list[str]]) -> ReportingFrequency | None:
    for clause in per:
        if clause and clause[0] in lexicon.TIME_SPANS:
            return lexicon.TIME_SPANS[clause[0]]
    for position, word in enumerate(words):
        if word in lexicon.ADVERBS and _beside_change(words, position):
            return lexicon.TIME_SPANS[word]
    return None


def _beside_change(words: list[str], position: int) -> bool:
    beside = words[max(position - 1, 0) : position] + words[position + 1 : position + 2]
    return not beside or any(word in lexicon.PERCENT or word in ("change", "growth") for word in beside)


def _money(raw: list[str], words: list[str], head: list[str], at_head: list[int]) -> Money | None:
    """The money of the head. A code outranks a name, a name a bare "$"; national units outrank what they convert to."""
    found: list[Money] = []
    taken = -1
    for position in at_head:
        if position <= taken:
            continue
        money, length = _money_at(raw, words, head, position)
        if money is not None:
            taken = position + length - 1
            found.append(money)
    if not found:
        return None
    best = min(found, key=lambda money: _PREFERENCE[money.kind])
    if best.kind in ("symbol", "name") and best.code == "USD" and "ppp" in words and "us" not in words:
        return Money(None, "international")
    return best


def _money_at(raw: list[str], words: list[str], head: list[str], position: int) -> tuple[Money | None, int]:
    word = words[position]
    written = raw[position]
    if word[-1] == "s" and len(word) == _CODE_LENGTH + 1 and written[:-1].isupper():
        written = written[:-1]
    if len(written) == _CODE_LENGTH and (code := _code(written, head)):
        return Money(code, "code"), 1
    if word in _DOLLARS:
        return Money(_DOLLARS[word], "symbol"), 1
    if mention := named_at(words, position):
        return Money(mention.code, mention.kind), mention.length
    return (Money(SYMBOLS[word], "symbol"), 1) if word in SYMBOLS else (None, 1)


def _code(written: str, head: list[str]) -> str | None:
    """The code a three-letter token stands for. Small letters are read as a code only where no word looks like it."""
    code = written.upper()
    if code not in WORD_CODES:
        return code if code in CODES else None
    others = [word for word in head if word != code.lower()]
    return code if written == code and all(_may_stand_beside(word) for word in others) else None


def _may_stand_beside(word: str) -> bool:
    """Scales, prices and years; no small number, or "TOP 10" would be money."""
    return word in _BESIDE_CODE or (word.isdecimal() and len(word) > _CODE_LENGTH)
