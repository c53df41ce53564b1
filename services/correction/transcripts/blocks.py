"""Blocks of a message, as the vendors of models write them; session logs and chat exports both hold them."""

from collections.abc import Mapping
from typing import Any, Final

from services.correction.transcripts.rows import Row, json_of, kept, name_of, text_of

_TEXTS: Final = frozenset({"text", "input_text", "output_text"})
_SHAPES: Final[Mapping[str, tuple[str, str]]] = {
    "thinking": ("thinking", "thinking"),
    "redacted_thinking": ("thinking", "thinking"),
    "thoughts": ("thinking", "thoughts"),
    "reasoning_recap": ("thinking", "content"),
    "tool_use": ("tool_use", "input"),
    "server_tool_use": ("tool_use", "input"),
    "tool_result": ("tool_result", "content"),
    "web_search_tool_result": ("tool_result", "content"),
}
"""Type of a block → type of its row, and the field that is the body; of any other block it is `text`, if it has one."""
_FILES: Final = frozenset({"source", "data"})
"""Where blocks hold whole files."""


def blocks_of(content: Any) -> list[dict[str, Any]]:
    """The blocks of a content, however it is written; none of an empty one."""
    parts = content if isinstance(content, list) else [content]
    return [_block(part) for part in parts if part is not None and part != ""]


def _block(part: Any) -> dict[str, Any]:
    if isinstance(part, dict):
        return part
    return {"type": "text", "text": part} if isinstance(part, str) else {"value": part}


def block_row(block: Mapping[str, Any], role: str, kind: str, hindrance: str, fields: Mapping[str, Any]) -> Row:
    """The row of a block. `kind` and `hindrance` are those of its message, which a text shares."""
    name = name_of(block.get("type") or block.get("content_type")) or "unknown"
    if name in _TEXTS:
        return Row(kind, role, text_of(block.get("text")), hindrance, _with_rest(fields, block, "text"))
    message_type, field = _SHAPES.get(name, (name, "text"))
    known = {field}
    if message_type == "tool_use":
        known, fields = {field, "name"}, {**fields, "tool_name": name_of(block.get("name"))}
    if field in block:
        body, fields = _plain(block[field]), _with_rest(fields, block, *known)
    else:
        body = json_of({name: value for name, value in block.items() if name not in _FILES})
    role = "tool" if message_type == "tool_result" else role
    return Row(message_type, role, body, message_type.replace("_", "-"), fields)


def _with_rest(fields: Mapping[str, Any], block: Mapping[str, Any], *known: str) -> Mapping[str, Any]:
    """With what else is in the block, such as the id by which a result is joined to its call."""
    rest = {name: value for name, value in block.items() if name not in {"type", "content_type", *known}}
    return {**fields, "extra": {**fields.get("extra", {}), "block": kept(rest)}} if rest else fields


def _plain(content: Any) -> str:
    """Text, texts in blocks, or anything else as JSON."""
    if isinstance(content, str):
        return text_of(content)
    if isinstance(content, list) and all(isinstance(block, dict) and block.get("type") == "text" for block in content):
        return "\n".join(text_of(block.get("text")) for block in content)
    return json_of(content)
