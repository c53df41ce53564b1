"""Texts of which people have said how they read without mistakes."""

from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from schemas.base import Contract
from shared.errors import UsageError


class LabelledText(Contract):
    """A text with mistakes, and what is right: another text with the edits that lead to it, or several references."""

    source: str
    target: str | None = None
    edits: tuple[tuple[str, str], ...] = ()
    """Wrong and right."""
    protected: tuple[str, ...] = ()
    """What has to come back as it was."""
    refs: tuple[str, ...] = ()
    tier: str = ""


def read_labelled(path: Path) -> list[LabelledText]:
    """One a line. Raises UsageError naming the first line that is none."""
    found = list(_read(path))
    if not found:
        raise UsageError(f"{path} has no rows", remedy="give a file with one labelled text a line")
    return found


def _read(path: Path) -> Iterator[LabelledText]:
    for number, line in enumerate(path.read_bytes().splitlines(), start=1):
        if not line.strip():
            continue
        try:
            yield LabelledText.model_validate_json(line)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"]))
            raise UsageError(
                f"{path}, line {number} is no labelled text: {where and f'{where}: '}{first['msg']}",
                remedy='each line: {"source", "target", "edits": [[wrong, right], …], "protected": […]}',
            ) from None
