"""Where keys and passwords stand in a text, as detect-secrets finds them. Nothing is verified, nobody is asked.

Its detector of passwords wants quotes, and takes time that grows with the square of a line's length; that of private
keys tells where they begin. So what is called a secret, as in `.env` files, and whole keys are looked for here.
"""

import re
from collections.abc import Mapping
from functools import cache
from typing import Final

from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class
from detect_secrets.plugins.base import BasePlugin
from detect_secrets.plugins.keyword import DENYLIST, KeywordDetector

from services.correction.spans import Span, merged

_CALLED: Final = "|".join(name.replace("_?", "[ _-]?") for name in (*DENYLIST, "token", "passphrase"))
_ASSIGNED: Final = re.compile(
    rf"(?:{_CALLED})\w{{0,20}}['\"]?(?:(?:\(|[ \t]*[!:=>]{{1,3}}[ \t]*)@?(['\"`])([^'\"`\n]+)\1"
    r"|[ \t]*[:=]{1,3}[ \t]*([^\s'\"`,;]{6,}))",
    re.IGNORECASE,
)
"""Within quotes whatever it is, else a word that is long enough to be one."""
_PRIVATE_KEY: Final = re.compile(r"-----BEGIN [A-Z\d ]*PRIVATE KEY[\s\S]*?(?:-----END [A-Z\d ]*-----|\Z)")


def secret_spans(text: str) -> list[Span]:
    """The secrets, in order. The detectors expect to see lines one by one."""
    ours = (match for kind in (_ASSIGNED, _PRIVATE_KEY) for match in kind.finditer(text))
    found = [Span(*match.span(match.lastindex or 0)) for match in ours]
    at = 0
    for line in text.splitlines(keepends=True):
        for secret in {secret for detector in _detectors() for secret in detector.analyze_string(line) if secret}:
            found += _places(line, secret, at)
        at += len(line)
    return merged(found)


def _places(line: str, secret: str, offset: int) -> list[Span]:
    places, start = list[Span](), line.find(secret)
    while start >= 0:
        places.append(Span(offset + start, offset + start + len(secret)))
        start = line.find(secret, start + len(secret))
    return places


@cache
def _detectors() -> tuple[BasePlugin, ...]:
    kinds: Mapping[str, type[BasePlugin]] = get_mapping_from_secret_type_to_class()
    return tuple(kind() for kind in kinds.values() if kind is not KeywordDetector)
