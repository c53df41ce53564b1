"""Anthropic's messages, as its API takes and gives them."""

import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from services.simulator.calls import Call, Headers, Rejection, Said, Used
from services.simulator.limits import RateLimits
from services.simulator.requests import Asked, RequestReader
from services.simulator.tokens import count_again, count_tokens
from services.simulator.wire import JSON_TYPE, HeaderList, Payload, as_json, bearer, fenced_items, text_of

INVALID: Final = "invalid_request_error"
TOOL_TOKENS: Final = 346
"""What the vendor adds to the prompt when a tool has to be used."""
MESSAGE_TOKENS: Final = 4
CACHE_FROM: Final = 2048
"""Prefixes of fewer tokens are not cached."""


class AnthropicWire:
    """Anthropic's format."""

    name = "anthropic"

    def __init__(self, reader: RequestReader) -> None:
        self._reader = reader

    def key(self, headers: Headers) -> str:
        """From `x-api-key`, or `Authorization: Bearer`: the vendor takes both, and its SDK sends either."""
        return headers.get("x-api-key", "") or bearer(headers)

    def read(self, payload: Payload, headers: Headers) -> Call:
        """The call. Raises Rejection."""
        _check(payload, headers)
        instructions = text_of(payload.get("system"))
        asked, forced = self._asked(payload, instructions)
        tools_tokens = asked.tokens + (TOOL_TOKENS if forced else 0)
        prefix, prefix_tokens = _prefix(payload, asked, instructions, tools_tokens)
        rest = sum(count_tokens(text_of(message.get("content"))) + MESSAGE_TOKENS for message in payload["messages"])
        return Call(
            model=payload["model"],
            plan=asked.plan,
            items=fenced_items(payload["messages"]),
            prefix=prefix,
            prefix_tokens=prefix_tokens,
            prompt_tokens=tools_tokens + count_again(instructions) + rest,
            max_tokens=payload["max_tokens"],
            tool=forced,
        )

    def _asked(self, payload: Payload, instructions: str) -> tuple[Asked, str]:
        """What is asked, and the name of the tool that has to be used, if one has to."""
        tools = payload.get("tools") or []
        choice = payload.get("tool_choice") or {}
        names = [tool.get("name") for tool in tools]
        if choice.get("type") in ("tool", "any"):
            name = choice.get("name") if choice["type"] == "tool" else next(iter(names), None)
            if name not in names:
                raise _invalid(f"Tool '{name}' not found in provided tools")
            return self._reader.anthropic_tool(tools[names.index(name)], names.index(name)), str(name)
        form = (payload.get("output_config") or {}).get("format") or payload.get("output_format")
        return (self._reader.anthropic_format(form) if form else self._reader.unasked(instructions)), ""

    def limits(self, rpm: float, tpm: float, output_tpm: float) -> dict[str, float]:
        """Of requests, of tokens that come in, and of tokens that go out."""
        return {"requests": rpm, "input-tokens": tpm, "output-tokens": output_tpm}

    def amounts(self, used: Used) -> dict[str, float]:
        """One request, and the tokens of the prompt that were not in the cache."""
        return {"requests": 1, "input-tokens": used.prompt - used.cached}

    def later(self, used: Used) -> dict[str, float]:
        """What goes out has a limit of its own."""
        return {"output-tokens": used.output}

    def cached(self, call: Call, known: bool) -> tuple[int, int]:
        """The marked prefix, read if it is known, else written."""
        if call.prefix is None or call.prefix_tokens < CACHE_FROM:
            return 0, 0
        return (call.prefix_tokens, 0) if known else (0, call.prefix_tokens)

    def completion(self, call: Call, said: Said, used: Used, number: int, now: float) -> bytes:
        """A message object."""
        finish = {"length": "max_tokens", "refusal": "refusal"}.get(
            said.finish, "tool_use" if call.tool else "end_turn"
        )
        head = {
            "id": f"msg_{number:024d}",
            "type": "message",
            "role": "assistant",
            "model": call.model,
            "stop_reason": finish,
            "stop_sequence": None,
            "usage": _usage(used),
        }
        return f'{as_json(head)[:-1]},"content":{_content(call, said, number)}}}'.encode()

    def error(self, rejection: Rejection, request_id: str) -> bytes:
        """An error object."""
        error = {"type": rejection.kind, "message": rejection.message}
        return as_json({"type": "error", "error": error, "request_id": request_id}).encode()

    def headers(self, limits: RateLimits, request_id: str, now: float) -> HeaderList:
        """request-id and anthropic-ratelimit-*; `tokens` repeats the tighter of input and output."""
        found: HeaderList = [JSON_TYPE, (b"request-id", request_id.encode())]
        buckets = dict(limits.buckets)
        tokens = [bucket for name, bucket in buckets.items() if name.endswith("tokens")]
        if tokens:
            buckets["tokens"] = min(tokens, key=lambda bucket: bucket.remaining / bucket.per_minute)
        for name, bucket in buckets.items():
            at = datetime.fromtimestamp(now + bucket.seconds_to_full, UTC)
            values = {"limit": f"{bucket.per_minute:.0f}", "remaining": str(bucket.remaining)}
            values["reset"] = at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
            found += [(f"anthropic-ratelimit-{name}-{what}".encode(), text.encode()) for what, text in values.items()]
        return found

    def wait_headers(self, seconds: float, exact: bool) -> HeaderList:
        """retry-after."""
        text = f"{math.ceil(seconds * 1000) / 1000:.3f}" if exact else str(math.ceil(seconds))
        return [(b"retry-after", text.encode())]

    def rejection(self, reason: str, detail: str = "", seconds: float = 0.0) -> Rejection:
        """Anthropic's words."""
        if reason == "rate":
            text = f"This request would exceed your organization's rate limit of {detail.replace('-', ' ')} per minute."
            return Rejection(429, "rate_limit_error", text)
        if reason == "model":
            return Rejection(404, "not_found_error", f"model: {detail}")
        status, kind, text = _WORDS[reason]
        return Rejection(status, kind, text)


