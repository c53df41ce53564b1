"""Chat exports: one conversation a record, as a list of messages or as ChatGPT's tree of them."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from services.correction.transcripts.blocks import block_row, blocks_of
from services.correction.transcripts.rows import USERS, Row, Skipped, kept_extra, name_of

_LISTS: Final = ("messages", "chat_messages")
_KNOWN: Final = frozenset({"messages", "chat_messages", "mapping", "id", "uuid", "conversation_id", "current_node"})
_KNOWN_OF_MESSAGE: Final = frozenset(
    (
        *("role", "sender", "author", "content", "text", "tool_calls", "id", "uuid", "parent_message_uuid", "model"),
        *("name", "create_time", "created_at", "timestamp"),
    )
)
_MILLISECONDS: Final = 100_000_000_000
"""As seconds it would be the year 5138, as milliseconds it is 1973."""


class _Message(NamedTuple):
    """One message of a conversation."""

    content: Mapping[str, Any]
    parent: Any = None
    """Id of the message that it answers."""
    left: bool = False
    """The conversation went on elsewhere, from an edited or repeated one."""


class ChatExport:
    """`{"messages": [{"role", "content"}, …]}`, Claude's `{"chat_messages": [{"sender", "text", "content"}, …]}`, or
    ChatGPT's `{"mapping": {id: {"message": …, "parent": id}}}`."""

    name: Final = "chat-export"
    one_session_a_record: Final = True

    def recognises(self, record: Any) -> bool:
        """By one of the three."""
        return isinstance(record, dict) and (_list(record) is not None or isinstance(record.get("mapping"), dict))

    def session_of(self, record: Any) -> str:
        """The conversation's id."""
        found = record.get("conversation_id") or record.get("id") or record.get("uuid")
        return name_of(found)

    def rows(self, record: Any) -> Sequence[Row] | Skipped:
        """One row a block of a message, and one for a message without any: each is in its place."""
        extra = {name: value for name, value in record.items() if name not in _KNOWN}
        found = [row for message in _messages(record) for row in _rows(message, extra)]
        return found or Skipped("no-content")


def _list(record: Mapping[str, Any]) -> list[Any] | None:
    """The messages where they are a list."""
    return next((record[name] for name in _LISTS if isinstance(record.get(name), list)), None)


def _messages(record: Mapping[str, Any]) -> Iterator[_Message]:
    if (listed := _list(record)) is not None:
        yield from (_message(message) for message in listed)
        return
    nodes = record["mapping"]
    way = _way(nodes, record.get("current_node"))
    for name in dict.fromkeys((*way, *nodes)):
        node = nodes[name] if isinstance(nodes[name], dict) else {"message": nodes[name]}
        if node.get("message") is not None:  # the root of a tree has none
            yield _message(node["message"], node.get("parent"), left=bool(way) and name not in way)


def _message(found: Any, parent: Any = None, *, left: bool = False) -> _Message:
    content = found if isinstance(found, dict) else {"content": found}
    return _Message(content, content.get("parent_message_uuid") or parent, left)


def _way(nodes: Mapping[str, Any], leaf: Any) -> dict[str, None]:
    """The names of nodes from the root to the current one; none if none is current."""
    way = dict[str, None]()
    while isinstance(leaf, str) and isinstance(node := nodes.get(leaf), dict) and leaf not in way:
        way[leaf] = None
        leaf = node.get("parent")
    return dict(reversed(way.items()))


def _rows(message: _Message, extra: Mapping[str, Any]) -> Iterator[Row]:
    content, role = message.content, _role(message.content)
    unknown = {name: value for name, value in content.items() if name not in _KNOWN_OF_MESSAGE}
    fields = _fields(message, role) | kept_extra({**extra, **unknown})
    kind, blocks = role or "unknown", _blocks(content)
    if not blocks:
        yield Row(kind, role, "", "no-content", fields)
    for block in blocks:
        yield block_row(block, role, kind, _not_typed(message, role), fields)


def _role(message: Mapping[str, Any]) -> str:
    return name_of(_inner(message, "author").get("role") or message.get("role") or message.get("sender"))


def _not_typed(message: _Message, role: str) -> str:
    """Why a text is none that somebody typed, and goes on from; empty if it is."""
    if role not in USERS:
        return role or "no-role"
    if _inner(message.content, "metadata").get("is_visually_hidden_from_conversation"):
        return "meta"
    return "sidechain" if message.left else ""


def _blocks(message: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Blocks of the content, and the calls of tools that OpenAI puts beside it."""
    content = message.get("content") or message.get("text")
    parts = content.get("parts") if isinstance(content, dict) else None
    calls = message.get("tool_calls")
    return [
        *blocks_of(parts if isinstance(parts, list) else content),
        *(_call(call) for call in (calls if isinstance(calls, list) else [])),
    ]


def _call(call: Any) -> dict[str, Any]:
    function = _inner(call, "function") if isinstance(call, dict) else {}
    if not function:
        return {"type": "tool_use", "input": call}
    return {"type": "tool_use", "id": call.get("id"), "name": function.get("name"), "input": function.get("arguments")}


def _fields(message: _Message, role: str) -> dict[str, Any]:
    content = message.content
    named = {
        "uuid": content.get("id") or content.get("uuid"),
        "parent_uuid": message.parent,
        "model": content.get("model") or _inner(content, "metadata").get("model_slug"),
        "persona": content.get("name"),
        "tool_name": _inner(content, "author").get("name") if role == "tool" else None,
    }
    found: dict[str, Any] = {name: name_of(value) for name, value in named.items() if isinstance(value, str)}
    moment = content.get("timestamp") or content.get("create_time") or content.get("created_at")
    return found | ({"is_sidechain": True} if message.left else {}) | _time(moment)


def _time(moment: Any) -> dict[str, str]:
    """A time as text, or in seconds or milliseconds since 1970."""
    if isinstance(moment, str):
        return {"timestamp": name_of(moment)}
    if not isinstance(moment, int | float) or not 0 <= moment < 1_000 * _MILLISECONDS:
        return {}
    seconds = moment if moment < _MILLISECONDS else moment / 1_000
    return {"timestamp": datetime.fromtimestamp(seconds, UTC).isoformat()}


def _inner(holder: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """An object inside another one; an empty one if there is none."""
    found = holder.get(name)
    return found if isinstance(found, dict) else {}
