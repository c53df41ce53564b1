"""How one name is read: folded, split into core and legal form, with the other names that it mentions."""

import re
import unicodedata
from collections.abc import Iterator
from functools import cached_property
from typing import NamedTuple

from services.deduplication.names.scripts import LATIN
from services.deduplication.rules import Names

NO_SUFFIX = "NONE"

ARTICLE = "the"

BRANCH, NUMBER = _SIGNS = ("|", "#")  # tokens of their own until branches are cut off
PLACE_WORDS = 3

_SYMBOLS = str.maketrans(
    {
        **dict.fromkeys('/-,.;:_()[]{}"“”!?*\\|~^=<>\u2013\u2014\u2026\u00b7$%', " "),
        **dict.fromkeys("'\u2019\u2018`\u00b4\u00ae\u2122\u00a9", ""),
        "&": " and ",
        "@": " at ",
        "+": " plus ",
        "#": " # ",
        "ß": "ss",
        "ø": "o",
        "æ": "ae",
        "œ": "oe",
        "ł": "l",
        "đ": "d",
        "ð": "d",
        "þ": "th",
        "\u0131": "i",
    }
)
_NEVER_FIRST = (ARTICLE, "and", "of")
_INITIALS = re.compile(
    r"(?<![^\W_])(?:(?:[^\W\d_]\.)+[^\W\d_](?![^\W_]|\.)|(?:[^\W\d_]\.\s?){2,}(?![^\W_]{2})|(?:[^\W\d_]\.){2,})"
)
_SPACED_DASH = re.compile(r" [-\u2013\u2014]+ ")
_MARKER = re.compile(r"\(\d{1,2}\)")
_NUMBERING = re.compile(r"\(\d{1,2}\)|^\s*\d{1,2}[.)]\s")
_LEADING_MARKER = re.compile(r"^\s*(?:\(\d+\)\s*)+")
_PARENTHESES = re.compile(r"\(([^()]*)\)")
_TRADING_AS = re.compile(
    r"\s(?:d\.?\s?b\.?\s?a\.?|d/b/a|doing business as|trading as|a/k/a|f/k/a|aka|fka)[:\s]\s*", re.IGNORECASE
)
_CAPITALISED = re.compile(r"(?<![^\W_])[^\W\d_a-zß-ÿ][^\W_]*")
_DIGITS = re.compile(r"\d+")
_PUNCTUATION = re.compile(r"[/\-,.;:_&@+'()#]")


def fold(text: str) -> str:
    """Lower case without accents, Latin where it can be: Café is cafe, not caf, and Газпром is gazprom."""
    lower = text.casefold()
    if lower.isascii():
        return lower
    bare = "".join(c for c in unicodedata.normalize("NFKD", lower) if not _is_accent(c))
    return unicodedata.normalize("NFC", bare.casefold()).translate(LATIN)


def _is_accent(character: str) -> bool:
    """Whether it may be left out: an accent, or a vowel of Hebrew or Arabic, but not what makes another letter."""
    combining = unicodedata.combining(character)
    return 10 <= combining <= 36 or combining > 199  # the classes of Unicode


def words(text: str) -> list[str]:
    """Words of a text: folded, symbols spelled out or blank, dotted initials joined (L.L.C. is llc)."""
    folded = fold(text)
    if "." in folded:
        folded = _INITIALS.sub(lambda match: match[0].replace(".", "").replace(" ", "") + " ", folded)
    return folded.translate(_SYMBOLS).split()


def singular(token: str) -> str:
    """The token without an ending of the plural, the same for both numbers: prairie is prairy, as prairies must be."""
    if len(token) < 4 or not token.isalpha():
        return token
    if token[-1] == "s" and (token[-2] != "s" or token[-3] == "s"):
        token = token[:-1]
    return f"{token[:-2]}y" if token.endswith("ie") and len(token) > 3 else token


class Alias(NamedTuple):
    """Another name that a name mentions, and where."""

    text: str
    source: str


