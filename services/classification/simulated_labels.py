"""The label of an item that a simulated model is shown, found by the texts that it is shown.

Several labelled rows may share a name, so every text counts: a row belongs to an item if no text that both have differs
and the item shows none that the row lacks; of several such rows the one that agrees in most texts wins, of equals the
first in the file. What a prompt leaves out (a long name that says no more than the name, the tail of a description) is
no difference. Rows that agree in all texts but not in their labels cannot be told apart: the first one's label counts.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from services.classification.model.dataset import LABELLED, Label, LabelledRow, read_labelled
from services.classification.prompts.wording import opening

_TEXTS: Final = ("units", "long_name", "description", "source_name", "periodicity", "dataset", "topic")
_OTHER_NAMES: Final[Mapping[str, str]] = {"source_name": "source", "description": "definition"}


class Labels:
    """Labels by the texts of their rows."""

    def __init__(self, rows: Sequence[LabelledRow]) -> None:
        self._by_name: defaultdict[str, list[tuple[dict[str, str], Label]]] = defaultdict(list)
        for row in rows:
            self._by_name[_plain(row.name)].append((_texts(row.record), row.label))

    @classmethod
    def read(cls, path: Path | None) -> "Labels":
        """From a file, by default the rows that the shipped model is fitted to."""
        return cls(read_labelled(path or LABELLED))

    def of(self, facts: Mapping[str, Any]) -> Label | None:
        """The label of an item with these facts; None if no row is about it."""
        shown = _texts(facts)
        best: Label | None = None
        most = -1
        for texts, label in self._by_name.get(_plain(str(facts.get("name", ""))), ()):
            agreeing = _agreement(shown, texts)
            if agreeing > most:
                best, most = label, agreeing
        return best


def _agreement(shown: Mapping[str, str], row: Mapping[str, str]) -> int:
    """Texts that both have; -1 if they are not about the same thing."""
    if any(row.get(name) != text for name, text in shown.items()):
        return -1
    unspoken = [name for name in ("units", "description") if row.get(name) and not shown.get(name)]
    return -1 if unspoken else len(shown)


def _texts(record: Mapping[str, Any]) -> dict[str, str]:
    found = {name: record.get(name) or record.get(_OTHER_NAMES.get(name, name)) for name in _TEXTS}
    return {name: _plain(opening(text)) for name, text in found.items() if isinstance(text, str) and text.strip()}


def _plain(text: str) -> str:
    return " ".join(text.split())
