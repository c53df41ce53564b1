"""Who knows the answers: pipelines register a factory under the entry point group `sluice.simulated_answers`."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from shared.pipelines import installed

GROUP = "sluice.simulated_answers"


class Answerer(Protocol):
    """Answers a pipeline's questions as a good model would. A factory takes the path of a labels file, or None."""

    def answer(self, question: str, facts: Mapping[str, Any]) -> Mapping[str, Any]:
        """What to say of one item, by field; empty if the question is not one of this pipeline's."""
        ...

    def recognise(self, fields: Collection[str]) -> str:
        """The question whose reply has these fields, for requests that do not name it; empty if there is none."""
        ...


class Answers:
    """All pipelines' answers: the first that knows the question answers."""

    def __init__(self, answerers: Sequence[Answerer]) -> None:
        self._answerers = answerers

    @classmethod
    def installed(cls, labels: Path | None) -> "Answers":
        """Of the pipelines installed."""
        return cls([factory(labels) for factory in installed(GROUP)])

    def answer(self, question: str, facts: Mapping[str, Any]) -> Mapping[str, Any]:
        """What to say of one item; empty if nobody knows the question."""
        return next((said for answerer in self._answerers if (said := answerer.answer(question, facts))), {})

    def recognise(self, fields: Collection[str]) -> str:
        """The question whose reply has these fields; empty if nobody knows it."""
        return next((name for answerer in self._answerers if (name := answerer.recognise(fields))), "")
