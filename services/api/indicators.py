"""Reads the body of a submission: parsed once, each indicator validated on its own, all refused if one is wrong."""

import difflib
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails, from_json, to_json

from schemas.base import Contract
from schemas.indicator import MAX_MESSAGE_BYTES
from services.api.contract import RowProblem
from services.api.problems import Problem

MAX_PROBLEMS_A_ROW = 5
MAX_PROBLEMS = 200
MAX_PROVIDER = 64
SHOWN = 256

_SUSPECT = (b"NaN", b"Infinity", b"\\u0000")
"""How values that cannot be stored look in JSON text. The same may be said in plain text, so it is only a suspicion."""


@dataclass(frozen=True, slots=True)
class Indicators:
    """What a valid body asks for. Items as (id, JSON text)."""

    items: Sequence[tuple[str, str]]
    provider: str | None


class IndicatorReader:
    """Reads bodies for one pipeline."""

    def __init__(self, model: type[Contract], key: str, limit: int) -> None:
        self._validate: Callable[[Any], Contract] = model.__pydantic_validator__.validate_python
        self._fields = list(model.model_fields)
        self._key = key
        self._limit = limit

    def read(self, body: bytes) -> Indicators:
        """Parse and validate. Raises Problem, which names every wrong row."""
        document = _parsed(body)
        rows = self._rows(document)
        provider = document.get("llm_provider")
        if provider is not None and not (isinstance(provider, str) and 0 < len(provider) <= MAX_PROVIDER):
            raise Problem(400, "llm_provider must be the name of a provider", "Leave it out to use the default.")
        return Indicators(self._items(rows), provider)

    def _rows(self, document: Mapping[str, Any]) -> list[Any]:
        rows = document.get("indicators")
        if not isinstance(rows, list):
            raise Problem(400, "the body has no list `indicators`", 'Send {"indicators": [{…}, …]}.')
        if not rows:
            raise Problem(400, "`indicators` is empty", f"Send 1 to {self._limit} indicators.")
        if len(rows) > self._limit:
            raise Problem(
                400,
                f"{len(rows):,} indicators are too many for one request",
                f"Send at most {self._limit} at once, in several requests.",
            )
        return rows

    def _items(self, rows: Sequence[Any]) -> list[tuple[str, str]]:
        items: list[tuple[str, str]] = []
        problems: list[RowProblem] = []
        places: dict[str, int] = {}
        for index, row in enumerate(rows):
            try:
                item = self._item(index, row)
            except _WrongRow as error:
                problems += error.problems
                continue
            if (first := places.setdefault(item[0], index)) != index:
                problems.append(_duplicate(index, item[0], self._key, first))
            items.append(item)
        if problems:
            raise _refusal(problems, len(rows))
        return items

    def _item(self, index: int, row: Any) -> tuple[str, str]:
        try:
            valid = self._validate(row)
        except ValidationError as error:
            raise _WrongRow(self._explained(index, row, error)) from None
        payload = to_json(row)
        item_id: str = getattr(valid, self._key)
        if any(word in payload for word in _SUSPECT) and (wrong := list(_unstorable(row, ""))):
            raise _WrongRow([RowProblem(index=index, indicator_id=item_id, **part) for part in wrong])
        if len(payload) > MAX_MESSAGE_BYTES:
            raise _WrongRow([_too_long(index, item_id, len(payload))])
        return item_id, payload.decode()

    def _explained(self, index: int, row: Any, error: ValidationError) -> list[RowProblem]:
        item_id = row.get(self._key) if isinstance(row, dict) else None
        shown = item_id[:SHOWN] if isinstance(item_id, str) and item_id else None
        details = _one_a_field(error.errors(include_url=False, include_input=False))
        return [
            RowProblem(
                index=index,
                indicator_id=shown,
                field=field,
                problem=detail["msg"] if field else "an indicator must be a JSON object",
                remedy=self._remedy(detail, row),
            )
            for field, detail in details.items()
        ]

    def _remedy(self, detail: ErrorDetails, row: Any) -> str:
        remedy = _REMEDIES.get(detail["type"], "Correct it; /docs shows what is expected.")
        if detail["type"] == "missing" and isinstance(row, dict):
            unknown = [name for name in row if name not in self._fields]
            near = difflib.get_close_matches(str(detail["loc"][-1]), unknown, n=1)
            return f"Rename `{near[0][:SHOWN]}` to it." if near else remedy
        return remedy.format(**detail.get("ctx", {}))


