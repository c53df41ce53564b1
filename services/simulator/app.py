"""The HTTP side, as a plain ASGI application: a framework would cost more than the rest of a call.

POST …/chat/completions   OpenAI's format        GET …/models    the models there are
POST …/messages           Anthropic's format
POST /control             change options while running; {"reset": true} forgets what was served
GET  /control/stats       what was served
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from services.simulator.calls import Reply
from services.simulator.control import changed
from services.simulator.simulator import Simulator
from services.simulator.wire import JSON_TYPE, as_json

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

VENDOR_PATHS = (("/chat/completions", "openai"), ("/messages", "anthropic"))


class SimulatorApp:
    """A simulator behind HTTP."""

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            return
        path, method = scope["path"], scope["method"]
        vendor = next((name for ending, name in VENDOR_PATHS if path.endswith(ending)), "")
        if vendor and method == "POST":
            await self._vendor(vendor, scope, receive, send)
        else:
            await _send(send, await self._other(method, path, receive))

    async def _vendor(self, vendor: str, scope: Scope, receive: Receive, send: Send) -> None:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        reply = await self.simulator.serve(vendor, await _body(receive), headers)
        if reply is None:
            await _until_gone(receive, self.simulator.options.hang_seconds)
            reply = Reply(504, [JSON_TYPE], b"{}", cut=True)
        await _send(send, reply)

    async def _other(self, method: str, path: str, receive: Receive) -> Reply:
        if path.endswith("/models") and method == "GET":
            return _json(200, self._models())
        if path == "/control/stats" and method == "GET":
            return _json(200, self.simulator.stats.as_dict())
        if path == "/control" and method == "POST":
            return self._control(await _body(receive))
        return _json(404, {"error": {"message": f"Unknown request URL: {method} {path}.", "type": "not_found"}})

    def _models(self) -> dict[str, Any]:
        """In one shape for both vendors' clients."""
        models = [
            {
                "id": name,
                "object": "model",
                "type": "model",
                "display_name": name,
                "created": 1_700_000_000,
                "created_at": "2023-11-14T00:00:00Z",
                "owned_by": "simulator",
            }
            for name in self.simulator.options.models
        ]
        return {"object": "list", "data": models, "has_more": False, "first_id": None, "last_id": None}

    def _control(self, body: bytes) -> Reply:
        try:
            wanted = json.loads(body)
            if not isinstance(wanted, dict):
                raise ValueError("the body is a JSON object")
            reset = wanted.pop("reset", False)
            self.simulator.change(changed(self.simulator.options, wanted))
        except ValueError as error:
            return _json(400, {"error": {"message": str(error)}})
        if reset:
            self.simulator.reset()
        return _json(200, {"ok": True})


async def _body(receive: Receive) -> bytes:
    parts = []
    more = True
    while more:
        message = await receive()
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(parts)


async def _until_gone(receive: Receive, seconds: float) -> None:
    """Until the client leaves, or the time is over."""
    try:
        async with asyncio.timeout(seconds):
            while (await receive())["type"] != "http.disconnect":
                pass
    except TimeoutError:
        return


async def _send(send: Send, reply: Reply) -> None:
    """The response; if it is to be cut, half of the promised body, after which the server hangs up."""
    length = (b"content-length", str(len(reply.body)).encode())
    await send({"type": "http.response.start", "status": reply.status, "headers": [*reply.headers, length]})
    if reply.cut:
        await send({"type": "http.response.body", "body": reply.body[: len(reply.body) // 2], "more_body": True})
    else:
        await send({"type": "http.response.body", "body": reply.body})


def _json(status: int, value: Any) -> Reply:
    return Reply(status, [JSON_TYPE], as_json(value).encode())
