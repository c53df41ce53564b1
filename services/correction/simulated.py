"""How a simulated vendor's model corrects: like a good proofreader who has codespell's dictionary at hand."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from services.correction.dictionary import misspellings
from services.correction.passages import by_dictionary


class SimulatedCorrections:
    """The answers to the question of this pipeline."""

    def answer(self, question: str, facts: Mapping[str, Any]) -> Mapping[str, Any]:
        """The text without its listed misspellings; empty if the question is another pipeline's."""
        return {"text": by_dictionary(str(facts.get("text", "")))} if question == "correct" else {}

    def recognise(self, fields: Collection[str]) -> str:
        """The question has one field."""
        return "correct" if set(fields) == {"text"} else ""


def simulated_answers(_: Path | None) -> SimulatedCorrections:
    """Labels are about indicators; they say nothing here."""
    misspellings()  # read before the first call: a vendor that stops for it would find many waiting, and refuse some
    return SimulatedCorrections()
