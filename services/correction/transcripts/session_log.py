"""The session logs of a coding assistant: one record a line, a message inside it, its content in blocks.

What carries the type `user` is mostly not typed by anybody: results of tools, injected notes, summaries.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from services.correction.transcripts.rows import Row, Skipped, json_of, kept, kept_extra, name_of, text_of

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
        "toolUseResult",
        "isSnapshotUpdate",
    )
)
_SNAPSHOT: Final = "file-history-snapshot"
_INJECTED: Final = re.compile(
    r"\s*(?:<(?:command-(?:name|message|args|contents)|local-command-\w+|bash-(?:input|stdout|stderr)|system-reminder|"
    r"task-notification|user-memory-input|ide_\w+)\b|\[Request interrupted|Caveat: The messages below were generated)"
)
"""Texts that the assistant's program writes in the place of its user."""


class SessionLog:
    """The format of the origin: nested `message.content` and `sessionId`; the older flat records, too."""

    name: Final = "session-log"

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
        """One row a block."""
        kind = record.get("type")
        if kind == "summary":
            return Skipped("summary")
        common = _common(record)
        if kind == _SNAPSHOT:
            return [Row(_SNAPSHOT, "", json_of(record.get("snapshot")), "snapshot", common | {"is_snapshot": True})]
        message = record.get("message")
        holder = message if isinstance(message, dict) else record
        blocks = _blocks(holder.get("content"))
        if not blocks:
            return Skipped("no-content")
        role = name_of(holder.get("role") or kind)
        common |= {"model": model} if (model := name_of(holder.get("model"))) else {}
        hindrance = _not_typed(record, role)
        return [_row(block, role, name_of(kind) or role, hindrance, common) for block in blocks]


def _blocks(content: Any) -> list[dict[str, Any]]:
    if isinstance(content, str):
        return [{"type": "text", "text": content}] if content else []
    blocks = content if isinstance(content, list) else []
    texts = [{"type": "text", "text": block} if isinstance(block, str) else block for block in blocks]
    return [block for block in texts if isinstance(block, dict)]


def _row(block: Mapping[str, Any], role: str, kind: str, hindrance: str, common: Mapping[str, Any]) -> Row:
    match block.get("type"):
        case "text":
            text = text_of(block.get("text"))
            injected = "injected" if not hindrance and _INJECTED.match(text) else ""
            return Row(kind, role, text, hindrance or injected, common)
        case "thinking" | "redacted_thinking":
            return Row("thinking", role, text_of(block.get("thinking")), "thinking", common)
        case "tool_use" | "server_tool_use":
            named = {"tool_name": name_of(block.get("name"))}
            return Row("tool_use", role, json_of(block.get("input")), "tool-use", {**common, **named})
        case "tool_result" | "web_search_tool_result":
            return Row("tool_result", "tool", _plain(block.get("content")), "tool-result", common)
        case other:
            shown = {name: value for name, value in block.items() if name not in {"source", "data"}}
            name = name_of(other) or "unknown"
            return Row(name, role, json_of(shown), name, common)


def _not_typed(record: Mapping[str, Any], role: str) -> str:
    """Why a record's text is nothing that its user has typed; empty if it is."""
    if role not in {"user", "human"}:
        return role or "no-role"
    marks = {
        "compact-summary": record.get("isCompactSummary"),
        "meta": record.get("isMeta"),
        "tool-result": "toolUseResult" in record,
        "sidechain": record.get("isSidechain"),
    }
    return next((reason for reason, marked in marks.items() if marked), "")


def _common(record: Mapping[str, Any]) -> dict[str, Any]:
    """What all rows of a record have in common."""
    found: dict[str, Any] = {
        ours: name_of(record[theirs]) for theirs, ours in _FIELDS.items() if isinstance(record.get(theirs), str)
    }
    found |= {"is_compact_summary": True} if record.get("isCompactSummary") else {}
    found |= {"is_sidechain": True} if record.get("isSidechain") else {}
    if isinstance(cost := record.get("costUSD"), int | float) and not isinstance(cost, bool):
        found["cost_usd"] = float(cost)
    if (compact := record.get("compactMetadata")) is not None:
        found["compact_metadata"] = kept(compact)
    return found | kept_extra({name: value for name, value in record.items() if name not in _KNOWN})


def _plain(content: Any) -> str:
    """What a tool gave: text, or blocks of it."""
    if isinstance(content, str):
        return text_of(content)
    blocks = content if isinstance(content, list) else []
    if all(isinstance(block, dict) and block.get("type") == "text" for block in blocks):
        return "\n".join(text_of(block.get("text")) for block in blocks)
    return json_of(content)
