"""Chat exports: one conversation a record, as a list of messages or as ChatGPT's tree of them."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from services.correction.transcripts.rows import Row, Skipped, json_of, kept_extra, name_of, text_of

_LISTS: Final = ("messages", "chat_messages")
_KNOWN: Final = frozenset({"messages", "chat_messages", "mapping", "id", "uuid", "conversation_id", "current_node"})
_KNOWN_OF_MESSAGE: Final = frozenset(
    (
        *("role", "sender", "author", "content", "text", "id", "uuid", "model", "name"),
        *("create_time", "created_at", "timestamp"),
    )
)


class ChatExport:
    """`{"messages": [{"role", "content"}, …]}`, Claude's `{"chat_messages": [{"sender", "text", "content"}, …]}`, or
    ChatGPT's `{"mapping": {id: {"message": …, "parent": id}}}`."""

    name: Final = "chat-export"

    def recognises(self, record: Any) -> bool:
        """By one of the three."""
        return isinstance(record, dict) and (_list(record) is not None or isinstance(record.get("mapping"), dict))

    def session_of(self, record: Any) -> str:
        """The conversation's id."""
        found = record.get("conversation_id") or record.get("id") or record.get("uuid")
        return name_of(found)

    def rows(self, record: Any) -> Sequence[Row] | Skipped:
        """One row a text of a message."""
        extra = {name: value for name, value in record.items() if name not in _KNOWN}
        found = [row for message in _messages(record) for row in _rows(message, extra)]
        return found or Skipped("no-content")


def _list(record: Mapping[str, Any]) -> list[Any] | None:
    """The messages where they are a list."""
    return next((record[name] for name in _LISTS if isinstance(record.get(name), list)), None)


def _messages(record: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    if (listed := _list(record)) is not None:
        yield from (message for message in listed if isinstance(message, dict))
        return
    for node in _way(record["mapping"], record.get("current_node")):
        message = node.get("message")
        if isinstance(message, dict):
            yield message


def _way(nodes: Mapping[str, Any], leaf: Any) -> list[Mapping[str, Any]]:
    """The nodes from the root to the current one; all, as they stand, if none is current."""
    way, seen = list[Mapping[str, Any]](), set[str]()
    while isinstance(leaf, str) and isinstance(node := nodes.get(leaf), dict) and leaf not in seen:
        seen.add(leaf)
        way.append(node)
        leaf = node.get("parent")
    return way[::-1] or [node for node in nodes.values() if isinstance(node, dict)]


def _rows(message: Mapping[str, Any], extra: Mapping[str, Any]) -> Iterator[Row]:
    author = message.get("author")
    role = name_of(author.get("role") if isinstance(author, dict) else message.get("role") or message.get("sender"))
    fields = _fields(message) | kept_extra({**extra, **_unknown(message)})
    hindrance = "" if role in {"user", "human"} else role or "no-role"
    for kind, text in _texts(message.get("content") or message.get("text")):
        if kind == "text":
            yield Row(role or "unknown", role, text, hindrance, fields)
        else:
            yield Row(kind, role, text, kind, fields)


def _texts(content: Any) -> Iterator[tuple[str, str]]:
    """(kind, body) of each part of a message's content."""
    parts = content.get("parts") if isinstance(content, dict) else content
    for part in parts if isinstance(parts, list) else [parts]:
        if isinstance(part, str) and part:
            yield "text", text_of(part)
        elif isinstance(part, dict):
            is_text = part.get("type") in {"text", "input_text", "output_text"} and isinstance(part.get("text"), str)
            yield ("text", text_of(part["text"])) if is_text else (name_of(part.get("type")) or "part", json_of(part))


def _fields(message: Mapping[str, Any]) -> dict[str, Any]:
    named = {
        "uuid": message.get("id") or message.get("uuid"),
        "model": message.get("model"),
        "persona": message.get("name"),
    }
    found = {name: name_of(value) for name, value in named.items() if isinstance(value, str)}
    moment = message.get("timestamp") or message.get("create_time") or message.get("created_at")
    if isinstance(moment, str):
        found["timestamp"] = name_of(moment)
    elif isinstance(moment, int | float) and 0 <= moment < 32_503_680_000:
        found["timestamp"] = datetime.fromtimestamp(moment, UTC).isoformat()
    return found


def _unknown(message: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in message.items() if name not in _KNOWN_OF_MESSAGE}
