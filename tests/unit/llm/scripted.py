"""A vendor that follows a script, and a door that is open: for tests of what happens between them."""

import asyncio
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import JsonValue

from schemas.base import Contract
from shared.llm.calls import CallOutcome, Closed, Completion, Permit, Plan, Request, Result, Tokens, VendorError
from shared.llm.question import Prompt, Question
from shared.llm.rendering import parse_items


class Word(Contract):
    """A fact. `tint` is what the right answer is about."""

    text: str
    tint: str = ""


class Verdict(Contract):
    """What the model says."""

    letters: int


class Length(Contract):
    """The stage's answer."""

    letters: int


def accept(word: Word, verdict: Verdict) -> Length:
    if verdict.letters != len(word.text):
        raise ValueError(f"{word.text} does not have {verdict.letters} letters")
    return Length(letters=verdict.letters)


LENGTH: Question[Word, Length] = Question(
    "length",
    prompt=Prompt(
        instructions="Count the letters.",
        reply=Verdict,
        facts=lambda word: {"text": word.text, "tint": word.tint},
        identity=lambda word: {"text": word.text},
        accept=accept,
        output_tokens=10,
    ),
)

Line = Callable[[Request], Completion]
"""What the vendor does at one call; it may raise VendorError."""


def items_of(request: Request) -> list[tuple[str, dict[str, JsonValue]]]:
    return parse_items(request.items)


def right(request: Request) -> Completion:
    """Every item, as it should be."""
    return completion([{"id": key, "letters": len(str(facts["text"]))} for key, facts in items_of(request)])


def completion(replies: Sequence[dict[str, Any]], finish: CallOutcome = CallOutcome.OK) -> Completion:
    return Completion(json.dumps({"answers": replies}), finish, Tokens(input=100, output=10 * len(replies)), "parrot-1")


def says(text: str, finish: CallOutcome = CallOutcome.OK) -> Line:
    return lambda _: Completion(text, finish, Tokens(input=100, output=5), "parrot-1")


def fails(outcome: CallOutcome, **details: Any) -> Line:
    def line(_: Request) -> Completion:
        raise VendorError(outcome, f"it said {outcome}", **details)

    return line


@dataclass
class ScriptedVendor:
    """Plays the lines in order, then answers right for ever."""

    lines: list[Line] = field(default_factory=list)
    always: Line = right
    requests: list[Request] = field(default_factory=list)
    provider: str = "local"
    model: str = "parrot-1"
    gate: asyncio.Event | None = None
    """Calls wait until it is set."""

    async def complete(self, request: Request) -> Completion:
        self.requests.append(request)
        if self.gate:
            await self.gate.wait()
        line = self.lines.pop(0) if self.lines else self.always
        return line(request)

    async def close(self) -> None:
        pass

    def asked(self) -> list[list[str]]:
        """The texts of each call."""
        return [[str(facts["text"]) for _, facts in items_of(request)] for request in self.requests]


@dataclass
class OpenDoor:
    """Lets every call pass and writes it down."""

    plans: list[Plan] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)
    closed: Closed | None = None

    async def enter(self, plan: Plan) -> Permit:
        if self.closed:
            raise self.closed
        self.plans.append(plan)
        return Permit(str(len(self.plans)), plan)

    async def settle(self, permit: Permit, result: Result) -> None:
        self.results.append(result)

    def drain(self) -> None:
        self.closed = Closed("draining")

    async def __aenter__(self) -> "OpenDoor":
        return self

    async def __aexit__(self, *_: object) -> None:
        pass


class QuickClock:
    """Waits are noted instead of waited."""

    def __init__(self) -> None:
        self.waits: list[float] = []

    now = staticmethod(time.time)
    monotonic = staticmethod(time.monotonic)

    async def wait(self, seconds: float, until: asyncio.Event) -> None:
        self.waits.append(seconds)
