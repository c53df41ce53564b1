"""Anthropic's messages. The answer is the input of a tool that the model has to use: every model can do that."""

import json
from collections.abc import Mapping
from typing import Any

import httpx2
from anthropic import APIConnectionError, APIStatusError, AsyncAnthropic

from shared.llm.calls import Announced, CallOutcome, Completion, Request, Tokens
from shared.llm.vendors import dialects
from shared.llm.vendors.announcing import anthropic_limits
from shared.llm.vendors.answering import HttpAnswer, Unreadable, count, estimated, mapping, only_json, text_of, writable
from shared.llm.vendors.base import Body, HttpVendor, answer_of, http_client
from shared.llm.vendors.endpoint import Endpoint
from shared.llm.vendors.naming import schema_name
from shared.runtime.clock import Clock

_FINISHES = {
    "max_tokens": CallOutcome.TRUNCATED,
    "model_context_window_exceeded": CallOutcome.TRUNCATED,
    "refusal": CallOutcome.REFUSED,
}


class AnthropicVendor(HttpVendor):
    """Claude."""

    optional = ("temperature", "tool_choice")  # models that always think cannot be forced

    def __init__(self, endpoint: Endpoint, clock: Clock | None = None) -> None:
        super().__init__(endpoint, clock)
        self._client = AsyncAnthropic(
            api_key=endpoint.key.get_secret_value(),
            base_url=endpoint.base_url,
            max_retries=0,
            http_client=http_client(endpoint),
            open_telemetry=False,  # the gateway has spans of its own for every vendor
        )

    async def close(self) -> None:
        """Close connections."""
        await self._client.close()

    def _body(self, request: Request) -> Body:
        name = schema_name(request.question)
        body = {
            "model": self.model,
            "max_tokens": request.max_output_tokens,
            "temperature": self.endpoint.temperature,
            "tools": [
                {"name": name, "description": "Hand in the answers.", "input_schema": dialects.plain(request.schema)}
            ],
            "tool_choice": {"type": "tool", "name": name, "disable_parallel_tool_use": True},
            "system": [{"type": "text", "text": request.instructions, "cache_control": {"type": "ephemeral"}}],
            "messages": _messages(request),
        }
        return self._wanted(body)

    async def _post(self, body: Body, timeout: httpx2.Timeout) -> HttpAnswer | Exception:
        # Not messages.create: it names sampling parameters no longer, and walks the whole schema for a third of the
        # time that a call takes of the processor.
        try:
            response = await self._client.post(
                "/v1/messages", cast_to=httpx2.Response, body=body, options={"timeout": timeout}
            )
        except APIStatusError as error:
            return answer_of(error.response)
        except (APIConnectionError, ValueError) as error:
            return error
        return answer_of(response)

    def _completion(self, request: Request, answer: HttpAnswer) -> Completion:
        blocks = answer.body.get("content")
        if not isinstance(blocks, list):
            raise Unreadable("it has no content")
        text = _text([mapping(block) for block in blocks])
        tokens = _tokens(mapping(answer.body.get("usage"))) or estimated(request, text)
        return Completion(
            text=text,
            finish=_FINISHES.get(text_of(answer.body.get("stop_reason")), CallOutcome.OK),
            tokens=tokens,
            model=text_of(answer.body.get("model")) or self.model,
            request_id=answer.request_id,
            announced=self._announced(answer.headers, tokens),
        )

    def _announced(self, headers: Mapping[str, str], taken: Tokens | None = None) -> Announced:
        return anthropic_limits(headers, taken, self._clock.now())


def _messages(request: Request) -> list[dict[str, str]]:
    messages = [{"role": "user", "content": request.items}]
    if request.rejected:
        said, wrong = request.rejected
        # An empty turn is not allowed.
        messages += [{"role": "assistant", "content": said.strip() or "(nothing)"}, {"role": "user", "content": wrong}]
    return messages


def _text(blocks: list[dict[str, Any]]) -> str:
    for block in blocks:
        if block.get("type") == "tool_use":
            return writable(json.dumps(block.get("input"), ensure_ascii=False, separators=(",", ":")))
    return only_json("".join(text_of(block.get("text")) for block in blocks))


def _tokens(usage: dict[str, Any]) -> Tokens | None:
    """None if they are not told. Here `input_tokens` leaves out what was read from or written to the cache."""
    cached, written = count(usage.get("cache_read_input_tokens")), count(usage.get("cache_creation_input_tokens"))
    given = count(usage.get("input_tokens")) + cached + written
    if not given:
        return None
    return Tokens(input=given, cached=cached, cache_written=written, output=count(usage.get("output_tokens")))
