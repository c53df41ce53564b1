"""The session logs of a coding assistant: one record a line, a message inside it, its content in blocks.

What carries the type `user` is mostly not typed by anybody: results of tools, injected notes, summaries.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from services.correction.transcripts.blocks import block_row, blocks_of
from services.correction.transcripts.injected import parted
from services.correction.transcripts.rows import USERS, Row, Skipped, json_of, kept, kept_extra, name_of

_FIELDS: Final[Mapping[str, str]] = {
    "uuid": "uuid",
    "parentUuid": "parent_uuid",
    "logicalParentUuid": "logical_parent_uuid",
    "subtype": "subtype",
    "version": "version",
    "gitBranch": "git_branch",
    "cwd": "cwd",
    "slug": "slug",
    "timestamp": "timestamp",
}
"""Text fields of a record, and what they are called here."""
_KNOWN: Final = frozenset(
    (
        *_FIELDS,
        "type",
        "message",
        "content",
        "role",
        "model",
        "sessionId",
        "session_id",
        "costUSD",
        "compactMetadata",
        "snapshot",
        "isCompactSummary",
        "isSidechain",
        "isMeta",
        "isSnapshotUpdate",
    )
)
_KNOWN_OF_MESSAGE: Final = frozenset({"type", "role", "content", "model"})
_SNAPSHOT: Final = "file-history-snapshot"


class SessionLog:
    """The format of the origin: nested `message.content` and `sessionId`; the older flat records, too."""

    name: Final = "session-log"
    one_session_a_record: Final = False

    def recognises(self, record: Any) -> bool:
        """By its type, or its role and content."""
        return isinstance(record, dict) and (
            isinstance(record.get("type"), str) or ("content" in record and isinstance(record.get("role"), str))
        )

    def session_of(self, record: Any) -> str:
        """New or old spelling."""
        found = record.get("sessionId") or record.get("session_id")
        return name_of(found)

    def rows(self, record: Any) -> Sequence[Row] | Skipped:
        """One row a block. The cost of a record is that of its first row, so that rows sum up to it."""
        if record.get("type") == "summary":
            return Skipped("summary")
        found = list(_rows(record))
        if not found:
            return Skipped("no-content")
        found[0] = replace(found[0], fields={**found[0].fields, **_cost(record)})
        return found


def _rows(record: Mapping[str, Any]) -> Iterator[Row]:
    kind, holder = record.get("type"), _message(record)
    common = _common(record, holder)
    if kind == _SNAPSHOT:
        yield Row(_SNAPSHOT, "", json_of(record.get("snapshot")), "snapshot", common | {"is_snapshot": True})
        return
    role = name_of(holder.get("role") or kind)
    hindrance = _not_typed(record, role)
    for block in blocks_of(holder.get("content")):
        row = block_row(block, role, name_of(kind) or role, hindrance, common)
        if row.not_typed:
            yield row
        else:
            yield from (replace(row, body=part, not_typed=reason) for part, reason in parted(row.body))


def _message(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """What holds role and content: the message, or in older logs the record itself."""
    message = record.get("message")
    if isinstance(message, str):
        return {"content": message}
    return message if isinstance(message, dict) else record


def _not_typed(record: Mapping[str, Any], role: str) -> str:
    """Why a record's text is nothing that its user has typed; empty if it is."""
    if role not in USERS:
        return role or "no-role"
    marks = {
        "compact-summary": record.get("isCompactSummary"),
        "meta": record.get("isMeta"),
        "tool-result": "toolUseResult" in record,
        "sidechain": record.get("isSidechain"),
    }
    return next((reason for reason, marked in marks.items() if marked), "")


def _common(record: Mapping[str, Any], holder: Mapping[str, Any]) -> dict[str, Any]:
    """What all rows of a record have in common."""
    found: dict[str, Any] = {
        ours: name_of(record[theirs]) for theirs, ours in _FIELDS.items() if isinstance(record.get(theirs), str)
    }
    found |= {"is_compact_summary": True} if record.get("isCompactSummary") else {}
    found |= {"is_sidechain": True} if record.get("isSidechain") else {}
    found |= {"model": model} if (model := name_of(holder.get("model"))) else {}
    if (compact := record.get("compactMetadata")) is not None:
        found["compact_metadata"] = kept(compact)
    return found | kept_extra(_unknown(record, holder))


def _unknown(record: Mapping[str, Any], holder: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of a record that nobody knows here, and those of the message in it."""
    found = {name: value for name, value in record.items() if name not in _KNOWN}
    if holder is not record:
        inner = {name: value for name, value in holder.items() if name not in _KNOWN_OF_MESSAGE}
        found |= {"message": inner} if inner else {}
    return found


def _cost(record: Mapping[str, Any]) -> dict[str, float]:
    cost = record.get("costUSD")
    return {"cost_usd": float(cost)} if isinstance(cost, int | float) and not isinstance(cost, bool) else {}
