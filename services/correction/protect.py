"""What of a text must come back byte for byte: code, paths, numbers, names of things, whatever is no prose.

Better too much than too little: what is protected is not corrected, which harms nobody.
"""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final, NamedTuple


class Span(NamedTuple):
    """A part of a text, as in `text[start:end]`."""

    start: int
    end: int


_COMMANDS: Final = (
    "apt|apt-get|awk|bash|brew|bun|cargo|cat|cd|chmod|chown|cmake|composer|conda|cp|curl|dig|docker|docker-compose|dotnet|"
    "echo|export|find|gcc|gh|git|go|gradle|grep|helm|java|jq|kill|kubectl|ls|make|mkdir|mv|mvn|node|npm|npx|pip|pip3|"
    "pnpm|poetry|psql|pytest|python|python3|rm|rsync|ruff|rustc|scp|sed|sh|source|ssh|sudo|tar|terraform|touch|uv|wget|"
    "yarn"
)
_ERROR_WORDS: Final = (
    r"error|exception|fail(?:ed|ure)?|fatal|cannot|can't|could not|couldn't|not found|undefined|denied|refused|invalid|"
    r"unexpected|missing|no such|unable|traceback|warning|panic|segmentation"
)
_QUOTED: Final = "{0,300}"
"""Characters of a quoted error on both sides of what tells that it is one; without an end, marks that are never closed
would be looked at as often as there are letters behind them."""
_RAISED: Final = "(?:Error|Exception|Warning|Exit|Interrupt)"
_FILE_ENDINGS: Final = (
    "c|cc|cfg|conf|cpp|cs|css|csv|db|dll|doc|docx|env|exe|gif|go|gz|h|hpp|html?|ini|ipynb|jar|java|jpe?g|js|json|jsonl|"
    "jsx|kt|lock|log|lua|md|mjs|pdf|php|pl|png|proto|ps1|py|pyi|r|rb|rs|rst|scss|sh|so|sql|svg|swift|tar|tex|tf|toml|"
    "ts|tsv|tsx|txt|vue|whl|xlsx?|xml|ya?ml|zip"
)

