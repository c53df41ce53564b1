"""The pages that pipelines add, served as all others are."""

import asyncio
from collections.abc import Mapping

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import ValidationError

from services.api.connections import Connections
from services.api.console.forms import read_form
from services.api.console.page_route import PageRoute
from services.api.console.rendering import HEADERS, page
from services.api.console.visitors import PATH
from services.api.problems import Problem
from shared.console import Download, Page, Section, View, Views, Visit
from shared.settings import Settings

PAGE_SECONDS = 30.0


class Opened:
    """A section, opened by who looks first: it may import what nothing else here needs."""

    def __init__(self, section: Section, settings: Settings) -> None:
        self._section = section
        self._settings = settings
        self._views: Views | None = None
        self._lock = asyncio.Lock()

    async def views(self) -> Views:
        """What it has to show. Raises UsageError if it cannot be opened."""
        async with self._lock:
            if self._views is None:
                self._views = await asyncio.to_thread(self._section.open, self._settings)
        return self._views


def section_routes(section: Section, settings: Settings, connections: Connections) -> APIRouter:
    """Its pages, and its forms."""
    router = APIRouter(prefix=f"{PATH}/{section.path}", route_class=PageRoute)
    opened = Opened(section, settings)

    async def answer(request: Request, views: Mapping[str, View], name: str, visit: Visit) -> Response:
        if name not in views:
            raise Problem(404, "there is no such page")
        found = await _within_time(views[name], visit)
        if isinstance(found, Download):
            return _file(found)
        return page(request, f"{section.path}/{found.template}", found.status, **found.values)

    @router.get("")
    @router.get("/{name}")
    async def show(request: Request, name: str = "") -> Response:
        visit = Visit(connections.database, request.query_params.multi_items())
        return await answer(request, (await opened.views()).shown, name, visit)

    @router.post("/{name}")
    async def do(request: Request, name: str) -> Response:
        visit = Visit(connections.database, await read_form(request))
        return await answer(request, (await opened.views()).done, name, visit)

    return router


async def _within_time(view: View, visit: Visit) -> Page | Download:
    try:
        async with asyncio.timeout(PAGE_SECONDS):
            return await view(visit)
    except TimeoutError:
        raise Problem(503, f"this takes more than {PAGE_SECONDS:.0f} seconds", "Ask for less, or later.") from None
    except ValidationError:
        raise Problem(400, "a field holds something that it cannot hold") from None


def _file(found: Download) -> Response:
    headers = {**HEADERS, "Content-Disposition": f'attachment; filename="{found.name}"'}
    return StreamingResponse(found.parts, headers=headers, media_type=found.kind)
