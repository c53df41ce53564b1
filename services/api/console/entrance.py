"""Showing a key, and leaving."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from services.api.console.forms import read_form, value
from services.api.console.page_route import PageRoute
from services.api.console.rendering import HEADERS, link, page
from services.api.console.visitors import COOKIE, PATH, KeyNeededError, Visitors, refuse_other_sites


def entrance_routes(visitors: Visitors) -> APIRouter:
    """The pages that everybody may see."""
    router = APIRouter(prefix=PATH, route_class=PageRoute)

    @router.get("/key")
    async def ask(request: Request) -> Response:
        if visitors.open:
            return _inside()
        return page(request, "key", wrong=False)

    @router.post("/key")
    async def show(request: Request) -> Response:
        refuse_other_sites(request)
        answer = _inside()
        try:
            await visitors.enter(request, value(await read_form(request), "key"), answer)
        except KeyNeededError:
            return page(request, "key", 403, wrong=True)
        return answer

    @router.post("/leave")
    async def leave(request: Request) -> Response:
        refuse_other_sites(request)
        answer = RedirectResponse(link("/key"), 303, HEADERS)
        answer.delete_cookie(COOKIE, path=PATH, httponly=True, samesite="strict")
        return answer

    return router


def _inside() -> Response:
    return RedirectResponse(link(""), 303, HEADERS)
