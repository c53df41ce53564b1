"""Request bodies: JSON only, and never more of one in memory than the limit."""

from fastapi import Request

from services.api.problems import Problem


async def read_json_body(request: Request, limit: int) -> bytes:
    """The body of a JSON request. Refuses another type and a longer body, the latter before it has all arrived."""
    _expect_json(request)
    announced = request.headers.get("content-length", "")
    if announced.isascii() and announced.isdigit() and (len(announced) > 18 or int(announced) > limit):
        raise _too_large(limit)
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
        headers={"Connection": "close"},  # what is left of the body is not read, so the connection is of no more use
    )
