"""What of a text must come back byte for byte: code, paths, numbers, names of things, whatever is no prose.

Better too much than too little: what is protected is not corrected, which harms nobody.
"""

import re
from functools import lru_cache
from typing import Final, NamedTuple

from services.correction.pasted import COMMANDS, PROSE_WORDS, QUERY, RAISED, pasted_spans
from services.correction.spans import Span, merged

_ERROR_WORDS: Final = (
    r"error|exception|fail(?:ed|ure)?|fatal|cannot|can't|could not|couldn't|not found|undefined|denied|refused|invalid|"
    r"unexpected|missing|no such|unable|traceback|warning|panic|segmentation"
)
_QUOTED: Final = "{0,300}"
"""Characters of a quoted error on both sides of what tells that it is one; without an end, marks that are never closed
would be looked at as often as there are letters behind them."""
_ERRORS: Final = "|".join(
    rf"{opened}[^{closed}\n]{_QUOTED}\b(?i:{_ERROR_WORDS})\b[^{closed}\n]{_QUOTED}{closed}"
    for opened, closed in ('""', "“”", "«»", "\u2018\u2019")
)
_VALUE: Final = r"(?:\"[^\"\n]*\"|'[^'\n]*'|[^\s\"',;]+)"
_FLAG: Final = rf"--?[A-Za-z][\w-]*(?:={_VALUE}|[ ](?:\"[^\"\n]*\"|'[^'\n]*')(?!\w))?"
_ARGUMENT: Final = rf"(?!(?:{PROSE_WORDS})\b)[A-Za-z0-9][^\s\"',;]*"
_FILE_ENDINGS: Final = (
    "c|cc|cfg|conf|cpp|cs|css|csv|db|dll|doc|docx|env|exe|gif|go|gz|h|hpp|html?|ini|ipynb|jar|java|jpe?g|js|json|jsonl|"
    "jsx|kt|lock|log|lua|md|mjs|pdf|php|pl|png|proto|ps1|py|pyi|r|rb|rs|rst|scss|sh|so|sql|svg|swift|tar|tex|tf|toml|"
    "ts|tsv|tsx|txt|vue|whl|xlsx?|xml|ya?ml|zip"
)

