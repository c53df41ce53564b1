"""Judges rows against the ingest contract, one at a time, and remembers the ids it has let through."""

from typing import Any

from pydantic import ValidationError
from pydantic_core import from_json

from schemas.indicator import Indicator
from services.cli.inputs.explaining import Verdict, explain
from services.cli.inputs.rows import MAX_ROW_BYTES, Accepted, Candidate, Flawed, Found, Rejected, Row, too_long

ROW_BITS = 40
"""A first occurrence is one integer, source index above row number: a tuple a row would cost 60 MB a million rows."""

SUSPICIOUS = (b"NaN", b"Infinity", rb"\u0000")
"""What pydantic lets through outside the declared fields but no JSON reader or text column downstream does."""


class Judge:
    """Turns found rows into accepted or rejected ones. Holds every accepted id: a duplicate names the first."""

    def __init__(self) -> None:
        self._seen: dict[str, int] = {}
        self._sources: list[str] = []

    def begin(self, source: str) -> None:
        """Rows judged from now on come from this source."""
        self._sources.append(source)

    def judge(self, found: Found) -> Row:
        """The verdict on one row; never raises for what the row holds."""
        if isinstance(found, Flawed):
            return Rejected(found.row_number, self._sources[-1], found.reason, found.remedy, found.raw)
        if len(found.document) > MAX_ROW_BYTES:
            return self.judge(too_long(found.row_number, found.raw))
        try:
            indicator = Indicator.model_validate_json(found.document)
        except ValidationError as error:
            return self._reject(found, explain(error, found.document))
        flaw = _hidden_flaw(found.document) or self._duplicate(indicator.indicator_id, found.row_number)
        if flaw:
            return self._reject(found, flaw)
        return Accepted(found.row_number, self._sources[-1], indicator, found.document)

    def _duplicate(self, indicator_id: str, row_number: int) -> Verdict | None:
        here = (len(self._sources) << ROW_BITS) | row_number
        first = self._seen.setdefault(indicator_id, here)
        if first == here:
            return None
        place = f"row {first & ((1 << ROW_BITS) - 1)}"
        source = self._sources[(first >> ROW_BITS) - 1]
        if first >> ROW_BITS != len(self._sources):
            place += f" of {source}"
        return Verdict(f'indicator_id "{indicator_id}" was already used by {place}', "give each row an id of its own")

    def _reject(self, found: Candidate, verdict: Verdict) -> Rejected:
        indicator_id, name = _identity(found.document)
        return Rejected(
            found.row_number, self._sources[-1], verdict.reason, verdict.remedy, found.raw, indicator_id, name
        )


def _hidden_flaw(document: bytes) -> Verdict | None:
    if not any(mark in document for mark in SUSPICIOUS):
        return None
    try:
        content = from_json(document, allow_inf_nan=False)
    except ValueError:
        return Verdict("the row holds NaN or Infinity, which JSON does not know", "write null instead")
    if _holds_nul(content):
        return Verdict("the row holds the character U+0000, which no database stores as text", "remove it")
    return None


def _holds_nul(content: Any) -> bool:
    if isinstance(content, str):
        return "\0" in content
    if isinstance(content, dict):
        return any(_holds_nul(part) for pair in content.items() for part in pair)
    return isinstance(content, list) and any(map(_holds_nul, content))


def _identity(document: bytes) -> tuple[str | None, str | None]:
    """Id and name of a refused row, as far as they can be made out."""
    try:
        content = from_json(document)
    except ValueError:
        return None, None
    if not isinstance(content, dict):
        return None, None
    return _label(content.get("indicator_id")), _label(content.get("name"))


def _label(value: object) -> str | None:
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return None
    return str(value)[:256].strip() or None
