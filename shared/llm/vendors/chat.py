"""Vendors that speak OpenAI's chat completions: OpenAI, Google's compatible address, local servers."""

import json
import re
from collections.abc import Mapping
from typing import Any, ClassVar

import httpx2
import structlog
from openai import APIConnectionError, APIStatusError, AsyncOpenAI

from shared.llm.calls import Announced, CallOutcome, Completion, Request, Tokens
from shared.llm.vendors import dialects
from shared.llm.vendors.announcing import openai_limits
from shared.llm.vendors.answering import HttpAnswer, Unreadable, count, estimated, mapping, only_json, text_of
from shared.llm.vendors.base import Body, HttpVendor, answer_of, http_client
from shared.llm.vendors.endpoint import Endpoint
from shared.llm.vendors.failing import Complaint
from shared.llm.vendors.naming import schema_name
from shared.runtime.clock import Clock

log = structlog.get_logger()

_REASONING = re.compile(r"^(?:o\d|gpt-5)")
_FINISHES = {"length": CallOutcome.TRUNCATED, "content_filter": CallOutcome.REFUSED}


class ChatVendor(HttpVendor):
    """Any server with `/chat/completions`."""

    def __init__(self, endpoint: Endpoint, clock: Clock | None = None) -> None:
        super().__init__(endpoint, clock)
        self._client = AsyncOpenAI(
            api_key=endpoint.key.get_secret_value(),
            base_url=endpoint.base_url,
            max_retries=0,
            http_client=http_client(endpoint),
        )
        # The SDK takes these from the environment, and would send them to Google and local servers, too.
        self._client.organization = self._client.project = None

    async def close(self) -> None:
        """Close connections."""
        await self._client.close()

    async def _post(self, body: Body, timeout: httpx2.Timeout) -> HttpAnswer | Exception:
        # Not chat.completions.create: it walks the whole schema for half of the time a call takes of the processor.
        try:
            response = await self._client.post(
                "/chat/completions", cast_to=httpx2.Response, body=body, options={"timeout": timeout}
            )
        except APIStatusError as error:
            return answer_of(error.response)
        except (APIConnectionError, ValueError) as error:
            return error
        return answer_of(response)

    def _announced(self, headers: Mapping[str, str], taken: Tokens | None = None) -> Announced:
        return openai_limits(headers)

    def _completion(self, request: Request, answer: HttpAnswer) -> Completion:
        choices = answer.body.get("choices")
        if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
            raise Unreadable("it has no choices")
        message = mapping(choices[0].get("message"))
        refusal, text = text_of(message.get("refusal")), text_of(message.get("content"))
        finish = _FINISHES.get(text_of(choices[0].get("finish_reason")), CallOutcome.OK)
        return Completion(
            text=refusal or text,
            finish=CallOutcome.REFUSED if refusal else finish,
            tokens=_tokens(mapping(answer.body.get("usage"))) or estimated(request, text),
            model=text_of(answer.body.get("model")) or self.model,
            request_id=answer.request_id,
            announced=self._announced(answer.headers),
        )

    def _messages(self, request: Request, instructions: str) -> list[dict[str, str]]:
        messages = [{"role": "system", "content": instructions}, {"role": "user", "content": request.items}]
        if request.rejected:
            said, wrong = request.rejected
            messages += [{"role": "assistant", "content": said}, {"role": "user", "content": wrong}]
        return messages


class OpenAIVendor(ChatVendor):
    """OpenAI, with a schema that its answers are bound to."""

    optional = ("temperature", "prompt_cache_key", "reasoning_effort", "max_completion_tokens")

    def _body(self, request: Request) -> Body:
        body = {
            "model": self.model,
            "messages": self._messages(request, request.instructions),
            "response_format": _schema_format(request, dialects.openai_strict(request.schema), strict=True),
            "max_completion_tokens": request.max_output_tokens,
            "prompt_cache_key": request.question,
        }
        # Reasoning models take no temperature, and think longer than these questions are worth.
        style = (
            {"reasoning_effort": "low"} if _REASONING.match(self.model) else {"temperature": self.endpoint.temperature}
        )
        wanted = self._wanted(body | style)
        if "max_completion_tokens" in self._refused:  # proxies and servers of OpenAI's older dialect
            wanted["max_tokens"] = request.max_output_tokens
        return wanted


