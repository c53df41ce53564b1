"""What every adapter makes of a record: rows, or the reason why there are none."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Final, Protocol

LONGEST_NAME: Final = 1_000
"""Characters of ids, paths, names of models: of everything beside the body."""
LONGEST_VALUE: Final = 4_096
"""Characters of JSON of one unknown field."""
LONGEST_PART: Final = 256
"""The same of one part of a field that is longer."""
LONGEST_EXTRA: Final = 16_384
"""The same of all unknown fields of a record together."""
USERS: Final = frozenset({"user", "human"})
"""Roles of people."""
_NUL: Final = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")
"""NUL as JSON writes it; not a backslash that is followed by these letters."""


@dataclass(frozen=True, slots=True)
class Row:
    """One block of a message. `fields`: those of schemas.correction.Extracted that the record gives."""

    message_type: str
    role: str
    body: str
    not_typed: str = ""
    """Why no person has typed it; empty if one has."""
    fields: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Skipped:
    """A record without rows, and why."""

    reason: str


class Adapter(Protocol):
    """Knows one format. It sees one record at a time and keeps nothing."""

    @property
    def name(self) -> str:
        """Of the format."""

    @property
    def one_session_a_record(self) -> bool:
        """Whether a record without a session is one of its own; else it belongs to that of the record before."""

    def recognises(self, record: Any) -> bool:
        """Whether a record is of this format."""

    def session_of(self, record: Any) -> str:
        """The session that a record names; empty if it names none."""

    def rows(self, record: Any) -> Sequence[Row] | Skipped:
        """The rows of a record."""


def text_of(value: Any) -> str:
    """Text as it is; NUL, which no database stores, becomes the sign for what cannot be shown."""
    return value.replace("\0", "\N{REPLACEMENT CHARACTER}") if isinstance(value, str) else ""


def name_of(value: Any) -> str:
    """A short text; empty for what is none."""
    return text_of(value)[:LONGEST_NAME]


def json_of(value: Any) -> str:
    """A value as JSON text."""
    text = json.dumps(value, ensure_ascii=False)
    return _NUL.sub("\\1\N{REPLACEMENT CHARACTER}", text) if "\\u0000" in text else text


def kept(value: Any, longest: int = LONGEST_VALUE) -> Any:
    """A value that nobody knows here; of what is too long only how long it is, for it can be read where it was."""
    if _size(value, longest) <= longest and len(text := json_of(value)) <= longest:
        return json.loads(text) if "\N{REPLACEMENT CHARACTER}" in text else value
    if isinstance(value, dict) and longest > LONGEST_PART:
        parts = {text_of(name): kept(part, LONGEST_PART) for name, part in value.items()}
        if _size(parts, longest) <= longest:
            return parts
    return {"items": len(value)} if isinstance(value, dict | list) else {"characters": len(str(value))}


def _size(value: Any, most: int) -> int:
    """About the characters of a value's JSON, without writing it; of a long one, any number beyond `most`."""
    if not isinstance(value, dict | list):
        return len(value) + 2 if isinstance(value, str) else 4
    size = 2
    for part in chain(value, value.values()) if isinstance(value, dict) else value:
        size += _size(part, most - size) + 2
        if size > most:
            break
    return size


def kept_extra(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Unknown fields, as a field of a row; none if there are none."""
    return {"extra": kept({name: kept(value) for name, value in fields.items()}, LONGEST_EXTRA)} if fields else {}
