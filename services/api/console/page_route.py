"""Routes whose refusals are pages, too."""

from collections.abc import Callable, Coroutine
from typing import Any

import structlog
from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse
from fastapi.routing import APIRoute

from services.api.console.rendering import HEADERS, link, page
from services.api.console.visitors import KeyNeededError
from services.api.problems import Problem
from shared.errors import TransientError, UsageError

log = structlog.get_logger()
Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class PageRoute(APIRoute):
    """A route whose refusals are pages, too, and whose visitors without a key are shown the entrance."""

    def get_route_handler(self) -> Handler:
        """The usual handler, and what becomes of its exceptions."""
        handler = super().get_route_handler()

        async def handle(request: Request) -> Response:
            try:
                return await handler(request)
            except KeyNeededError:
                return _to_the_entrance(request)
            except (UsageError, TransientError, Problem, RequestValidationError) as error:
                return _refusal(request, error)

        return handle


def _to_the_entrance(request: Request) -> Response:
    if "hx-request" in request.headers:  # a part of a page cannot be redirected, the page can
        return Response(status_code=401, headers={**HEADERS, "HX-Redirect": link("/key")})
    return RedirectResponse(link("/key"), 303, HEADERS)


def _refusal(request: Request, error: Exception) -> Response:
    if isinstance(error, TransientError):
        log.warning("page refused", reason=str(error))
        told = {"message": "The database or the broker is away.", "remedy": "This page tries again by itself."}
        return page(request, "refused", 503, again=request.method == "GET", **told)
    if isinstance(error, Problem):
        status, message, remedy = error.status, error.message, error.remedy
    elif isinstance(error, UsageError):
        status, message, remedy = 404, str(error.args[0]), error.remedy
    else:
        status, message, remedy = 400, "The address holds something that it cannot hold.", ""
    return page(request, "refused", status, message=message, remedy=remedy, again=False)
