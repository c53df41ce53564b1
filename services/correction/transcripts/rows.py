"""What every adapter makes of a record: rows, or the reason why there are none."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol


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

    def recognises(self, record: Any) -> bool:
        """Whether a record is of this format."""

    def session_of(self, record: Any) -> str:
        """The session that a record names; empty if it names none."""

    def rows(self, record: Any) -> Sequence[Row] | Skipped:
        """The rows of a record."""


def text_of(value: Any) -> str:
    """Text as it is; NUL, which no database stores, becomes the sign for what cannot be shown."""
    return value.replace("\0", "\N{REPLACEMENT CHARACTER}") if isinstance(value, str) else ""
