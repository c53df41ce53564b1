"""Answers that are not what the client hoped for: always JSON, always with what is wrong and what to do about it."""

import http
import math
from collections.abc import Mapping, Sequence
from typing import Any

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic_core import to_json
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from services.api.contract import RowProblem
from shared.errors import SluiceError, TransientError

log = structlog.get_logger()

RETRY_SECONDS = 5.0
JSON = "application/json"
PHRASES = {http.HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "Request Entity Too Large"}
"""Where the standard library has renamed the phrase that clients know."""


class Problem(Exception):  # noqa: N818 -- an answer rather than a fault of ours
    """Ends a request with an error status."""

    def __init__(
        self,
        status: int,
        message: str,
        remedy: str = "",
        *,
        rows: Sequence[RowProblem] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.remedy = remedy
        self.rows = rows
        self.headers = dict(headers or {})

    def response(self) -> Response:
        """The answer."""
        phrase = PHRASES.get(http.HTTPStatus(self.status)) or http.HTTPStatus(self.status).phrase
        body: dict[str, Any] = {"error": phrase, "message": self.message, "remedy": self.remedy}
        if self.rows:
            body["rows"] = [row.model_dump() for row in self.rows]
        return Response(to_json(body), self.status, self.headers, JSON)


def retry_after(seconds: float) -> dict[str, str]:
    """The header that says when to come back; whole seconds, as the standard has it."""
    return {"Retry-After": str(max(1, math.ceil(seconds)))}


def answer_problems(app: FastAPI) -> None:
    """Make every error of `app` an answer of this form."""
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(TransientError, _away)
    app.add_exception_handler(SluiceError, _fault)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _parameters)
    app.add_exception_handler(ClientDisconnect, _gone)
    app.add_exception_handler(Exception, _fault)


async def _problem(_: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return error.response()


async def _away(_: Request, error: Exception) -> Response:
    seconds = getattr(error, "retry_after", None) or RETRY_SECONDS
    log.warning("request refused", reason=str(error))
    remedy = "Send the same request again later; a submission with an Idempotency-Key, so that it cannot count twice."
    message = "the database or the broker is away"
    return Problem(503, message, remedy, headers=retry_after(seconds)).response()


async def _fault(request: Request, error: Exception) -> Response:
    log.error("request failed", path=request.url.path, error=type(error).__name__, reason=str(error), exc_info=error)
    return Problem(500, "this service made a mistake", "Report it with the time; its log holds the reason.").response()


async def _http(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    remedy = "See /docs for the routes and what they take." if error.status_code in {404, 405} else ""
    return Problem(error.status_code, error.detail, remedy, headers=error.headers).response()


async def _parameters(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    wrong = [f"{part['loc'][-1]}: {part['msg']}" for part in error.errors()]
    return Problem(400, f"wrong parameter: {'; '.join(wrong)}", "See /docs for what the route takes.").response()


async def _gone(*_: object) -> Response:
    return Response(status_code=400)  # nobody is there to read it