_LINES: Final = (
    r"^[ \t]*(?:\$|%|>>>|\.\.\.|PS[^\n>]*>|C:\\[^\n>]*>)[ \t]\S[^\n]*$",  # after a prompt
    rf"^[ \t]*(?:{_COMMANDS})[ \t][^\n]*(?:[ \t]--?\w|\||&&|>|\\$)[^\n]*$",  # a command with flags or pipes
    rf"^[ \t]*(?:{_COMMANDS})(?:[ \t]+[a-z0-9][\w./@:=-]*){{1,3}}[ \t]*$",  # a short one without
    rf"^Traceback \(most recent call last\):[^\n]*(?:\n[ \t]+[^\n]*)*(?:\n\w[\w.]*{_RAISED}\b[^\n]*)?",
    r'^[ \t]*File "[^"\n]*", line \d+[^\n]*(?:\n[ \t]{4}[^\n]*)?',
    r"^[ \t]+at [\w.$<>/ ]+\([^\n]*\)[ \t]*$",
    r"^(?:Exception in thread|Caused by:)[^\n]*$",
    r"^[ \t]*\w[\w.]*(?:Error|Exception|Warning)(?::[^\n]*)?$",
    r"^[ \t]*(?:error|warning|fatal|panic|ERROR|WARN|WARNING|FATAL|INFO|DEBUG)(?:\[\w+\])?[: ]*:[^\n]*$",
    r"^[ \t]*\d{4}-\d\d-\d\d[T ]\d\d:\d\d[^\n]*$",  # a line of a log
    r"^(?:diff --git|index [0-9a-f]+\.\.|@@ )[^\n]*$",
    r"^[ \t]*\[[^\]\n]+\]:[ \t]*\S[^\n]*$",  # where a Markdown reference leads
    r"^[ \t]*\.\.[ \t]+[\w-]+::[^\n]*$",  # a directive of reStructuredText
    r"^[ \t]*:[\w -]+:(?=\s)",
)
_INDENTED: Final = r"(?:(?: {4}|\t)[ \t]*(?![-*+][ ]|\d+[.)][ ])\S[^\n]*(?:\n|\Z))"
_BLOCKS: Final = (
    r"^[ \t]*(?P<fence>```+|~~~+)[^\n]*(?:\n(?:[^\n]*\n)*?[ \t]*(?P=fence)[`~]*[ \t]*$|[\s\S]*\Z)",
    r"```[\s\S]*?(?:```|\Z)",  # a fence in the middle of a line
    rf"(?<=\n)[ \t]*\n{_INDENTED}+|\A{_INDENTED}{{2,}}",  # indented after a blank line
    r"<(?P<tag>pre|code|script|style|kbd|samp)\b[^<>]{0,200}>[\s\S]*?(?:</(?P=tag)>|\Z)",
    r"(?P<ticks>`+)(?!`)[^\n]*?(?:\n[^\n]+?)??(?<!`)(?P=ticks)(?!`)",
    r"\$\$[\s\S]+?\$\$",
)
_TOKENS: Final = (
    ("⟦", r"⟦[^⟦⟧\n]*⟧"),  # what looks like a marker of ours
    ("<&", r"<!--[\s\S]*?(?:-->|\Z)|</?[A-Za-z][^<>\n]*>|&#?\w+;"),
    ("]", r"(?<=\])\([^)\n]{0,1000}\)|(?<=\])\[[^\]\n]*\]"),  # the target of a Markdown link
    (":.", r"\b[A-Za-z][\w+.-]{0,30}://[^\s<>\"'`]+|\bwww\.[^\s<>\"'`]+|\bmailto:\S+"),
    ("@", r"(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+"),
    ("{%$", r"\{\{[^}\n]{0,200}\}\}|\$?\{[\w.:!-]*\}|%\([\w.]+\)[sdifr]|%[sdifr]\b|\$\w+|%\w+%"),
    (
        '"“',
        rf"\"[^\"\n]{_QUOTED}\b(?:{_ERROR_WORDS})\b[^\"\n]{_QUOTED}\"|“[^”\n]{_QUOTED}\b(?:{_ERROR_WORDS})\b[^”\n]{_QUOTED}”",
    ),
    ("'", rf"(?<!\w)'[^'\n]{_QUOTED}\b(?:{_ERROR_WORDS})\b[^'\n]{_QUOTED}'(?!\w)"),
    ("\\", r"(?<![\w/])[A-Za-z]:\\[^\s\"'`]*|\\\\\w[^\s\"'`]*"),
    ("/", r"(?<![\w/.])(?:~|\.{1,2})?/[\w.@%+=-]+(?:/[\w.@%+=*-]+)*/?"),
    ("/", r"(?<![\w./@-])[\w.@-]+(?:/[\w.@*-]+){2,}/?|(?<![\w./@-])[\w.@-]+/(?=\s|$|[,.;:)])"),
    ("/", rf"(?<![\w./@-])[\w.@-]+/[\w.@/-]*\.(?:{_FILE_ENDINGS})\b"),
    (".", rf"(?<![\w.-])\.?[\w-]+(?:\.[\w-]+)*\.(?:{_FILE_ENDINGS})\b|(?<![\w.])\.[A-Za-z]\w*\b"),
    ("-", r"(?<![\w-])--?[A-Za-z][\w-]*(?:=[^\s,;]+)?"),
    ("@#", r"[@#][\w/-]*\w"),
    (":", r"(?<![\w:]):[a-z0-9_+-]+:(?!\w)"),
    ("(", r"(?<!\w)(?<!\w\.)\w+(?:\.\w+)*\([^()\n]{0,80}\)"),
    (".:>", r"(?<![\w.])[A-Za-z_]\w*(?:(?:\.|::|->)[A-Za-z_]\w*)+\b"),
    ("_", r"\b\w*_\w*\b"),
    ("", r"\b[a-z]+[A-Z]\w*\b|\b[A-Z][a-z0-9]+[A-Z]\w*\b"),
    ("", r"\b[A-Z]{2,6}s?\b"),  # longer ones are shouted words, unless they have digits or underscores
    ("-", r"\b[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\b"),
    ("0123456789", r"(?:(?<!\w)[-+\u2212\u00b1])?\.?(?:[#$€£]|\b)\w*\d(?:[\w.,:/+-]*\w)?%?"),
    ("", r"[\U0001F000-\U0001FAFF\u2600-\u27BF\u2B50\u200D\uFE0F\U000E0020-\U000E007F]+"),
)
"""Signs of which a text has one at least, or the pattern need not be tried; and the pattern."""


class _Rule(NamedTuple):
    needs: frozenset[str]
    pattern: re.Pattern[str]


def _rules(rules: Iterable[tuple[str, str]]) -> tuple[_Rule, ...]:
    return tuple(_Rule(frozenset(needs), re.compile(pattern, re.MULTILINE)) for needs, pattern in rules)


_CODE: Final = _rules(("", pattern) for pattern in (*_BLOCKS[:4], *_LINES[3:8]))
_RULES: Final = (*_rules(("", pattern) for pattern in (*_BLOCKS, *_LINES)), *_rules(_TOKENS))


def protected_spans(text: str) -> list[Span]:
    """Everything that must not change, in order, without overlaps."""
    return list(_protected(text))


@lru_cache(maxsize=1_024)
def _protected(text: str) -> tuple[Span, ...]:
    """Kept for a moment: what hinders a correction is asked of a text, what to hide, and whether all came back."""
    return tuple(_found(_RULES, text))


def code_spans(text: str) -> list[Span]:
    """Blocks of code and traces: where blanks have a meaning."""
    return _found(_CODE, text)


def _found(rules: Sequence[_Rule], text: str) -> list[Span]:
    signs = frozenset(text)
    tried = (rule.pattern for rule in rules if not rule.needs or rule.needs & signs)
    return merged(Span(*match.span()) for pattern in tried for match in pattern.finditer(text))


def merged(spans: Iterable[Span]) -> list[Span]:
    """The spans in order; those that touch or overlap become one."""
    found: list[Span] = []
    for span in sorted(span for span in spans if span.end > span.start):
        if found and span.start < found[-1].end:
            found[-1] = Span(found[-1].start, max(found[-1].end, span.end))
        else:
            found.append(span)
    return found
