"""What a coding assistant's program writes in the place of its user, told apart from what the user has typed."""

import re
from typing import Final

_TAG: Final = re.compile(
    r"<(/?)(command-(?:name|message|args|contents)|local-command-\w+|bash-(?:input|stdout|stderr)|system-reminder|"
    r"task-notification|user-memory-input|ide_\w+)\b[^<>]{0,200}>"
)
_OPENINGS: Final = {
    "[Request interrupted": "injected",
    "Caveat: The messages below were generated": "injected",
    "This session is being continued from a previous conversation": "compact-summary",
}
"""How texts begin that are the program's to their end, and what they are."""


def parted(text: str) -> list[tuple[str, str]]:
    """The text in up to three parts, each with the reason why it was not typed, which is empty for what was.

    Programs put their elements before a prompt and behind it; in the middle they are what somebody writes about.
    """
    head = text[:200].lstrip()
    for opening, reason in _OPENINGS.items():
        if head.startswith(opening):
            return [(text, reason)]
    if not (found := _elements(text)):
        return [(text, "")]
    start, end = _before(text, found), _behind(text, found)
    if start >= end or not text[start:end].strip():
        return [(text, "injected")]
    parts = [(text[:start], "injected"), (text[start:end], ""), (text[end:], "injected")]
    return [part for part in parts if part[0]]


def _elements(text: str) -> list[tuple[int, int]]:
    """Where elements begin and end. One that is never closed is none, unless the text begins with it."""
    found, inside = list[tuple[int, int]](), None
    for tag in _TAG.finditer(text):
        if inside is None:
            inside = None if tag[1] else tag
        elif tag[1] and tag[2] == inside[2]:
            found.append((inside.start(), tag.end()))
            inside = None
    if inside and not text[: inside.start()].strip():
        found.append((inside.start(), len(text)))
    return found


def _before(text: str, elements: list[tuple[int, int]]) -> int:
    """Where the elements end with which the text begins."""
    at = 0
    for start, end in elements:
        if text[at:start].strip():
            break
        at = end
    return at


def _behind(text: str, elements: list[tuple[int, int]]) -> int:
    """Where the elements begin with which the text ends."""
    at = len(text)
    for start, end in reversed(elements):
        if text[end:at].strip():
            break
        at = start
    return at
