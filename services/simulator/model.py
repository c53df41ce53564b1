"""The model behind the simulated vendor: what it says to a call."""

import json
import random
from collections.abc import Collection
from typing import Any

from services.simulator.answering import Answers
from services.simulator.calls import Call, Said
from services.simulator.damage import AFTER, BEFORE, cut, damage, obey
from services.simulator.replies import ID
from services.simulator.tokens import count_tokens
from services.simulator.wire import as_json

REFUSAL = "I'm sorry, but I can't help with that request."
GREETING = "This is a simulated model. It answers questions about fenced items."


class SimulatedModel:
    """Right answers, made wrong by faults."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers

    def says(self, call: Call, struck: Collection[str], chance: random.Random) -> tuple[Said, int]:
        """The answer, and its tokens: no more than the call allows."""
        said = self._said(call, struck, chance)
        tokens = count_tokens(said.text)
        if call.max_tokens is None or tokens <= call.max_tokens:
            return said, tokens
        kept = said.text[: len(said.text) * call.max_tokens // tokens]
        return Said(kept, finish="length", whole=False, before=said.before), call.max_tokens

    def _said(self, call: Call, struck: Collection[str], chance: random.Random) -> Said:
        if "refusal" in struck:
            return Said(REFUSAL, finish="refusal", whole=False)
        if not call.items and not call.plan.fields:
            return Said(GREETING, whole=False)
        answers = [{ID: item_id, **self._reply(call, facts)} for item_id, facts in call.items]
        if "obeyed" in struck:
            answers = obey(answers, call.items, call.plan, chance)
        text = as_json({"answers": damage(answers, call.plan, struck, chance)})
        if "cut_json" in struck:
            return Said(cut(text, chance), whole=False)
        if "truncated" in struck:
            return Said(cut(text, chance), finish="length", whole=False)
        return Said(text, before=BEFORE, after=AFTER) if "prose" in struck else Said(text)

    def _reply(self, call: Call, facts: dict[str, Any]) -> dict[str, Any]:
        return call.plan.reply(self._answers.answer(call.plan.question, facts))


def mentions(call: Call, text: str) -> bool:
    """Whether one of the call's items holds the text."""
    return any(text in json.dumps(facts, ensure_ascii=False) for _, facts in call.items)