class GoogleVendor(ChatVendor):
    """Gemini at its OpenAI-compatible address."""

    optional = ("temperature", "reasoning_effort")

    def _body(self, request: Request) -> Body:
        body = {
            "model": self.model,
            "messages": self._messages(request, request.instructions),
            "response_format": _schema_format(request, dialects.gemini(request.schema)),
            "max_tokens": request.max_output_tokens,
            "temperature": self.endpoint.temperature,
        }
        # Otherwise its thoughts use up the tokens meant for the answer.
        thoughts = {"reasoning_effort": "none"} if self.model.startswith("gemini-2.5-flash") else {}
        return self._wanted(body | thoughts)


class LocalVendor(ChatVendor):
    """A server of one's own. What form of answers it can be held to is found out by asking."""

    optional = ("temperature",)
    forms: ClassVar[tuple[str, ...]] = ("json_schema", "json_object", "text")

    def __init__(self, endpoint: Endpoint, clock: Clock | None = None) -> None:
        super().__init__(endpoint, clock)
        self._form = 0

    def _body(self, request: Request) -> Body:
        schema, form = dialects.local(request.schema), self.forms[self._form]
        bound = form == "json_schema"
        body = {
            "model": self.model,
            "messages": self._messages(request, request.instructions if bound else _told(request, schema)),
            "max_tokens": request.max_output_tokens,
            "temperature": self.endpoint.temperature,
        }
        if form != "text":
            body["response_format"] = _schema_format(request, schema, strict=True) if bound else {"type": form}
        return self._wanted(body)

    def _learns(self, body: Body, answer: HttpAnswer, said: Complaint) -> bool:
        if super()._learns(body, answer, said):
            return True
        sent = self.forms.index(mapping(body.get("response_format")).get("type", "text"))
        refused = answer.status in {400, 422, 500, 501} and _is_about_form(said)
        if not refused or sent == len(self.forms) - 1:
            return False
        if self._form == sent:  # else a call beside this one has found it out
            self._form = sent + 1
            log.warning("the server knows no such form of answers", form=self.forms[sent], next=self.forms[self._form])
        return True

    def _completion(self, request: Request, answer: HttpAnswer) -> Completion:
        completion = super()._completion(request, answer)
        if completion.finish is not CallOutcome.OK or completion.text.lstrip().startswith("{"):
            return completion
        return Completion(
            only_json(completion.text),
            completion.finish,
            completion.tokens,
            completion.model,
            completion.request_id,
            completion.announced,
        )


def _schema_format(request: Request, schema: dialects.Schema, *, strict: bool | None = None) -> dict[str, Any]:
    named: dict[str, Any] = {"name": schema_name(request.question), "schema": schema}
    return {"type": "json_schema", "json_schema": named if strict is None else named | {"strict": strict}}


def _told(request: Request, schema: dialects.Schema) -> str:
    written = json.dumps(schema, ensure_ascii=False, separators=(",", ":"))
    return f"{request.instructions}\n\nAnswer with one JSON object alone. It must match this JSON Schema:\n{written}"


def _is_about_form(said: Complaint) -> bool:
    words = said.words.lower()
    return any(name in words for name in ("response_format", "json_schema", "json_object", "grammar", "schema"))


def _tokens(usage: dict[str, Any]) -> Tokens | None:
    """None if the server does not tell. Gemini leaves its thoughts out of the completion, but not out of the total."""
    given, said = count(usage.get("prompt_tokens")), count(usage.get("completion_tokens"))
    if not given:
        return None
    parts = mapping(usage.get("prompt_tokens_details"))
    cached = min(given, count(parts.get("cached_tokens")))
    return Tokens(
        input=given,
        cached=cached,
        cache_written=min(given - cached, count(parts.get("cache_write_tokens"))),
        output=max(said, count(usage.get("total_tokens")) - given),
    )