class _WrongRow(Exception):  # noqa: N818 -- never leaves this module
    def __init__(self, problems: Sequence[RowProblem]) -> None:
        super().__init__()
        self.problems = problems[:MAX_PROBLEMS_A_ROW]


_REMEDIES = {
    "missing": "Add it.",
    "string_type": "Send text in quotes, or leave it out.",
    "string_too_short": "Send some text.",
    "string_too_long": "Shorten it to {max_length} characters.",
    "list_type": "Send a list, or leave it out.",
    "too_long": "Send at most {max_length}, the newest ones.",
    "model_type": "Send an object in braces.",
    "float_type": "Send a number, or null where there is no value.",
    "float_parsing": "Send a number, or null where there is no value.",
    "finite_number": "Send null where there is no value.",
}
"""What to do, by the type of pydantic's error; braces are filled with its context."""


def _parsed(body: bytes) -> Mapping[str, Any]:
    try:
        document = from_json(body)
    except ValueError as error:
        raise Problem(400, f"the body is not JSON in UTF-8: {error}", "Check it with a JSON validator.") from None
    if not isinstance(document, dict):
        raise Problem(400, "the body is not a JSON object", 'Send {"indicators": [{…}, …]}.')
    return document


def _one_a_field(details: Sequence[ErrorDetails]) -> dict[str, ErrorDetails]:
    """The errors by field as the client knows it. A value that may be of several kinds has an error for each; the first
    is enough, and the names of the kinds are ours."""
    found: dict[str, ErrorDetails] = {}
    for detail in details:
        place = detail["loc"]
        union = len(place) > 1 and isinstance(place[1], int)
        kept = (*place[:2], *place[3:]) if union else place
        known = [name for name in found if name.startswith(".".join(map(str, place[:2])))] if union else []
        if not known:
            found[".".join(map(str, kept))] = detail
    return found


def _unstorable(value: Any, path: str) -> Iterator[dict[str, str]]:
    """Numbers that are none, and text that the database cannot hold, wherever they are."""
    if isinstance(value, float) and not math.isfinite(value):
        yield {"field": path, "problem": "not a finite number", "remedy": "Send null where there is no value."}
    elif isinstance(value, str) and "\0" in value:
        yield {"field": path, "problem": "text contains U+0000", "remedy": "Remove that character."}
    elif isinstance(value, dict):
        for name, part in value.items():
            yield from _unstorable(name, path)
            yield from _unstorable(part, f"{path}.{name[:SHOWN]}".lstrip("."))
    elif isinstance(value, list):
        for place, part in enumerate(value):
            yield from _unstorable(part, f"{path}.{place}")


def _duplicate(index: int, item_id: str, key: str, first: int) -> RowProblem:
    remedy = "Send every indicator once; give another series an id of its own."
    return RowProblem(
        index=index, indicator_id=item_id, field=key, problem=f"the same id as row {first}", remedy=remedy
    )


def _too_long(index: int, item_id: str, size: int) -> RowProblem:
    return RowProblem(
        index=index,
        indicator_id=item_id,
        field="",
        problem=f"{size:,} bytes; an indicator may have {MAX_MESSAGE_BYTES:,}",
        remedy="Send fewer sample values, or leave out fields that say nothing about what is measured.",
    )


def _refusal(problems: Sequence[RowProblem], count: int) -> Problem:
    wrong = len({problem.index for problem in problems})
    verb = "is" if wrong == 1 else "are"
    return Problem(
        400,
        f"{wrong} of {count} indicators {verb} wrong; none was accepted",
        "Correct the rows listed, or leave them out.",
        rows=problems[:MAX_PROBLEMS],
    )
