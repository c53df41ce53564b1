"""A question whose right answer everybody can work out: each thing has a code of its own."""

import zlib
from collections.abc import Collection, Mapping
from typing import Any

from schemas.base import Contract
from shared.llm.question import Prompt, Question

NAME = "code"


class Thing(Contract):
    """What is asked about."""

    number: int


class Code(Contract):
    """What a model says of it."""

    code: int


def code_of(name: str) -> int:
    """The right answer."""
    return zlib.crc32(name.encode())


def name_of(number: int) -> str:
    """How a thing is shown to a model."""
    return f"thing number {number}"


CODE: Question[Thing, Code] = Question(
    NAME,
    prompt=Prompt(
        instructions="Each item has a name. Answer with the code of that name.",
        reply=Code,
        facts=lambda thing: {"name": name_of(thing.number)},
        identity=lambda thing: {"number": thing.number},
        accept=lambda _, reply: reply,
        output_tokens=12,
    ),
)


class Codes:
    """Answers as a perfect model would."""

    def answer(self, question: str, facts: Mapping[str, Any]) -> Mapping[str, Any]:
        """The code of the item's name."""
        return {"code": code_of(facts["name"])} if question == NAME else {}

    def recognise(self, fields: Collection[str]) -> str:
        """The question by the fields of its reply."""
        return NAME if "code" in fields else ""