class Reading(NamedTuple):
    """A name as the system understands it."""

    base: str
    core: str  # without legal form, in the order given
    suffix_class: str
    form: str  # what is compared: names of one form and legal form are the same name
    joined: str  # the form's words as given, without spaces
    numbers: str
    marks: str  # punctuation, where it counts
    has_parentheses: bool
    has_semicolon: bool
    has_multiple_names: bool
    aliases: tuple[Alias, ...]

    @property
    def has_suffix(self) -> bool:
        """Whether the name says its legal form."""
        return self.suffix_class != NO_SUFFIX


class NameReader:
    """Reads names by one set of rules."""

    def __init__(self, names: Names, *, marks: bool = False) -> None:
        self._names = names
        self._marks = marks
        self._weak = frozenset(names.weak_tokens)
        self._stems: dict[str, str] = {}

    @cached_property
    def _suffixes(self) -> dict[str, list[tuple[list[str], str]]]:
        """By last word: the words of each spelling of a legal form and its class, the longest first."""
        found: dict[str, list[tuple[list[str], str]]] = {}
        for suffix_class, spellings in self._names.suffix_classes.items():
            for spelling in (*spellings, *(" ".join(s) for s in spellings if len(s) <= 4 and s.isalpha())):
                tokens = spelling.split()
                found.setdefault(tokens[-1], []).append((tokens, suffix_class))
        return {last: sorted(forms, key=lambda form: -len(form[0])) for last, forms in found.items()}

    @cached_property
    def _not_an_alias(self) -> re.Pattern[str]:
        any_of = "|".join(map(re.escape, self._names.no_alias_words)) or r"(?!)"
        return re.compile(rf"\b(?:{any_of})\b")

    def read(self, raw: str) -> Reading:
        """The reading of a name."""
        text = _LEADING_MARKER.sub("", raw) if raw.startswith("(") else raw
        trading = _TRADING_AS.search(text)
        base = words(text)
        tokens, suffix_class = self._split_suffix(base if self._names.whole else self._main_words(text, base, trading))
        compared = self._without_branch(tokens)
        if suffix_class == NO_SUFFIX and compared is not tokens:
            compared, suffix_class = self._split_suffix(compared)
        stems = self._stemmed([token for token in compared if token not in _SIGNS])
        form = " ".join(sorted(stems) if self._names.sorted_tokens else stems)
        return Reading(
            base=" ".join([token for token in base if token != NUMBER]),
            core=" ".join([token for token in tokens if token not in _SIGNS]),
            suffix_class=suffix_class,
            form=form,
            joined=self._joined(compared),
            numbers="".join(sorted(_DIGITS.findall(form))),
            marks="".join(sorted(set(_PUNCTUATION.findall(text)))) if self._marks else "",
            has_parentheses="(" in raw,
            has_semicolon=";" in raw,
            has_multiple_names=self._holds_several(raw, text),
            aliases=tuple(self._aliases(raw, text, trading)) if trading or ";" in raw or "(" in text else (),
        )

    @staticmethod
    def _main_words(text: str, base: list[str], trading: re.Match[str] | None) -> list[str]:
        """Words of the name itself, without what is in parentheses or behind "doing business as"."""
        dashed = _SPACED_DASH.search(text)
        if trading is None and dashed is None and "(" not in text:
            return base
        if trading and trading.start() > 0:
            text = text[: trading.start()]
        if "(" in text:
            text = _PARENTHESES.sub(" ", text).strip() or text
        head, *tail = _SPACED_DASH.split(text)
        return [*words(head), *(token for part in tail for token in (BRANCH, *words(part)))] or base

    def _split_suffix(self, tokens: list[str]) -> tuple[list[str], str]:
        """Cut the longest legal form off the end, if something is left before it."""
        if tokens:
            for spelling, suffix_class in self._suffixes.get(tokens[-1], ()):
                size = len(spelling)
                if len(tokens) > size and tokens[-size:] == spelling:
                    return tokens[:-size], suffix_class
        return tokens, NO_SUFFIX

    def _without_branch(self, tokens: list[str]) -> list[str]:
        """Cut off which branch it is: a place behind a dash, a number behind # or the word store.

        Other numbers are part of a name: Local 630 is not Local 848.
        """
        if self._names.whole:
            return tokens
        tokens = self._without_number(tokens)
        dash = tokens.index(BRANCH) if BRANCH in tokens else 0
        return self._without_number(tokens[:dash]) if dash and self._may_be_place(tokens[dash:]) else tokens

    def _without_number(self, tokens: list[str]) -> list[str]:
        if len(tokens) > 2 and tokens[-1].isdigit() and tokens[-2] in (NUMBER, *self._names.branch_words):
            signed, tokens = tokens[-2] == NUMBER, tokens[:-2]
            if signed and len(tokens) > 1 and tokens[-1] in self._names.branch_words:
                tokens = tokens[:-1]
        return tokens

    def _may_be_place(self, tokens: list[str]) -> bool:
        """Whether words are few enough for a place, and none is a number, a small word, or what companies do."""
        found = [token for token in tokens if token not in _SIGNS]
        return len(found) <= PLACE_WORDS and not any(
            token.isdigit() or token in self._weak or self._stem(token) in self._names.trades for token in found
        )

    @staticmethod
    def _joined(tokens: list[str]) -> str:
        """What is compared as it is given, without spaces; an article before it does not count."""
        return "".join([token for token in tokens[tokens[:1] == [ARTICLE] :] if token not in _SIGNS])

    def _stemmed(self, tokens: list[str]) -> list[str]:
        if self._names.sorted_tokens:
            tokens = self._telling(tokens) or tokens
        return [self._stems.get(token) or self._stem(token) for token in tokens]

    def _telling(self, tokens: list[str]) -> list[str]:
        """Words that are not weak. Those that a name can begin with are not weak there: AT Dental, In Motion."""
        begins = slice(0, int(tokens[0] not in _NEVER_FIRST)) if tokens else slice(0)
        return [*tokens[begins], *(token for token in tokens[begins.stop :] if token not in self._weak)]

    def _stem(self, token: str) -> str:
        stem = singular(token) if self._names.singular else token
        self._stems[token] = found = self._names.terms.get(token) or self._names.terms.get(stem, stem)
        return found

    def _aliases(self, raw: str, text: str, trading: re.Match[str] | None) -> Iterator[Alias]:
        segments = [_NUMBERING.sub("", segment).strip() for segment in raw.split(";")]
        if len(segments) > 1:
            yield from (Alias(segment, "semicolon") for segment in segments if segment)
        for content in _PARENTHESES.findall(text):
            if self._names_somebody(content):
                yield Alias(content.strip(), "parentheses")
        if trading and (behind := text[trading.end() :].strip(" ()")):
            yield Alias(behind, "dba")

    def _names_somebody(self, content: str) -> bool:
        tokens = words(content)
        if not tokens or "".join(tokens).isdigit() or self._not_an_alias.search(" ".join(tokens)):
            return False
        return len(_CAPITALISED.findall(content)) > 1 or any(token in self._suffix_words for token in tokens)

    @cached_property
    def _suffix_words(self) -> frozenset[str]:
        return frozenset(s for spellings in self._names.suffix_classes.values() for s in spellings if " " not in s)

    def _holds_several(self, raw: str, text: str) -> bool:
        """Whether the text lists names. Partners joined by "and" are one firm, and a colon alone separates nothing."""
        if ";" in raw and len([segment for segment in raw.split(";") if segment.strip()]) > 1:
            return True
        if "(" in raw and _MARKER.search(raw):
            return True
        if ":" in text:
            return all(self._split_suffix(words(side))[1] != NO_SUFFIX for side in text.split(":"))
        return raw.startswith("1. ")
