"""A vendor's server that answers by script and keeps what it was asked."""

import asyncio
import json
import socket
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn

KEY = "sk-proj-Planted1234567890abcdefTAIL"
ANSWER = '{"answers":[{"id":"m1","colour":"red"}]}'


@dataclass(frozen=True)
class Scripted:
    """One answer. `body`: JSON, or the very bytes. `silent`: answers when released."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    silent: bool = False


@dataclass(frozen=True)
class Asked:
    """One request as it arrived."""

    path: str
    headers: dict[str, str]
    raw: bytes

    @property
    def body(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.raw)
        return found


class VendorServer:
    """Plays the script, its last answer over and over."""

    def __init__(self) -> None:
        self.url = ""
        self.asked: list[Asked] = []
        self.arrived = asyncio.Event()
        self._script: deque[Scripted] = deque()
        self._over = asyncio.Event()

    def forget(self) -> None:
        self.release()
        self.asked = []
        self.arrived = asyncio.Event()
        self._script = deque()

    def play(self, *script: Scripted) -> None:
        self._script = deque(script)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        raw = await _whole(receive)
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        self.asked.append(Asked(scope["path"], headers, raw))
        self.arrived.set()
        scripted = self._script.popleft() if len(self._script) > 1 else self._script[0]
        if scripted.silent:
            await self._over.wait()
        body = scripted.body if isinstance(scripted.body, bytes) else json.dumps(scripted.body).encode()
        names = [(name.encode(), value.encode()) for name, value in scripted.headers.items()]
        await send({"type": "http.response.start", "status": scripted.status, "headers": names})
        await send({"type": "http.response.body", "body": body})

    async def count(self, number: int) -> None:
        """Return when so many requests have arrived."""
        while len(self.asked) < number:
            self.arrived.clear()
            await self.arrived.wait()

    def release(self) -> None:
        """Answer all that were to get no answer."""
        self._over.set()
        self._over = asyncio.Event()


@asynccontextmanager
async def serving() -> AsyncIterator[VendorServer]:
    app = VendorServer()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        app.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        config = uvicorn.Config(
            app,
            lifespan="off",
            ws="none",
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=1,
            date_header=False,
        )
        server = uvicorn.Server(config)
        task = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield app
        finally:
            app.release()
            server.should_exit = True
            await task


async def _whole(receive: Any) -> bytes:
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


def chat(
    content: str | None = ANSWER, *, finish: str = "stop", usage: Mapping[str, Any] | None = None, **message: Any
) -> dict[str, Any]:
    """A chat completion as OpenAI sends it."""
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "gpt-4o-mini-2024-07-18",
        "choices": [
            {"index": 0, "message": {"role": "assistant", "content": content, **message}, "finish_reason": finish}
        ],
    } | ({"usage": usage} if usage else {})


def message(
    answer: Any = None, *, stop: str = "tool_use", text: str | None = None, usage: Mapping[str, int] | None = None
) -> dict[str, Any]:
    """A message as Anthropic sends it."""
    used = {"type": "tool_use", "id": "toolu_1", "name": "colour", "input": answer or json.loads(ANSWER)}
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-haiku-4-5-20251001",
        "content": [used] if text is None else [{"type": "text", "text": text}],
        "stop_reason": stop,
        "stop_sequence": None,
    } | ({"usage": usage} if usage else {})


def openai_error(text: str, *, kind: str = "invalid_request_error", code: str | None = None, param: str = "") -> Any:
    return {"error": {"message": text, "type": kind, "param": param or None, "code": code}}


def anthropic_error(text: str, *, kind: str) -> Any:
    return {"type": "error", "error": {"type": kind, "message": text}, "request_id": "req_1"}


def gemini_error(text: str, *, code: int, status: str, details: list[Any] | None = None) -> Any:
    return [{"error": {"code": code, "message": text, "status": status, "details": details or []}}]
