"""A provider that asks nobody: it notes what would be asked, and has the embedded model stand in for the answers."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from schemas.base import Contract
from shared.database import Executor
from shared.llm.batching import TYPICAL_ID
from shared.llm.gateway import Down, Provider
from shared.llm.keys import Keys
from shared.llm.pricing import estimate_tokens
from shared.llm.question import Answer, Prompt, Question
from shared.llm.rendering import render_item
from shared.llm.store import queries
from shared.runtime.outcome import Usage

TYPICAL_SENTENCE = "Values of this kind, in this unit, are what is said above."
"""As long as the reasons that models give where one short sentence is asked for."""


@dataclass(slots=True)
class Asked:
    """What would be asked of one question. `sizes`: of the items that need a call, estimated tokens, batch by batch."""

    question: Question[Any, Any]
    prompt: Prompt[Any, Any]
    keys: Keys
    items: int = 0
    distinct: int = 0
    cached: int = 0
    sizes: list[list[int]] = field(default_factory=list)
    output: int = 0
    """Estimated tokens of their replies."""
    seen: set[bytes] = field(default_factory=set)
    replies: dict[bytes, Contract] = field(default_factory=dict)
    """Answers that are kept already: better stand-ins than any other."""


class Rehearsal(Provider):
    """Stands in for one vendor's model at `place` (see Keys). `database` None: what is kept there is not looked at."""

    def __init__(
        self,
        provider: str,
        model: str,
        *,
        temperature: float,
        coalesce: bool,
        database: Executor | None,
        place: str = "",
    ) -> None:
        self.provider = provider
        self.model = model
        self.asked: dict[str, Asked] = {}
        self._temperature = temperature
        self._place = place
        self._coalesce = coalesce
        self._database = database

    async def answer(self, question: Question[Any, Any], facts: Sequence[Any]) -> Sequence[Answer[Any] | Down]:
        """One answer for each of `facts`: a kept one, else the embedded model's."""
        if question.prompt is None or not question.has_embedded:
            return [Answer(None, reason=f"nobody can stand in for {question.name}")] * len(facts)
        asked = self._asked(question, question.prompt)
        keys = [asked.keys.of(asked.prompt.identity(one)) for one in facts]
        await self._look_up(asked, [key for key in dict.fromkeys(keys) if key not in asked.seen])
        stand_ins, _ = question.load()(facts)
        self._note(asked, facts, keys, stand_ins)
        usage = Usage(provider=self.provider, model=self.model)
        return [
            Answer(_kept(asked, one, key, stand_in), usage)
            for one, key, stand_in in zip(facts, keys, stand_ins, strict=True)
        ]

    def _asked(self, question: Question[Any, Any], prompt: Prompt[Any, Any]) -> Asked:
        if question.name not in self.asked:
            keys = Keys(question, self.provider, self.model, self._temperature, self._place)
            self.asked[question.name] = Asked(question, prompt, keys)
        return self.asked[question.name]

    async def _look_up(self, asked: Asked, keys: Sequence[bytes]) -> None:
        if self._database is None or not keys:
            return
        for row in await self._database.fetch(queries()["cached_answers"], list(keys)):
            asked.replies[row["key"]] = asked.prompt.reply.model_validate_json(row["value"])

    def _note(self, asked: Asked, facts: Sequence[Any], keys: Sequence[bytes], stand_ins: Sequence[Any]) -> None:
        asked.items += len(facts)
        sizes = list[int]()
        for one, key, stand_in in zip(facts, keys, stand_ins, strict=True):
            if key in asked.seen and (self._coalesce or key in asked.replies):
                continue
            asked.distinct += 1
            asked.seen.add(key)
            if key in asked.replies:
                asked.cached += 1
            else:
                sizes.append(_size(asked.prompt.facts(one)))
                asked.output += _reply_size(asked.prompt, stand_in)
        asked.sizes.append(sizes)


def _size(facts: Mapping[str, Any]) -> int:
    return estimate_tokens(render_item(TYPICAL_ID, facts))


def _reply_size(prompt: Prompt[Any, Any], stand_in: Any) -> int:
    """Tokens of a reply that says what the stand-in says, in a sentence of usual length."""
    values = {name: getattr(stand_in, name, None) for name in prompt.reply.model_fields}
    if all(value is None for value in values.values()):
        return prompt.output_tokens
    told = values if prompt.echoes else {name: _told(value) for name, value in values.items()}
    return estimate_tokens(json.dumps({"id": TYPICAL_ID, **told}, separators=(",", ":"), default=str))


def _told(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 2)
    return TYPICAL_SENTENCE if isinstance(value, str) and not isinstance(value, Enum) else value


def _kept(asked: Asked, facts: Any, key: bytes, stand_in: Any) -> Any:
    reply = asked.replies.get(key)
    if reply is None:
        return stand_in
    try:
        return asked.prompt.accept(facts, reply)
    except ValueError:
        return stand_in
