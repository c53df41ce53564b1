"""OpenAI's chat completions, as its API takes and gives them."""

import math
from collections.abc import Mapping
from typing import Any, Final

from services.simulator.calls import Call, Headers, Rejection, Said, Used
from services.simulator.limits import Bucket, RateLimits
from services.simulator.requests import RequestReader
from services.simulator.tokens import count_again, count_tokens
from services.simulator.wire import JSON_TYPE, HeaderList, Payload, as_json, bearer, fenced_items, text_of

INVALID: Final = "invalid_request_error"
ROLES: Final = ("system", "assistant", "user", "function", "tool", "developer")
PARAMETERS: Final = frozenset(
    (
        *("model", "messages", "response_format", "max_tokens", "max_completion_tokens", "temperature", "top_p", "n"),
        *("seed", "user", "stream", "stream_options", "stop", "store", "metadata", "logit_bias", "logprobs"),
        *("top_logprobs", "frequency_penalty", "presence_penalty", "tools", "tool_choice", "parallel_tool_calls"),
        *("modalities", "prompt_cache_key", "prompt_cache_retention", "reasoning_effort", "safety_identifier"),
        *("service_tier", "prediction", "verbosity"),
    )
)
STRICT_MODELS: Final = ("gpt-", "o1", "o3", "o4")
"""OpenAI's own; servers of other models that speak this format take any schema."""
MESSAGE_TOKENS: Final = 4
"""What wraps each message."""
CACHE_FROM, CACHE_STEP = 1024, 128
"""Prefixes of fewer tokens are not cached; what is cached ends at a multiple of the step."""


class OpenAIWire:
    """OpenAI's format."""

    name = "openai"

    def __init__(self, reader: RequestReader) -> None:
        self._reader = reader

    def key(self, headers: Headers) -> str:
        """From `Authorization: Bearer`."""
        return bearer(headers)

    def read(self, payload: Payload, headers: Headers) -> Call:
        """The call. Raises Rejection."""
        _check(payload)
        messages = payload["messages"]
        texts = [text_of(message.get("content")) for message in messages]
        instructions = "\n".join(
            text for text, message in zip(texts, messages, strict=True) if message["role"] in ("system", "developer")
        )
        particular = payload["model"].startswith(STRICT_MODELS)
        question = self._reader.openai_question(
            payload.get("response_format") or {}, instructions, texts, particular=particular
        )
        prefix_tokens = count_again(instructions) + question.tokens + MESSAGE_TOKENS
        rest = sum(
            count_tokens(text) + MESSAGE_TOKENS
            for text, message in zip(texts, messages, strict=True)
            if message["role"] not in ("system", "developer")
        )
        return Call(
            model=payload["model"],
            plan=question.plan,
            items=fenced_items(messages),
            prefix=(payload["model"], question.schema, instructions),
            prefix_tokens=prefix_tokens,
            prompt_tokens=prefix_tokens + rest,
            max_tokens=_most_tokens(payload),
        )

    def limits(self, rpm: float, tpm: float, output_tpm: float) -> dict[str, float]:
        """Of requests and of tokens, in and out together."""
        return {"requests": rpm, "tokens": tpm}

    def amounts(self, used: Used) -> dict[str, float]:
        """One request and all tokens of the prompt, cached or not."""
        return {"requests": 1, "tokens": used.prompt}

    def later(self, used: Used) -> dict[str, float]:
        """Tokens that go out count like those that come in."""
        return {"tokens": used.output}

    def cached(self, call: Call, known: bool) -> tuple[int, int]:
        """The known prefix down to a multiple of the step; writing is free and not told."""
        worth = call.prefix_tokens if known and call.prefix_tokens >= CACHE_FROM else 0
        return worth // CACHE_STEP * CACHE_STEP, 0

    def completion(self, call: Call, said: Said, used: Used, number: int, now: float) -> bytes:
        """A chat.completion object."""
        refused = said.finish == "refusal"
        message: dict[str, Any] = {
            "role": "assistant",
            "content": None if refused else said.before + said.text + said.after,
            "refusal": said.text if refused else None,
            "annotations": [],
        }
        finish = "length" if said.finish == "length" else "stop"
        body = {
            "id": f"chatcmpl-{number:012d}",
            "object": "chat.completion",
            "created": int(now),
            "model": call.model,
            "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": finish}],
            "usage": _usage(used),
            "service_tier": "default",
            "system_fingerprint": "fp_simulated",
        }
        return as_json(body).encode()

    def error(self, rejection: Rejection, request_id: str) -> bytes:
        """An error object."""
        error = {
            "message": rejection.message,
            "type": rejection.kind,
            "param": rejection.param,
            "code": rejection.code,
        }
        return as_json({"error": error}).encode()

    def headers(self, limits: RateLimits, request_id: str, now: float) -> HeaderList:
        """x-request-id and x-ratelimit-*."""
        found: HeaderList = [JSON_TYPE, (b"x-request-id", request_id.encode()), (b"openai-version", b"2020-10-01")]
        for kind, bucket in limits.buckets.items():
            found += _limit_headers(kind, bucket)
        return found

    def wait_headers(self, seconds: float, exact: bool) -> HeaderList:
        """retry-after in seconds and in milliseconds."""
        milliseconds = math.ceil(seconds * 1000)
        whole = f"{milliseconds / 1000:.3f}" if exact else str(math.ceil(seconds))
        return [(b"retry-after", whole.encode()), (b"retry-after-ms", str(milliseconds).encode())]

    def rejection(self, reason: str, detail: str = "", seconds: float = 0.0) -> Rejection:
        """OpenAI's words."""
        if reason == "rate":
            short = "RPM" if detail == "requests" else "TPM"
            text = f"Rate limit reached on {detail} per min ({short}). Please try again in {_span(seconds)}."
            return Rejection(429, detail, text, code="rate_limit_exceeded")
        if reason == "wrong-key":
            text = f"Incorrect API key provided: {detail[:4]}{'*' * 8}{detail[-4:]}. You can find your API key at …"
            return Rejection(401, INVALID, text, code="invalid_api_key")
        if reason == "model":
            text = f"The model `{detail}` does not exist or you do not have access to it."
            return Rejection(404, INVALID, text, code="model_not_found", param="model")
        status, kind, text, code = _WORDS[reason]
        return Rejection(status, kind, detail or text, code=code)


