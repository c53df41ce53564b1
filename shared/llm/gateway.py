"""One door to every model. A stage asks a question about many items and gets one answer each.

A question knows how the embedded model answers it, so every question works without a network.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Generic, Protocol, TypeVar

from schemas.base import Contract
from shared.errors import UsageError
from shared.runtime.envelope import Envelopes
from shared.runtime.outcome import NO_USAGE, Usage

F = TypeVar("F", bound=Contract)
A = TypeVar("A", bound=Contract)

EMBEDDED = "embedded"


class Question(Generic[F, A]):
    """Something to decide about an item, and how the embedded model decides it.

    `embedded` loads a function from the facts of many items to their answers and the name of the model that gave them.
    """

    def __init__(self, name: str, embedded: Callable[[], Callable[[Sequence[F]], tuple[Sequence[A], str]]]) -> None:
        self.name = name
        self.load = cache(embedded)
        """The function; loaded once."""


@dataclass(frozen=True, slots=True)
class Answer(Generic[A]):
    """An answer, or None and why there is none."""

    value: A | None
    usage: Usage = NO_USAGE
    reason: str = ""


class Provider(Protocol):
    """Answers questions. Raises TransientError when it may work later."""

    async def answer(self, question: Question[Any, Any], facts: Sequence[Any]) -> Sequence[Answer[Any]]:
        """One answer for each of `facts`, in order."""
        ...


class EmbeddedProvider:
    """The model that ships with Sluice."""

    async def answer(self, question: Question[Any, Any], facts: Sequence[Any]) -> Sequence[Answer[Any]]:
        """Answer in this process."""
        values, model = question.load()(facts)
        usage = Usage(provider=EMBEDDED, model=model)
        return [Answer(value, usage) for value in values]


class Gateway:
    """Sends each item's question to the provider chosen for it: by its request, else for the stage, else for all."""

    def __init__(self, providers: Mapping[str, Provider], provider_for: Callable[[str], str]) -> None:
        self._providers = providers
        self._provider_for = provider_for

    def check(self, name: str) -> None:
        """Raises UsageError if there is no provider of that name."""
        if name not in self._providers:
            raise UsageError(
                f"provider {name!r} is not available", remedy=f"choose one of: {', '.join(sorted(self._providers))}"
            )

    def hindrance(self, name: str) -> str:
        """Why an item that asks for provider `name` cannot have it; empty if it can, or if it asks for none."""
        return _unavailable(name, self._providers) if name and name not in self._providers else ""

    def check_stage(self, stage: str) -> None:
        """Raises UsageError if the provider that the settings choose for a stage is not available."""
        self.check(self._provider_for(_setting_name(stage)))

    def ask(self, stage: str, envelopes: Envelopes) -> "Ask":
        """The gateway as one stage sees it for one batch."""
        default = self._provider_for(_setting_name(stage))
        return Ask(self._providers, [envelope.provider or default for envelope in envelopes])


def _unavailable(name: str, providers: Mapping[str, Provider]) -> str:
    return f"provider {name!r} is not available; choose one of: {', '.join(sorted(providers))}"


def _setting_name(stage: str) -> str:
    return stage.replace("-", "_")


class Ask:
    """What a stage asks for: call it with a question and the facts of its items, in the order of the batch."""

    def __init__(self, providers: Mapping[str, Provider], choices: Sequence[str]) -> None:
        self._providers = providers
        self._choices = choices

    async def __call__(self, question: Question[F, A], facts: Sequence[F]) -> Sequence[Answer[A]]:
        """One answer for each of `facts`. Raises TransientError."""
        groups: defaultdict[str, list[int]] = defaultdict(list)
        for index, choice in enumerate(self._choices):
            groups[choice].append(index)
        answers: list[Answer[A]] = [Answer(None)] * len(facts)
        for choice, places in groups.items():
            given = await self._answers(choice, question, [facts[place] for place in places])
            for place, answer in zip(places, given, strict=True):
                answers[place] = answer
        return answers

    async def _answers(self, choice: str, question: Question[F, A], facts: Sequence[F]) -> Sequence[Answer[A]]:
        provider = self._providers.get(choice)
        if provider is None:
            return [Answer(None, reason=_unavailable(choice, self._providers))] * len(facts)
        return await provider.answer(question, facts)
