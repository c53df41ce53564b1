"""An HTTP answer of a vendor, read without trust: whatever a server sends, reading it raises nothing but Unreadable."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from math import ceil
from typing import Any

from shared.llm.calls import Request, Tokens

CHARACTERS_PER_TOKEN = 4
MOST_TOKENS = 10_000_000
"""Of a call."""


class Unreadable(Exception):  # noqa: N818 -- a description of the answer, turned into a VendorError at once
    """The body is no answer of this API."""


@dataclass(frozen=True)
class HttpAnswer:
    """What came back, whether it is good or bad news."""

    status: int
    headers: Mapping[str, str]
    """By lower-case name."""
    text: str

    @cached_property
    def body(self) -> dict[str, Any]:
        """The body as a JSON object; empty if it is none. Gemini wraps its errors in a list."""
        try:
            value = json.loads(self.text)
        except (ValueError, RecursionError):
            return {}
        if isinstance(value, list) and value:
            value = value[0]
        return value if isinstance(value, dict) else {}

    @property
    def request_id(self) -> str:
        """What the vendor calls this call, for its support."""
        return self.headers.get("x-request-id") or self.headers.get("request-id") or text_of(self.body.get("id"))


def mapping(value: object) -> dict[str, Any]:
    """`value` if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def text_of(value: object) -> str:
    """`value` if it is text, else nothing."""
    return writable(value) if isinstance(value, str) else ""


def writable(text: str) -> str:
    """Text without halves of characters, which JSON can spell but nobody can store or send."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def count(value: object) -> int:
    """`value` if it is a number of tokens that a call can have, else none: what limits are moved by must make sense."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return 0
    return int(value) if 0 < value <= MOST_TOKENS else 0


def estimated(request: Request, text: str) -> Tokens:
    """What a call took, for servers that do not tell."""
    asked = [request.instructions, request.items, *(request.rejected or ())]
    return Tokens(
        input=ceil(sum(map(len, asked)) / CHARACTERS_PER_TOKEN), output=ceil(len(text) / CHARACTERS_PER_TOKEN)
    )


def only_json(text: str) -> str:
    """The JSON object in an answer that also has other words; the answer itself if there is none."""
    decoder = json.JSONDecoder()
    start = text.find("{")
    while start >= 0:
        try:
            _, end = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            start = text.find("{", start + 1)
        else:
            return text[start:end]
    return text