_WORDS: dict[str, tuple[int, str, str, str | None]] = {
    "no-key": (401, INVALID, "You didn't provide an API key in an Authorization header using Bearer auth.", None),
    "quota": (
        429,
        "insufficient_quota",
        "You exceeded your current quota, please check your plan and billing details.",
        "insufficient_quota",
    ),
    "server": (500, "server_error", "The server had an error while processing your request. Sorry about that!", None),
    "down": (503, "server_error", "The engine is currently overloaded, please try again later", None),
    "not-json": (400, INVALID, "We could not parse the JSON body of your request.", None),
    "malformed": (400, INVALID, "Invalid type for a parameter of your request.", None),
}


def _check(payload: Payload) -> None:
    unknown = payload.keys() - PARAMETERS
    if unknown:
        name = min(unknown)
        raise _invalid(f"Unknown parameter: '{name}'.", name, "unknown_parameter")
    if not isinstance(payload.get("model"), str) or not payload["model"]:
        raise _invalid("you must provide a model parameter", None, None)
    _check_messages(payload.get("messages"))
    _check_numbers(payload)
    if payload.get("stream"):
        raise _invalid("This simulator does not stream.", "stream", "unsupported_value")


def _check_messages(messages: Any) -> None:
    if messages is None:
        raise _invalid("Missing required parameter: 'messages'.", "messages", "missing_required_parameter")
    if not isinstance(messages, list) or not messages:
        text = "Invalid 'messages': expected an array with minimum length 1."
        raise _invalid(text, "messages", "empty_array")
    for place, message in enumerate(messages):
        if not isinstance(message, Mapping) or message.get("role") not in ROLES:
            text = f"Invalid value for 'messages[{place}].role'. Supported values are: {', '.join(ROLES)}."
            raise _invalid(text, f"messages[{place}].role", "invalid_value")
        if not isinstance(message.get("content"), str | list):
            text = "Invalid value for 'content': expected a string, got null."
            raise _invalid(text, f"messages.[{place}].content", None)


def _check_numbers(payload: Payload) -> None:
    temperature = payload.get("temperature", 1)
    if not isinstance(temperature, int | float) or not 0 <= temperature <= 2:
        text = f"Invalid 'temperature': expected a value between 0 and 2, but got {temperature!r} instead."
        raise _invalid(text, "temperature", "invalid_value")
    thinks = payload["model"].startswith(("gpt-5", "o1", "o3", "o4"))
    if thinks and "max_tokens" in payload:
        text = (
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
        )
        raise _invalid(text, "max_tokens", "unsupported_parameter")
    if thinks and temperature != 1:
        text = "Unsupported value: 'temperature' does not support this value with this model. Only the default (1) is."
        raise _invalid(text, "temperature", "unsupported_value")


def _most_tokens(payload: Payload) -> int | None:
    for name in ("max_completion_tokens", "max_tokens"):
        most = payload.get(name)
        if most is not None and (type(most) is not int or most < 1):
            raise _invalid(f"Invalid '{name}': expected a positive integer, but got {most!r} instead.", name, None)
        if most is not None:
            return int(most)
    return None


def _invalid(message: str, param: str | None, code: str | None) -> Rejection:
    return Rejection(400, INVALID, message, param=param, code=code)


def _usage(used: Used) -> dict[str, Any]:
    return {
        "prompt_tokens": used.prompt,
        "completion_tokens": used.output,
        "total_tokens": used.prompt + used.output,
        "prompt_tokens_details": {"cached_tokens": used.cached, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
    }


def _limit_headers(kind: str, bucket: Bucket) -> HeaderList:
    values = {"limit": f"{bucket.per_minute:.0f}", "remaining": str(bucket.remaining)}
    values["reset"] = _span(bucket.seconds_to_full)
    return [(f"x-ratelimit-{what}-{kind}".encode(), value.encode()) for what, value in values.items()]


def _span(seconds: float) -> str:
    """As OpenAI writes it: 12ms, 1.5s, 6m0s."""
    if seconds < 1:
        return f"{max(0, round(seconds * 1000))}ms"
    minutes, rest = divmod(round(seconds, 3), 60)
    return f"{minutes:.0f}m{rest:g}s" if minutes else f"{rest:g}s"
