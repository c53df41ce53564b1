r"""Lines that nobody wrote as prose: code, configuration, diffs, logs, traces, tables, what was typed at a prompt.

Some lines tell what they are. Others only look like it, and a few words with an equals sign could be anything: they are
taken for pasted in company. So each line gets a letter, and a run of lines without prose is pasted if one of them is
sure, or two in a row are likely. What is indented below a sure one belongs to it, whatever it says.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Final

from services.correction.spans import Span, merged

COMMANDS: Final = (
    "alembic|ansible|apt|apt-get|awk|aws|bash|brew|bun|cargo|cat|cd|chmod|chown|cmake|composer|conda|cp|crontab|curl|"
    "deno|df|dig|dnf|docker|docker-compose|dotnet|du|eslint|gcc|gcloud|gh|git|gradle|grep|gunicorn|helm|java|"
    "journalctl|jq|kubectl|ln|ls|lsof|minikube|mkdir|mv|mvn|mypy|mysql|netstat|nginx|node|nohup|npm|npx|openssl|"
    "pacman|perl|php|pip|pip3|pnpm|podman|poetry|ps|psql|pytest|python|python3|redis-cli|rm|rsync|ruby|ruff|rustc|scp|"
    "sed|sh|sqlite3|ssh|sudo|systemctl|tar|terraform|tsc|uv|uvicorn|wc|wget|xargs|yarn|yum"
)
_VERBS: Final = "echo|export|find|go|head|kill|make|mount|ping|service|sort|source|tail|touch|which"
"""Commands that begin sentences, too."""
PROSE_WORDS: Final = (
    "the|a|an|my|your|our|this|that|these|it|its|i|we|you|they|is|are|was|were|be|has|have|had|do|does|did|can|cannot|"
    "could|should|would|will|to|of|for|in|on|with|and|or|but|so|not|because|when|if|still|now"
)
"""Words that no argument of a command is likely to be."""
QUERY: Final = (
    "SELECT|INSERT INTO|DELETE FROM|UPDATE \\w+ SET|(?:CREATE|ALTER|DROP) (?:TABLE|INDEX|VIEW|DATABASE)|WITH \\w+ AS"
)
RAISED: Final = r"(?:Error|Exception|Warning|Exit|Interrupt)"
_HEADS: Final = "async|if|elif|else|for|while|with|try|except|finally|match|case"
_MODIFIERS: Final = "(?:abstract|async|default|export|final|override|private|protected|pub|public|static)[ ]"
_LEVELS: Final = "TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|FATAL|CRITICAL|SEVERE|error|warning|fatal|panic"
_MONTHS: Final = "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec"
_WORD: Final = r"[^\W\d_]+(?:['\u2019][^\W\d_]+)?"
_PROSE: Final = rf"(?<![^\s(]){_WORD}(?:,?[ ]{_WORD}){{2}}(?![^\s.,;:!?)\u2026])"
"""Three words in a row, with nothing but blanks between them."""
_PLAIN: Final = r"(?:[a-z0-9./~*$][\w./@:=*$~-]*|'[^'\n]*'|\"[^\"\n]*\")"
"""An argument of a command."""
_NO_PROSE: Final = rf"(?![^\n]*{_PROSE})"
_START: Final = r"^(?:>(?!>>)[ \t]?)*+[ \t]*+"
"""Of a line, which may be quoted."""

_PROMPTS: Final = (
    r"(?:[$%]|PS[ ][^\n>]*>)[ \t]+\S",
    r"(?:>>>|[\u276f\u279c])[ \t]",
    r"[A-Za-z]:\\[^\n>]*(?<![-=])>",
    # user@host:~$
    r"(?:\([\w.-]+\)[ ])?(?:\[[\w.-]+@[\w.-]+[ ][^\n\]]+\]|[\w.-]+@[\w.-]+:?[^\s$#%]{0,80})[ ]?[$#%][ \t]",
    r"\w[\w()\[\]:.-]{0,40}(?<!-)>[ \t]\S|\w+[=-][#>][ \t]\S",  # mysql>, irb(main):001:0>, postgres=#
    r"(?:In|Out)[ ]?\[\d*\]:",
)
_TYPED: Final = (
    rf"(?:{COMMANDS})(?=[ \t])(?![ \t]+(?:{PROSE_WORDS})\b)[^\n]*(?:[ \t]--?\w|\||&&|>|\\$)",
    rf"(?:{COMMANDS})(?:[ \t]+(?!(?:{PROSE_WORDS})\b){_PLAIN}){{1,3}}[ \t]*$",
    rf"(?=(?:{_VERBS})[ \t]){_NO_PROSE}\w+(?:[ \t]+(?!(?:{PROSE_WORDS})\b)[^\s`]+)+[ \t]*$|echo[ \t]+[\"'$]",
    r"[A-Z][a-z]+-[A-Z][A-Za-z]+[ \t]+(?:-\w|\|)",
)
_OUTPUT: Final = (
    rf"(?:[\w$]+[.:]+)*\w*{RAISED}(?::[ ]|:?[ \t]*$)",
    r"(?:[\w$]+\.)+[A-Z][a-z]\w*:[ ]",  # myapp.PaymentDeclined: why
    r"(?:Caused[ ]by|Unhandled[ ]exception|Exception[ ]in[ ]thread|During[ ]handling[ ]of|Uncaught[ ]\w+)\b[^\n]*[:,.]",
    r"goroutine[ ]\d+[ ]\[|note:[ ]run[ ]with",
    r"File[ ]\"[^\"\n]*\",[ ]line[ ]\d+",
    r"(?<=[ \t])at[ ](?:async[ ]|new[ ])?[\w.$<>/]+[ ]?(?:\[as[ ]\w+\][ ])?\([^\n]*\)(?:[ \t]*$|[ ]in[ ])",
    r"(?:[A-Za-z]:)?(?=[^\s:]*[A-Za-z])[^\s:]++:\d+(?::\d+)?:(?:[ \t]|in\b|$)|\S+\(\d+(?:,\d+)?\):[ ](?:error|warning)",
    r"-->[ ]\S+:\d|\d+[ ]+\|[ ]|\|[ ]+[\^~-]",  # what compilers show
    r"npm[ ](?:ERR!|WARN|error)|(?:FAILED|PASSED|SKIPPED|ERROR)[ ]\S+(?:::|\.py|/)|E[ ]{3,}\S",
    rf"(?:{_LEVELS})(?:\[\w+\])?[: ]*:|\[(?:{_LEVELS})\]",
    r"[^\w\n]{0,2}\d{4}[-/.]\d\d[-/.]\d\d[T ,]+\d\d:\d\d",
    rf"[^\w\n]?\d\d:\d\d(?::\d\d)?[\d.,]*[^\w\n]{{1,3}}(?:{_LEVELS})\b|(?:{_MONTHS})[ ]+\d+[ ]\d\d:\d\d:\d\d",
)
_DIFFED: Final = (
    r"diff[ ]--git|index[ ][0-9a-f]+\.\.|@@[ ]|\\[ ]No[ ]newline",
    r"(?:---|\+\+\+)[ ](?:[ab]/|/dev/null|\S+[./]\S+)",
)
_CODE: Final = (
    rf"(?:{_MODIFIERS})*(?:def|function|func|fn|fun|sub)[ ]\w+[ ]?[(<]",
    rf"(?:{_MODIFIERS})*(?:class|interface|enum|struct)[ ]\w+[ ]?(?:[({{:<]|extends\b|implements\b)",
    rf"(?:{_MODIFIERS})*(?:const|let|var|val)[ ](?:[\w$]+(?:[ ]?:[^\n=]+)?|[{{\[][^\n=]*)[ ]?=",
    r"(?:from[ ]\S+[ ]import|import[ ][^\n]*\bfrom[ ]['\"]|#(?:include|define|ifdef|ifndef|pragma)|#!/)",
    r"(?:import|using|package|namespace)[ ][\w.*:]+(?:[ ]as[ ]\w+)?[ \t]*;?[ \t]*$",
    rf"(?:{QUERY})\b",
    r"[^\n]*;[ ](?:then|do)[ \t]*$|for[ ]\w+[ ]in[ ][\"'$]",
    r"(?:if|for|foreach|while|switch|catch|elif)[ ]?\([^\n]*\)[ \t]*(?:\{|$)",
    r"(?:(?:await|return|yield|throw|raise|new|print)[ ])*[\w.$]+\([^\n]*\)[;:,]?[ \t]*$",
    rf"(?=[^\n]*=){_NO_PROSE}(?:export[ ])?[\w.$\[\]'\"]+(?:[ ]?:[ ]?\w+)?[ ]?(?:[-+*/%&|^:]|\*\*|//)?=(?![=>])[ ]?\S",
    r"\"[^\"\n]*\"[ ]?:(?:[ ]|$)|[{\[][ \t]*(?:[\"'{]|\[[^\[]|$)",  # JSON
    r"(?:[^\n]*[\w)\]>])?[ ]?\{[ \t]*$|//[ ]|/\*",
    rf"(?=[^\n]*;[ \t]*$)(?:{_NO_PROSE}[^\n]*[=(){{}}\[\]\"']|[^\n]*\w\([^\n]*\);[ \t]*$)",
)
_SURE: Final = re.compile(
    rf"{_START}(?:{'|'.join((*_PROMPTS, *_TYPED, *_OUTPUT, *_DIFFED, *_CODE))})[^\n]*$", re.MULTILINE
)
_BLOCKS: Final = tuple(
    (sign, re.compile(pattern, re.MULTILINE))
    for sign, pattern in (
        ("\\", r"^[^\n]*[ \t]\\[ ]?\n(?:[^\n]*[ \t]\\[ ]?\n)*[^\n]*$"),  # lines that go on
        (
            "<<",
            r"^[^\n]*<<[-~]?[ ]?['\"]?(?P<here>[A-Za-z]\w*)['\"]?[^\n]*\n(?:[^\n]*\n){0,200}?[ \t]*(?P=here)[ \t]*$",
        ),
        (
            "Traceback",
            rf"{_START}Traceback \(most recent call last\):[^\n]*(?:\n[ \t>]+[^\n]*)*(?:\n\w[\w.]*(?::[^\n]*)?[ ]?$)?",
        ),
        ("/*", rf"{_START}/\*[\s\S]{{0,2000}}?\*/"),
        ("panicked at", rf"{_START}thread '[^\n]* panicked at (?:[^\n]*:[ ]?\n[^\n]+|[^\n]*)$"),
        ("@@ -", r"^@@ -\d[^\n]*(?:\n[-+ \\][^\n]*|[ ]?\n(?=[ ]?\n(?:[-+]? {2,}|[-+][^\s\w])))*"),
        (
            "\n+",  # what was, and what is instead
            r"^-(?! \S)[^\n]*\n(?:-[^\n]*\n){0,100}+\+(?! \S)[^\n]*(?:\n\+[^\n]*)*$",
        ),
        (":", rf"^(?P<indent>[ \t]*)(?:{_HEADS})\b[^\n]*:[ ]?\n(?P=indent)[ \t]+(?![-*+] |\d+[.)] )\S[^\n]*$"),
    )
)
"""Over several lines: what a text has to have somewhere, or the pattern need not be tried; and the pattern."""
_LIKELY: Final = re.compile(
    rf"""{_START}(?:
        (?=[^\n]*;[ \t]*$){_NO_PROSE}
        | (?=(?:-[ ])?[a-z][\w.-]*:(?:[ \t]|$)){_NO_PROSE}  # YAML
        | (?=[^\n]*[=-]>){_NO_PROSE}
        | (?=[^\n]*(?:\t|[ ][ ]))(?:(?:[^\n]*?(?<=[^\s.!?:|])(?:\t|[ ]{{2,}})(?=[^\s|])){{2}}|[^\n]*?\S\t+\S)  # columns
    )""",
    re.VERBOSE | re.MULTILINE,
)
_POSSIBLE: Final = re.compile(
    rf"""{_START}(?:
        (?=[^\n]*[=(){{}}\[\]<>|\\&$/*+_]){_NO_PROSE}
        | {_NO_PROSE}(?:return|yield|raise|throw|break|continue|pass|else|end|fi|done|then|try|finally)\b
        | (?:\#|//|/?\*/?|--)(?:\s|$)  # comments
        | (?<=>[ ]){_NO_PROSE}\S  # quoted with the lines around
        | [\w.$-]+[ ]?= | (?:-[ ])?[\w.-]+:[ ]['"]
        | \.\.\.(?:\s|$)
        | (?:FROM|WHERE|AND|OR|ON|SET|VALUES|LIMIT|HAVING|UNION|(?:LEFT|INNER|OUTER)?[ ]?JOIN|(?:ORDER|GROUP)[ ]BY)\b
    )""",
    re.VERBOSE | re.MULTILINE,
)
_INDENTED: Final = re.compile(r"(?:>[ \t]?)*+(?:[ ]{2,}|\t)[ \t]*+(?![-*+][ ]|\d+[.)][ ])\S")
_LINE_END: Final = re.compile("\n")
_UNTOLD: Final = "."
_RUN: Final = re.compile("(?:(?!ll)[lc])*+(?:ll[lc]*+)?(?:s[slci]*+)?")
_PASTED: Final = re.compile("s|ll")


def pasted_spans(text: str) -> Iterator[Span]:
    """Runs of such lines, without the end of the last one."""
    spans = [Span(*found.span()) for pattern in _tried(text) for found in pattern.finditer(text)]
    if not spans and not _LIKELY.search(text):
        return
    lines = _lines(text)
    sure = _sure(lines, merged(spans))
    told = "".join("s" if number in sure else _likely(text, line) for number, line in enumerate(lines))
    if not _PASTED.search(told):
        return
    letters = "".join(map(partial(_letter, text), told, lines))
    for run in _RUN.finditer(letters):
        if _PASTED.search(run.group()):
            yield Span(lines[run.start()].start, lines[run.end() - 1].end)


def _tried(text: str) -> Iterator[re.Pattern[str]]:
    yield _SURE
    yield from (pattern for sign, pattern in _BLOCKS if sign in text)


def _lines(text: str) -> list[Span]:
    ends = [*(found.start() for found in _LINE_END.finditer(text)), len(text)]
    return [*map(Span, [0, *(end + 1 for end in ends)], ends)]


def _sure(lines: Sequence[Span], spans: Iterable[Span]) -> frozenset[int]:
    """Numbers of the lines that spans have a part in."""
    starts = [line.start for line in lines]
    return frozenset(
        number
        for span in spans
        for number in range(bisect_right(starts, span.start) - 1, bisect_left(starts, span.end))
    )


def _likely(text: str, line: Span) -> str:
    return "l" if _LIKELY.match(text, *line) else _UNTOLD


def _letter(text: str, told: str, line: Span) -> str:
    """`s` for sure, `l` for likely, `c` for what could be, `i` for indented, `p` for prose and for nothing."""
    if told != _UNTOLD:
        return told
    if _POSSIBLE.match(text, *line):
        return "c"
    return "i" if _INDENTED.match(text, *line) else "p"
