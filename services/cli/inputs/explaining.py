"""Pydantic's findings on a row, turned into one plain sentence with field, problem and remedy."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from pydantic import ValidationError
from pydantic_core import ErrorDetails

REQUIRED = ("indicator_id", "name")
ALIASES = {"definition": "description", "source": "source_name"}
NOT_SAVED_AS_UTF8 = ("the row is not UTF-8 text", "save the file with the encoding UTF-8")
LOOKALIKES = {
    "indicator_id": ("id", "code", "indicatorId", "indicatorID", "Indicator ID", "series_id", "series_code"),
    "name": ("title", "indicator_name", "indicatorName", "Indicator Name", "series_name"),
}
JSON_KINDS = {bool: "a boolean", int: "a number", float: "a number", str: "text", list: "a list", dict: "an object"}


class Verdict(NamedTuple):
    """Why a row is refused, and what to do about it."""

    reason: str
    remedy: str


def explain(error: ValidationError, document: bytes) -> Verdict:
    """The first thing wrong with a row; further fields at fault are counted."""
    details = error.errors(include_url=False)
    first = details[0]
    if first["type"] == "json_invalid":
        return _not_json(first, document)
    if not first["loc"]:
        return Verdict(f"the row is {_kind(first['input'])}, not a JSON object", 'write {"indicator_id": …, "name": …}')
    field = _field(first)
    same_place = [found for found in details if found["loc"][:2] == first["loc"][:2]]
    verdict = _sample(same_place) if field == "sample_values" and len(first["loc"]) > 1 else _plain(field, first)
    others = {_field(found) for found in details} - {field}
    if others:
        return verdict._replace(reason=f"{verdict.reason} (also wrong: {', '.join(sorted(others))})")
    return verdict


def _field(detail: ErrorDetails) -> str:
    key = str(detail["loc"][0])
    return ALIASES.get(key, key)


def _kind(value: object) -> str:
    return "null" if value is None else JSON_KINDS.get(type(value), "something else")


def _not_json(detail: ErrorDetails, document: bytes) -> Verdict:
    try:
        document.decode()
    except UnicodeDecodeError as wrong:
        return Verdict(f"{NOT_SAVED_AS_UTF8[0]} (byte {wrong.start + 1})", NOT_SAVED_AS_UTF8[1])
    what = detail["ctx"]["error"].replace(" at line 1 column ", " at character ")
    return Verdict(f"the row is not valid JSON ({what})", "write one complete JSON object, in one line")


def _plain(field: str, detail: ErrorDetails) -> Verdict:
    kind, value = detail["type"], detail["input"]
    if kind == "missing" or (value is None and field in REQUIRED):
        return _missing(field, value)
    if kind == "string_too_short":
        return Verdict(f"{field} is empty", f'add a non-empty "{field}"')
    if kind in ("string_too_long", "too_long"):
        return _too_long(field, value, detail["ctx"]["max_length"])
    if kind == "string_type":
        return _not_text(field, value)
    if kind == "list_type":
        return Verdict(f"{field} is {_kind(value)}, not a list", 'write a list of {"date": "2024-01", "value": 1.5}')
    return Verdict(f"{field} is invalid ({detail['msg']})", f"correct {field} or leave it out")


def _missing(field: str, row: object) -> Verdict:
    present = row if isinstance(row, dict) else {}
    for lookalike in LOOKALIKES.get(field, ()):
        if lookalike in present:
            return Verdict(f"{field} is missing", f'rename "{lookalike}" to "{field}"')
    return Verdict(f"{field} is missing", f'add a non-empty "{field}"')


def _too_long(field: str, value: Any, limit: int) -> Verdict:
    if isinstance(value, str):
        return Verdict(f"{field} is too long ({len(value):,} characters, limit {limit:,})", f"shorten {field}")
    return Verdict(f"{field} has {len(value):,} entries (limit {limit:,})", "keep the newest ones")


def _not_text(field: str, value: Any) -> Verdict:
    if isinstance(value, float) and value != value:  # noqa: PLR0124 (the one test that needs no import: NaN)
        return Verdict(f"{field} is NaN, not text", "write null or leave it out")
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return Verdict(f"{field} is a number, not text", f'put it in quotes: "{field}": "{str(value)[:40]}"')
    remedy = f'write "{field}" as text in quotes' if field in REQUIRED else f'write "{field}" as text, or leave it out'
    return Verdict(f"{field} is {_kind(value)}, not text", remedy)


def _sample(findings: Sequence[ErrorDetails]) -> Verdict:
    """A sample may be a point or a bare number, so pydantic reports both readings: tell the one that was meant."""
    position = int(findings[0]["loc"][1]) + 1
    meant = next((found for found in findings if found["loc"][-1] in ("value", "date")), findings[-1])
    value = meant["input"]
    if meant["loc"][-1] == "date":
        remedy = f'write it as text: "{str(value)[:40]}"' if isinstance(value, (int, float)) else "write it as text"
        return Verdict(f"the date of sample {position} is {_kind(value)}, not text", remedy)
    return Verdict(f"the value of sample {position} is {_shown(value)}, not a number", "write a number or null")


def _shown(value: object) -> str:
    if isinstance(value, str):
        return f'the text "{value[:40]}"'
    if isinstance(value, float):
        return "NaN" if value != value else "infinite"  # noqa: PLR0124 -- only NaN differs from itself
    return _kind(value)
