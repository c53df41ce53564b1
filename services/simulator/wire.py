"""What the two formats have in common, and the interface of a format."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from services.simulator.calls import Call, Headers, Rejection, Said, Used
from services.simulator.limits import RateLimits
from shared.llm.rendering import OPEN, parse_items

Payload = Mapping[str, Any]
HeaderList = list[tuple[bytes, bytes]]

JSON_TYPE = (b"content-type", b"application/json")
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


class Wire(Protocol):
    """One vendor's format. All rejections are the vendor's own words."""

    name: str

    def key(self, headers: Headers) -> str:
        """The API key that the call carries; empty if it has none."""
        ...

    def read(self, payload: Payload, headers: Headers) -> Call:
        """The call. Raises Rejection if the vendor would not take it."""
        ...

    def limits(self, rpm: float, tpm: float, output_tpm: float) -> dict[str, float]:
        """The buckets' rates a minute by name."""
        ...

    def amounts(self, used: Used) -> dict[str, float]:
        """What the call takes of the buckets before its answer is made."""
        ...

    def later(self, used: Used) -> dict[str, float]:
        """What the answer takes of the buckets."""
        ...

    def cached(self, call: Call, known: bool) -> tuple[int, int]:
        """Tokens read from the prompt cache and written to it, if the prefix is `known` or not."""
        ...

    def completion(self, call: Call, said: Said, used: Used, number: int, now: float) -> bytes:
        """The body of an answer."""
        ...

    def error(self, rejection: Rejection, request_id: str) -> bytes:
        """The body of a rejection."""
        ...

    def headers(self, limits: RateLimits, request_id: str, now: float) -> HeaderList:
        """The headers of every response."""
        ...

    def wait_headers(self, seconds: float, exact: bool) -> HeaderList:
        """The headers of a 429; vendors give whole seconds, `exact` is for a world in which time runs faster."""
        ...

    def rejection(self, reason: str, detail: str = "", seconds: float = 0.0) -> Rejection:
        """The vendor's words for: no-key, wrong-key, model, quota, rate, server, down, not-json, malformed."""
        ...


def bearer(headers: Headers) -> str:
    """The key of an `Authorization: Bearer` header; empty if there is none."""
    scheme, _, key = headers.get("authorization", "").partition(" ")
    return key.strip() if scheme.lower() == "bearer" else ""


def fenced_items(messages: Sequence[Any]) -> list[tuple[str, dict[str, Any]]]:
    """The items of the last user message that holds a fence; none if none does."""
    for message in reversed(messages):
        if message.get("role") != "user":
            continue
        text = text_of(message.get("content"))
        if OPEN in text:
            return parsed(text)
    return []


def parsed(text: str) -> list[tuple[str, dict[str, Any]]]:
    """The items, none if the fence is broken: a model would see plain text."""
    try:
        return list(parse_items(text))
    except (ValueError, KeyError, AttributeError):
        return []


def text_of(content: Any) -> str:
    """The text of a message, which may come in blocks."""
    if isinstance(content, str):
        return content
    blocks = content if isinstance(content, list) else []
    return "\n".join(str(block.get("text", "")) for block in blocks if isinstance(block, Mapping))


def as_json(value: Any) -> str:
    """Compact JSON."""
    return _ENCODER.encode(value)
