"""Request bodies: JSON only, never more of one in memory than the limit, and never waited for without an end."""

import asyncio

from fastapi import Request

from services.api.problems import Problem

BODY_SECONDS = 60.0
"""The longest body comes in that time over 2 Mbit/s. One that trickles in holds one of few connections."""
_CLOSE = {"Connection": "close"}
"""What is left of the body is not read, so the connection is of no more use."""


async def read_json_body(request: Request, limit: int) -> bytes:
    """The body of a JSON request. Refuses another type, a longer body before it has all arrived, and a late one."""
    _expect_json(request)
    announced = request.headers.get("content-length", "")
    if announced.isascii() and announced.isdigit() and (len(announced) > 18 or int(announced) > limit):
        raise _too_large(limit)
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await _read(request, limit)
    except TimeoutError:
        message = f"Request Timeout: a body may take {BODY_SECONDS:g} s"
        raise Problem(408, message, "Send it again, over a faster connection.", headers=_CLOSE) from None


async def _read(request: Request, limit: int) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        if len(body) + len(chunk) > limit:
            raise _too_large(limit)
        body += chunk
    return bytes(body)


def _expect_json(request: Request) -> None:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json" and not (kind.startswith("application/") and kind.endswith("+json")):
        raise Problem(415, "the body must be JSON", "Send it with the header Content-Type: application/json.")
    if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise Problem(415, "compressed bodies are not understood", "Send the JSON as it is, without Content-Encoding.")


def _too_large(limit: int) -> Problem:
    return Problem(
        413,
        f"Request Entity Too Large: a body may have {limit:,} bytes",
        "Send fewer indicators, or fewer sample values of each.",
        headers=_CLOSE,
    )
