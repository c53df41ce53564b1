"""One JSON document: an array of indicators, or an object with the array under "indicators".

The document is cut into its elements without being parsed, so that each element is judged alone and a bad one costs
only itself. Only a document whose brackets do not match, so that elements cannot be told apart, is unreadable.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from services.cli.inputs.rows import Candidate, Flawed, Found, UnreadableInput

MAX_DOCUMENT_BYTES = 1 << 30
TEXT = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
TO_BRACKET = re.compile(rb'(?:[^"\[\]{}]++|' + TEXT + rb")*+", re.DOTALL)
TO_COMMA = re.compile(rb'(?:[^"\[\]{},]++|' + TEXT + rb")*+", re.DOTALL)
TOKEN = re.compile(TEXT + rb'|["\[\]{}]', re.DOTALL)
LIST_FOLLOWS = re.compile(rb"\s*:\s*\[")
OPENING, CLOSING = b"[{", b"]}"
AS_LINES = "to read it as JSON Lines, name it .jsonl"
EXPECTED = 'write an array, or an object {"indicators": […]}'


class Span(NamedTuple):
    """Where an element lies in its document."""

    start: int
    end: int


def read_document(document: bytes, label: str) -> Iterator[Found]:
    """The elements of the document; raises before the first one if they cannot be told apart."""
    if len(document) > MAX_DOCUMENT_BYTES:
        raise UnreadableInput(label, f"a JSON document above {MAX_DOCUMENT_BYTES:,} bytes", "write JSON Lines")
    spans = _elements(document, label)
    return _candidates(document, spans)


def _candidates(document: bytes, spans: list[Span]) -> Iterator[Found]:
    for number, (start, end) in enumerate(spans, start=1):
        raw = document[start:end].strip()
        if raw:
            yield Candidate(number, raw, raw)
        else:
            yield Flawed(number, "the element is empty", "remove the extra comma", raw)


def _elements(document: bytes, label: str) -> list[Span]:
    start, spans, more = _array_start(document, label) + 1, list[Span](), True
    while more:
        end = _element_end(document, start, label)
        more = document[end : end + 1] == b","
        if more or document[start:end].strip():  # nothing behind the last comma is no element
            spans.append(Span(start, end))
        start = end + 1
    _check_end(document, start, label)
    return spans


def _element_end(document: bytes, start: int, label: str) -> int:
    """Where the comma behind the element is, or the bracket that closes the array."""
    depth, position = 0, start
    while stretch := (TO_BRACKET if depth else TO_COMMA).match(document, position):
        position = stretch.end()
        mark = document[position : position + 1]
        if mark == b'"' or not mark:
            raise _broken(label, document, position, "a text is not closed" if mark else "the array is not closed")
        if depth == 0 and mark not in OPENING:
            return position
        depth += 1 if mark in OPENING else -1
        position += 1
    raise AssertionError("the pattern matches the empty text")


def _array_start(document: bytes, label: str) -> int:
    first = re.search(rb"\S", document)
    if first and first[0] == b"[":
        return first.start()
    if not first or first[0] != b"{":
        raise UnreadableInput(label, "this is not a JSON array", EXPECTED)
    return _wrapped_array_start(document, first.start(), label)


def _wrapped_array_start(document: bytes, begin: int, label: str) -> int:
    depth = 0
    for token in TOKEN.finditer(document, begin):
        mark = token[0]
        if mark == b'"':  # looking on would look through the rest for the end of every text in it
            raise _broken(label, document, token.start(), "a text is not closed")
        if mark in OPENING:
            depth += 1
        elif mark in CLOSING:
            depth -= 1
        elif depth == 1 and mark == b'"indicators"' and (array := LIST_FOLLOWS.match(document, token.end())):
            return array.end() - 1
        if depth == 0:
            rest = document[token.end() :].strip()
            remedy = AS_LINES if rest.startswith(b"{") else EXPECTED
            raise UnreadableInput(label, 'this is a JSON object without a list "indicators"', remedy)
    raise _broken(label, document, len(document), "the object is not closed")


def _check_end(document: bytes, end: int, label: str) -> None:
    rest = document[end:].strip()
    wrapped = document.lstrip().startswith(b"{")
    if wrapped and not rest.endswith(b"}"):
        raise _broken(label, document, len(document), "the object is not closed")
    if rest and not wrapped:
        raise _broken(label, document, end, "something follows the end of the array")


def _broken(label: str, document: bytes, position: int, reason: str) -> UnreadableInput:
    line = document.count(b"\n", 0, position) + 1
    return UnreadableInput(label, f"the JSON document is malformed: {reason} (line {line})", "write it again, whole")
