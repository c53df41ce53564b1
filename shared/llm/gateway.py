"""One door to every model. A stage asks a question about many items and gets one answer each.

Which model answers an item is chosen by its request, else for the stage, else for all; where that one cannot be had,
the next of the fallback chain is asked. In a cascade the embedded model answers what it is sure of.
"""

import asyncio
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any, Protocol, Self

from shared.errors import Unavailable, UsageError
from shared.llm.choice import Choice, parse_choice
from shared.llm.question import A, Answer, F, Prompt, Question
from shared.runtime.envelope import Envelopes
from shared.runtime.outcome import Usage
from shared.settings import EMBEDDED_PROVIDER

EMBEDDED = EMBEDDED_PROVIDER

__all__ = [
    "EMBEDDED",
    "Answer",
    "Ask",
    "Down",
    "EmbeddedProvider",
    "Gateway",
    "Prompt",
    "Provider",
    "Question",
    "Routes",
    "Routing",
]


@dataclass(frozen=True, slots=True)
class Down:
    """The provider cannot answer now, and why. `retry_after` in seconds, None if nobody knows."""

    reason: str
    retry_after: float | None = None
    comes: bool = False
    """It is on its way, or left to this process's successor: who asked comes back, and asks nobody else meanwhile."""


class Provider(ABC):
    """Answers questions. One that holds connections opens them with its context."""

    @abstractmethod
    async def answer(self, question: Question[Any, Any], facts: Sequence[Any]) -> Sequence[Answer[Any] | Down]:
        """One answer for each of `facts`, in order. Raises TransientError."""

    def take_back(self, question: Question[Any, Any], fact: Any, usage: Usage) -> None:  # noqa: B027 -- most send no bill
        """The answer was of no use yet: `usage` goes with the next one to the same question about `fact`."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(  # noqa: B027 -- most providers hold nothing
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def drain(self) -> None:  # noqa: B027 -- most providers make no calls
        """Make no new calls; those in flight may finish."""


class EmbeddedProvider(Provider):
    """The model that ships with Sluice."""

    async def answer(self, question: Question[Any, Any], facts: Sequence[Any]) -> Sequence[Answer[Any] | Down]:
        """Answer in this process."""
        if not question.has_embedded:
            return [Answer(None, reason=f"the embedded model does not answer {question.name}")] * len(facts)
        values, model = question.load()(facts)
        usage = Usage(provider=EMBEDDED, model=model)
        return [Answer(value, usage) for value in values]


class Routing(Protocol):
    """Which provider is meant where nobody asked for one. The settings have this form."""

    @property
    def fallback(self) -> tuple[str, ...]:
        """Asked in this order where the chosen provider is down."""

    @property
    def cascade(self) -> bool:
        """Whether the embedded model answers first by default."""

    @property
    def cascade_confidence(self) -> float:
        """At this confidence, 0..1, the embedded model's answer stands."""

    def own_provider(self, stage: str) -> str | None:
        """The provider set for this very stage."""

    def provider_for(self, stage: str) -> str:
        """The provider set for the stage, else for all."""


@dataclass(frozen=True, slots=True)
class Routes:
    """The same provider for every stage."""

    provider: str = EMBEDDED
    fallback: tuple[str, ...] = ()
    cascade: bool = False
    cascade_confidence: float = 1.0

    def own_provider(self, stage: str) -> str | None:
        """No stage has one of its own."""
        return None

    def provider_for(self, stage: str) -> str:
        """The one there is."""
        return self.provider


class Gateway:
    """Sends each item's question to the provider chosen for it. Providers are open inside its context."""

    def __init__(self, providers: Mapping[str, Provider], routing: Routing) -> None:
        self._providers = providers
        self._routing = routing
        self._open = AsyncExitStack()

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            for provider in self._providers.values():
                await stack.enter_async_context(provider)
            self._open = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._open.aclose()

    def drain(self) -> None:
        """Make no new calls; those in flight may finish."""
        for provider in self._providers.values():
            provider.drain()

    def hindrance(self, name: str) -> str:
        """Why an item that asks for provider `name` cannot have it; empty if it can, or if it asks for none."""
        return _hindrance(name, self._providers) if name else ""

    def chain_of(self, stage: str) -> list[str]:
        """Names of the providers that the settings choose for a stage, in the order in which they are asked."""
        return list(_chain_of(parse_choice(self._routing.provider_for(_setting_name(stage))), self._routing))

    @property
    def has_vendors(self) -> bool:
        """Whether it may make calls over the network, for which it needs the database."""
        return any(name != EMBEDDED for name in self._providers)

    def ask(self, stage: str, envelopes: Envelopes) -> "Ask":
        """The gateway as one stage sees it for one batch."""
        return self.ask_for(stage, [envelope.provider for envelope in envelopes])

    def ask_for(self, stage: str, wishes: Sequence[str]) -> "Ask":
        """The same for items that travel in no envelopes: `wishes` are the providers they ask for, empty for none."""
        return Ask(self._providers, wishes, self._routing, _setting_name(stage))


def _hindrance(name: str, providers: Mapping[str, Provider]) -> str:
    try:
        known = parse_choice(name).provider in providers
    except UsageError:
        known = False
    return "" if known else f"provider {name!r} is not available; choose one of: {', '.join(sorted(providers))}"


