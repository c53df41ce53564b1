"""A simulator whose time stands still until it is told to go on, and requests to it."""

import json
from collections.abc import Collection, Coroutine, Mapping
from functools import cache
from typing import Any, TypeVar

from schemas.base import Confidence, Contract
from schemas.enums import Family
from services.simulator.answering import Answers
from services.simulator.calls import Reply
from services.simulator.control import options_from
from services.simulator.options import SimulatorOptions
from services.simulator.simulator import Simulator
from shared.llm.rendering import item_ids, render_item, render_items, reply_schema
from shared.llm.vendors import dialects

EPOCH = 1_700_000_000.0
T = TypeVar("T")


class ColourReply(Contract):
    """What a model says of an item of these tests."""

    family: Family
    confidence: Confidence
    reasoning: str


class Echo:
    """Answers with the name of the item; knows one question."""

    def answer(self, question: str, facts: Mapping[str, Any]) -> Mapping[str, Any]:
        family = Family.PRICE_VALUE if "price" in str(facts.get("name")) else Family.TEMPORAL
        known = {"family": family.value, "confidence": 0.95, "reasoning": str(facts.get("name")), "surplus": 1}
        return known if question == "colour" else {}

    def recognise(self, fields: Collection[str]) -> str:
        return "colour" if "family" in fields else ""


class Bench:
    """A simulator with a hand on its clock."""

    def __init__(self, **options: Any) -> None:
        self.time = 0.0
        self.slept: list[float] = []
        settings: SimulatorOptions = options_from({"latency_mean": 0, **options})
        self.simulator = Simulator(
            settings,
            Answers([Echo()]),
            sleep=self._sleep,
            clock=lambda: self.time,
            now=lambda: EPOCH + self.time,
        )

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    def send(self, vendor: str, body: Mapping[str, Any], **headers: str) -> Reply | None:
        usual = {"authorization": "Bearer sk-abcdefghijkl", "anthropic-version": "2023-06-01"}
        return finished(self.simulator.serve(vendor, json.dumps(body).encode(), usual | headers))

    def openai(self, *names: str, **changes: Any) -> tuple[Reply, Any]:
        return _parsed(self.send("openai", openai_body(*names, **changes)))

    def anthropic(self, *names: str, **changes: Any) -> tuple[Reply, Any]:
        return _parsed(self.send("anthropic", anthropic_body(*names, **changes)))


def _parsed(reply: Reply | None) -> tuple[Reply, Any]:
    assert reply is not None
    return reply, json.loads(reply.body)


def finished(work: Coroutine[Any, Any, T]) -> T:
    """The result of work that never waits: an event loop would cost more than the work."""
    try:
        work.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    raise AssertionError("the work waits")


def items_text(*names: str) -> str:
    ids = item_ids(len(names))
    return render_items([render_item(item_id, {"name": name}) for item_id, name in zip(ids, names, strict=True)])


def schema(count: int = 1) -> dict[str, Any]:
    """A fresh copy, for tests that change it."""
    found: dict[str, Any] = json.loads(_schema(count))
    return found


@cache
def _schema(count: int) -> str:
    return json.dumps(dialects.openai_strict(reply_schema(ColourReply, item_ids(count))))


def openai_body(*names: str, instructions: str = "Decide.", **changes: Any) -> dict[str, Any]:
    form = {"type": "json_schema", "json_schema": {"name": "colour", "strict": True, "schema": schema(len(names))}}
    messages = [{"role": "system", "content": instructions}, {"role": "user", "content": items_text(*names)}]
    body = {"model": "gpt-4o-mini", "messages": messages, "response_format": form} | changes
    return {name: value for name, value in body.items() if value is not None}


def anthropic_body(*names: str, instructions: str = "Decide.", **changes: Any) -> dict[str, Any]:
    body = {
        "model": "claude-haiku-4-5",
        "max_tokens": 4000,
        "system": [{"type": "text", "text": instructions, "cache_control": {"type": "ephemeral"}}],
        "messages": [{"role": "user", "content": items_text(*names)}],
        "tools": [{"name": "colour", "input_schema": schema(len(names))}],
        "tool_choice": {"type": "tool", "name": "colour"},
    } | changes
    return {name: value for name, value in body.items() if value is not None}


def headers_of(reply: Reply) -> dict[str, str]:
    return {name.decode(): value.decode() for name, value in reply.headers}


def answers_of(body: Any) -> list[dict[str, Any]]:
    """The answers in an OpenAI body."""
    found: list[dict[str, Any]] = json.loads(body["choices"][0]["message"]["content"])["answers"]
    return found
