"""A language model whose words a test chooses, behind the real gateway."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from schemas.indicator import Indicator
from services.classification.in_memory import GatewayFor
from shared.llm.gateway import Ask, Down, EmbeddedProvider, Provider, Routes
from shared.llm.question import Answer, Question
from shared.runtime.outcome import Usage

Reply = Mapping[str, Any]
USAGE = Usage("openai", "small", tokens_in=100, tokens_out=10, cost_usd=0.5)


class Words(Provider):
    """Says, by question, what the test wants said: replies in order, the last one repeated, or None for no answer."""

    def __init__(self, **replies: Sequence[Reply | None]) -> None:
        self._replies = {name.replace("_", "-"): list(said) for name, said in replies.items()}
        self.heard: defaultdict[str, list[Mapping[str, Any]]] = defaultdict(list)
        """Question -> facts of every item that it was asked about."""

    async def answer(self, question: Question[Any, Any], facts: Sequence[Any]) -> Sequence[Answer[Any] | Down]:
        return [self._one(question, item) for item in facts]

    def _one(self, question: Question[Any, Any], item: Any) -> Answer[Any]:
        prompt = question.prompt
        assert prompt is not None
        self.heard[question.name].append(prompt.facts(item))
        said = self._replies[question.name]
        reply = said.pop(0) if len(said) > 1 else said[0]
        if reply is None:
            return Answer(None, USAGE, "the model is silent")
        return Answer(prompt.accept(item, prompt.reply.model_validate(reply)), USAGE)


def gateway(words: Provider, **routes: Any) -> GatewayFor:
    """A gateway that asks `words` at every stage that it may."""
    chosen = Routes(**{"provider": "openai", **routes})
    providers: dict[str, Provider] = {"embedded": EmbeddedProvider(), "openai": words}
    return lambda stage, count: Ask(providers, [""] * count, chosen, stage)


def indicator(name: str, units: str = "", **fields: object) -> Indicator:
    return Indicator.model_validate({"indicator_id": f"{name}/{units}", "name": name, "units": units, **fields})