_WORDS: dict[str, tuple[int, str, str]] = {
    "no-key": (401, "authentication_error", "x-api-key header is required"),
    "wrong-key": (401, "authentication_error", "invalid x-api-key"),
    "quota": (
        400,
        INVALID,
        "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to purchase credits.",
    ),
    "server": (500, "api_error", "Internal server error"),
    "down": (529, "overloaded_error", "Overloaded"),
    "not-json": (400, INVALID, "The request body is not valid JSON"),
    "malformed": (400, INVALID, "A field of the request has an invalid type"),
}


def _check(payload: Payload, headers: Headers) -> None:
    if "anthropic-version" not in headers:
        raise _invalid("anthropic-version: header is required")
    for name, kind in (("model", str), ("max_tokens", int), ("messages", list)):
        if name not in payload:
            raise _invalid(f"{name}: Field required")
        if not isinstance(payload[name], kind) or not payload[name]:
            raise _invalid(f"{name}: Input should be a valid {kind.__name__}, and not empty")
    for place, message in enumerate(payload["messages"]):
        if not isinstance(message, Mapping) or message.get("role") not in ("user", "assistant"):
            raise _invalid(f"messages.{place}.role: Input should be 'user' or 'assistant'")
        if not text_of(message.get("content")) and not isinstance(message.get("content"), list):
            raise _invalid(f"messages.{place}: all messages must have non-empty content")
    if not 0 <= payload.get("temperature", 1) <= 1:
        raise _invalid("temperature: range: 0..1")
    if payload.get("stream"):
        raise _invalid("stream: this simulator does not stream")


def _invalid(message: str) -> Rejection:
    return Rejection(400, INVALID, message)


def _prefix(payload: Payload, asked: Asked, instructions: str, tools_tokens: int) -> tuple[Any, int]:
    """What is marked to be cached, and its tokens: tools come first, then the system prompt."""
    system = payload.get("system")
    if isinstance(system, list) and any("cache_control" in block for block in system):
        return (payload["model"], asked.schema, instructions), tools_tokens + count_again(instructions)
    if any("cache_control" in tool for tool in payload.get("tools") or ()):
        return (payload["model"], asked.schema), tools_tokens
    return None, 0


def _usage(used: Used) -> dict[str, Any]:
    return {
        "input_tokens": used.prompt - used.cached - used.cache_written,
        "cache_creation_input_tokens": used.cache_written,
        "cache_read_input_tokens": used.cached,
        "output_tokens": used.output,
        "service_tier": "standard",
    }


def _content(call: Call, said: Said, number: int) -> str:
    """The content blocks as JSON: a tool's input is an object, whatever the model wrote."""
    words = said.text if said.finish == "refusal" or not call.tool else ""
    if words or not call.tool:
        return as_json([{"type": "text", "text": said.before + words + said.after}])
    block = f'{{"type":"tool_use","id":"toolu_{number:024d}","name":{as_json(call.tool)},"input":{_tool_input(said)}}}'
    remark = f"{as_json({'type': 'text', 'text': said.before.splitlines()[0]})}," if said.before else ""
    return f"[{remark}{block}]"


def _tool_input(said: Said) -> str:
    """The text itself if it is JSON. If not: what was complete when it was cut, or all of it as a string."""
    if said.whole:
        return said.text
    answers: Any = complete_objects(said.text) if said.finish == "length" else said.text
    return as_json({"answers": answers})


def complete_objects(text: str) -> list[Any]:
    """The objects of the list in a text that ends too early."""
    found = []
    start = text.find("[")
    while (start := text.find("{", start + 1)) > 0:
        try:
            value, start = json.JSONDecoder().raw_decode(text, start)
        except ValueError:
            break
        found.append(value)
    return found