_LINES: Final = (
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
    r"(?<!`)(?P<ticks>`++)[^\n]*?(?:\n[^\n]+?)??(?<!`)(?P=ticks)(?!`)",
    r"\$\$[\s\S]+?\$\$",
)
_TOKENS: Final = (
    ("⟦", r"⟦[^⟦⟧\n]*⟧"),  # what looks like a marker of ours
    ("<&", r"<!--[\s\S]*?(?:-->|\Z)|<%[^\n]*?%>|<[!/?]?[A-Za-z][^<>\n]*>|&#?\w+;"),
    ("<", rf"<[A-Za-z][\w:-]*(?:\s+[\w:@.-]+(?:={_VALUE})?){{1,30}}+\s*/?>"),  # over several lines
    ("]", r"(?<=\])\([^)\n]{0,1000}\)|(?<=\])\[[^\]\n]*\]"),  # the target of a Markdown link
    (":.", r"\b[A-Za-z][\w+.-]{0,30}+://[^\s<>\"'`]+|\bwww\.[^\s<>\"'`]+|\bmailto:\S+"),
    ("@", r"(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+"),
    ("{", r"[$#%]?\{(?:[^{}\n]|\{[^{}\n]{0,200}\}){0,200}+\}"),  # placeholders, templates, JSON
    ("[", r"\[\[[^\[\]\n]{1,200}\]\]|\b\w++(?:\[[^\[\]\n]{0,80}\])+(?!\()"),
    ("%$", r"%\([\w.]+\)[sdifr]|%[sdifr]\b|\$\w+|%\w+%"),
    ('"“«\u2018', _ERRORS),
    ("'", rf"(?<!\w)'[^'\n]{_QUOTED}\b(?i:{_ERROR_WORDS})\b[^'\n]{_QUOTED}'(?!\w)"),
    (":", rf"\b(?<![\"'“«\u2018])(?=[A-Z])\w*{RAISED}: (?:(?![.?!][ \t]+[A-Z])[^\n])+"),
    ("", rf"\b(?:{QUERY})\b(?<!SELECT)(?<!AS)[^\n;]*|\bSELECT\b[^\n;]{{1,300}}?\bFROM\b[^\n;]*"),
    ("-", rf"(?<![\w./-])(?:{COMMANDS})(?:[ ]{_ARGUMENT}){{0,3}}?(?:[ ]{_FLAG}(?:[ ]{_ARGUMENT})?)+"),
    ("\\", r"(?<![^\s\"'`(])[^\s\"'`\\(]*+\\[^\s\"'`]*"),
    ("\"'", r"(?<!\w)(?P<quote>[\"'])(?:[A-Za-z]:\\|~?/|\.\.?[/\\])[^\"'\n]{0,300}(?P=quote)(?!\w)"),
    ("/", r"(?<![\w/.])(?:~|\.{1,2})?/[\w.@%+=-]+(?:/[\w.@%+=*-]+)*/?"),
    ("/", r"(?<![\w./@-])[\w.@-]++(?:/(?:[\w.@*-]*[\w*])?)+"),
    (".", rf"(?<![\w.-])\.?[\w-]++(?:\.[\w-]++)*\.(?:{_FILE_ENDINGS})\b|(?<![\w.])\.[A-Za-z]\w*\b"),
    ("-", rf"(?<![\w-]){_FLAG}"),
    ("=", rf"(?<![\w.-])[A-Za-z_][\w.]*+ ?= ?{_VALUE}"),
    ("@#", r"(?<![\w-])[\w-]*+[@#][\w/-]*\w"),
    (":", r"(?<![\w:]):[a-z0-9_+-]+:(?!\w)"),
    ("(", r"(?<!\w)(?<!\w\.)\w++(?:\.\w++)*+\((?:[^()\n]|\([^()\n]{0,80}\)){0,80}+\)"),
    (".:>", r"(?<![\w.])[A-Za-z_]\w*+(?:(?:\.|::|->)[A-Za-z_]\w*)+\b"),
    ("_", r"\b[^\W_]*+_\w*"),
    ("", r"\b(?:[a-z]++|[A-Z][a-z0-9]++)[A-Z]\w*"),
    ("", r"\b[A-Z]{2,6}s?\b"),
    ("", r"(?<=[^\n.!?:] )(?<![A-Z]{2} )[A-Z]{7,}s?\b(?! [A-Z]{2})"),  # a longer one alone; several are shouted
    ("-", r"\b[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\b"),
    ("0123456789", r"(?:(?<!\w)[-+\u2212\u00b1]\.?[#$€£]?|\.[#$€£]?|[#$€£]|\b)[^\W\d]*+\d(?:[\w.,:/+-]*\w)?%?"),
    ("", r"[\U0001F000-\U0001FAFF\u2600-\u27BF\u2B50\u200D\uFE0F\U000E0020-\U000E007F]+"),
)
"""Signs of which a text has one at least, or the pattern need not be tried; and the pattern."""


class _Rule(NamedTuple):
    needs: frozenset[str]
    pattern: re.Pattern[str]


_RULES: Final = tuple(
    _Rule(frozenset(needs), re.compile(pattern, re.MULTILINE))
    for needs, pattern in (*(("", pattern) for pattern in (*_BLOCKS, *_LINES)), *_TOKENS)
)


def protected_spans(text: str) -> list[Span]:
    """Everything that must not change, in order, without overlaps."""
    return list(_protected(text))


@lru_cache(maxsize=1_024)
def _protected(text: str) -> tuple[Span, ...]:
    """Kept for a moment: what hinders a correction is asked of a text, what to hide, and whether all came back."""
    text = text.replace("\r\n", " \n")  # as long as it was, and lines end as patterns expect
    signs = frozenset(text)
    tried = (rule.pattern for rule in _RULES if not rule.needs or rule.needs & signs)
    found = (Span(*match.span()) for pattern in tried for match in pattern.finditer(text))
    return tuple(merged((*found, *pasted_spans(text))))
