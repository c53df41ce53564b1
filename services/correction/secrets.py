"""Where keys and passwords stand in a text, as detect-secrets finds them. Nothing is verified, nobody is asked."""

from collections.abc import Mapping
from functools import cache

from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class
from detect_secrets.plugins.base import BasePlugin

from services.correction.spans import Span, merged


def secret_spans(text: str) -> list[Span]:
    """The secrets, in order. Lines are looked at one by one, as the detectors expect."""
    found, at = list[Span](), 0
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
    return tuple(kind() for kind in kinds.values())