def _chain_of(choice: Choice, routing: Routing) -> tuple[str, ...]:
    others = (parse_choice(name).provider for name in routing.fallback)
    return tuple(dict.fromkeys((choice.provider, *others)))


def _setting_name(stage: str) -> str:
    return stage.replace("-", "_")


class Ask:
    """What a stage asks for: call it with a question and the facts of its items.

    `wishes`: the provider that each item of the batch asks for, empty where it asks for none.
    """

    def __init__(
        self,
        providers: Mapping[str, Provider],
        wishes: Sequence[str],
        routing: Routing | None = None,
        stage: str = "",
    ) -> None:
        self._providers = providers
        self._wishes = wishes
        self._routing: Routing = routing or Routes()
        self._stage = stage
        self._billed: list[tuple[Provider, Question[Any, Any], Any, Usage]] = []

    async def __call__(
        self, question: Question[F, A], facts: Sequence[F], places: Sequence[int] | None = None
    ) -> Sequence[Answer[A]]:
        """One answer for each of `facts`, in order. `places`: where their items stand in the batch, default all.

        Raises TransientError; Unavailable if no provider of the chain can answer now.
        """
        groups: defaultdict[Choice | str, list[int]] = defaultdict(list)
        for index, place in enumerate(range(len(self._wishes)) if places is None else places):
            groups[self._choice(question, self._wishes[place])].append(index)
        given = await self._all(
            self._chosen(choice, question, [facts[index] for index in group]) for choice, group in groups.items()
        )
        answers: list[Answer[A]] = [Answer(None)] * len(facts)
        for group, found in zip(groups.values(), given, strict=True):
            for index, answer in zip(group, found, strict=True):
                answers[index] = answer
        return answers

    def choice(self, question: Question[Any, Any], place: int) -> str:
        """Name of the provider that will be asked about the item at `place` of the batch."""
        choice = self._choice(question, self._wishes[place])
        return choice if isinstance(choice, str) else choice.provider

    def _choice(self, question: Question[Any, Any], wish: str) -> Choice | str:
        """Who shall answer; as text where nobody of that name can."""
        if question.optional:
            return parse_choice(self._routing.own_provider(self._stage) or EMBEDDED)
        if not wish:
            choice = parse_choice(self._routing.provider_for(self._stage))
            return replace(choice, cascade=choice.cascade or self._routing.cascade)
        return wish if _hindrance(wish, self._providers) else parse_choice(wish)

    async def _all(self, asked: Iterable[Awaitable[Sequence[Answer[A]]]]) -> Sequence[Sequence[Answer[A]]]:
        """What all bring. If one fails the caller asks everything again, and the bills of the others wait for that."""
        ended = await asyncio.gather(*asked, return_exceptions=True)
        found = [one for one in ended if not isinstance(one, BaseException)]
        if len(found) < len(ended):
            for provider, *billed in self._billed:
                provider.take_back(*billed)
            self._billed.clear()
            raise next(one for one in ended if isinstance(one, BaseException))
        return found

    async def _chosen(self, choice: Choice | str, question: Question[F, A], facts: Sequence[F]) -> Sequence[Answer[A]]:
        if isinstance(choice, str):
            return [Answer(None, reason=_hindrance(choice, self._providers))] * len(facts)
        if choice.cascade and question.confidence and question.has_embedded and choice.provider != EMBEDDED:
            return await self._cascade(choice, question, facts)
        return await self._chain(self._names(choice), question, facts)

    def _names(self, choice: Choice) -> tuple[str, ...]:
        return _chain_of(choice, self._routing)

    async def _cascade(self, choice: Choice, question: Question[F, A], facts: Sequence[F]) -> Sequence[Answer[A]]:
        """The embedded model's answer where it is sure, else the chosen provider's with the other beside it."""
        first = list(await self._chain((EMBEDDED,), question, facts))
        unsure = [index for index, answer in enumerate(first) if not self._is_sure(question, answer)]
        later = await self._chain(self._names(choice), question, [facts[index] for index in unsure])
        for index, answer in zip(unsure, later, strict=True):
            first[index] = replace(answer, prior=first[index])
        return first

    def _is_sure(self, question: Question[F, A], answer: Answer[A]) -> bool:
        if answer.value is None or question.confidence is None:
            return False
        return question.confidence(answer.value) >= self._routing.cascade_confidence

    async def _chain(self, names: Sequence[str], question: Question[F, A], facts: Sequence[F]) -> Sequence[Answer[A]]:
        """Ask the first provider; what it cannot do now goes to the next, unless it comes. Raises Unavailable."""
        answers: dict[int, Answer[A]] = {}
        todo, down = list(range(len(facts))), Down("")
        for name in names:
            if not todo or down.comes:
                break
            provider, left = self._providers[name], []
            given = await provider.answer(question, [facts[index] for index in todo])
            for index, answer in zip(todo, given, strict=True):
                if isinstance(answer, Down):
                    left.append(index)
                    down = down if down.comes else answer
                else:
                    answers[index] = answer
                    self._billed.append((provider, question, facts[index], answer.usage))
            todo = left
        if todo:
            raise Unavailable(f"{question.name}: {down.reason}", retry_after=down.retry_after)
        return [answers[index] for index in range(len(facts))]
