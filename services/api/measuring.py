"""What happens to every request, whatever its route: counted, timed, answered without a chance to be taken for HTML."""

import time

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.telemetry.metrics import API_DURATION, API_REQUESTS

METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
OTHER = "other"


class Measured:
    """ASGI middleware. Labels come from the routes there are, never from what a client sends."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, and take note when the answer begins."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status = time.perf_counter(), 0

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["X-Content-Type-Options"] = "nosniff"
                _note(scope, status, time.perf_counter() - started)
            await send(message)

        try:
            await self._app(scope, receive, noting)
        except Exception:
            if not status:  # the answer to this is sent further out
                _note(scope, 500, time.perf_counter() - started)
            raise


def _note(scope: Scope, status: int, seconds: float) -> None:
    route = getattr(scope.get("route"), "path", OTHER)
    method = scope["method"] if scope["method"] in METHODS else OTHER
    API_REQUESTS.labels(route, method, str(status)).inc()
    API_DURATION.labels(route, method).observe(seconds)
