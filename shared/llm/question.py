"""What a stage asks: a question about many items, how the embedded model answers it, how a language model is asked."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Generic, TypeVar

from pydantic import JsonValue

from schemas.base import Contract
from shared.runtime.outcome import NO_USAGE, Usage

F = TypeVar("F", bound=Contract)
A = TypeVar("A", bound=Contract)

Embedded = Callable[[], Callable[[Sequence[F]], tuple[Sequence[A], str]]]
"""Loads a function from the facts of many items to their answers and the name of the model that gave them."""


@dataclass(frozen=True, slots=True)
class Prompt(Generic[F, A]):
    """How a language model is asked about one item; many items travel in one call, joined by id alone."""

    instructions: str
    """The static part. It comes first and is byte-identical in every call, so that vendors can cache it."""
    reply: type[Contract]
    """What the model says of one item. All its fields are demanded; descriptions and enums go into the schema."""
    facts: Callable[[F], Mapping[str, JsonValue]]
    """What the model is shown of an item. Untrusted text: it is fenced as data."""
    identity: Callable[[F], Mapping[str, JsonValue]]
    """What the answer depends on, in canonical form, and nothing else: equal identities share one answer."""
    accept: Callable[[F, Any], A]
    """The stage's answer from a valid reply. Raises ValueError with a sentence that tells the model what is wrong."""
    output_tokens: int = 80
    """Of one item's reply, until real ones have been counted."""
    echoes: bool = False
    """The reply says the item's text again: beside `output_tokens` it takes about as many as the item."""


class Question(Generic[F, A]):
    """Something to decide about an item.

    Without `embedded` no model of ours can answer it, without `prompt` no language model can. `optional`: a language
    model is asked only by the stage's own setting, never because the request or the general default names one.
    `confidence` of an answer, 0..1, lets a cascade ask the language model only where the embedded one is not sure.
    """

    def __init__(
        self,
        name: str,
        embedded: Embedded[F, A] | None = None,
        prompt: Prompt[F, A] | None = None,
        *,
        optional: bool = False,
        confidence: Callable[[A], float] | None = None,
    ) -> None:
        self.name = name
        self.prompt = prompt
        self.optional = optional
        self.confidence = confidence
        self.has_embedded = embedded is not None
        self.load = cache(embedded or _nobody(name))
        """The embedded model's function; loaded once."""


def _nobody(name: str) -> Callable[[], Any]:
    def load() -> Any:
        raise LookupError(f"the embedded model does not answer {name}")

    return load


@dataclass(frozen=True, slots=True)
class Answer(Generic[A]):
    """An answer, or None and why there is none. `prior`: what the embedded model said first, in a cascade."""

    value: A | None
    usage: Usage = NO_USAGE
    reason: str = ""
    prior: "Answer[A] | None" = None
