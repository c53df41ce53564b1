"""The console's routes: an entrance, its own files, pages to read, and what can be done."""

from pathlib import Path

from fastapi import APIRouter, Depends

from services.api.access import Access
from services.api.connections import Connections
from services.api.console.decisions import Decisions, decision_routes
from services.api.console.entrance import entrance_routes
from services.api.console.flow import Flow
from services.api.console.letters import Letters, letter_routes
from services.api.console.page_route import PageRoute
from services.api.console.reading import Reader, reading_routes
from services.api.console.sections import section_routes
from services.api.console.visitors import PATH, Visitors
from services.api.files import serve_files
from shared.console import sections
from shared.reviewing import reviews
from shared.runtime.declaration import Pipeline
from shared.settings import Settings

STATIC = Path(__file__).parent / "static"
FILES = {
    "console.css": "text/css; charset=utf-8",
    "htmx.min.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}


def console_routes(settings: Settings, pipeline: Pipeline, connections: Connections, access: Access) -> APIRouter:
    """Everything under /console."""
    visitors, offered = Visitors(access), reviews(pipeline.name)
    reader = Reader(pipeline, connections, Flow(settings.kafka, pipeline), offered)
    console = APIRouter(include_in_schema=False)
    console.include_router(_files())
    console.include_router(entrance_routes(visitors))
    inside = [Depends(visitors)]
    console.include_router(reading_routes(reader), dependencies=inside)
    console.include_router(letter_routes(Letters(settings, connections)), dependencies=inside)
    console.include_router(decision_routes(Decisions(connections, offered), reader), dependencies=inside)
    for section in sections():
        console.include_router(section_routes(section, settings, connections), dependencies=inside)
    return console


def _files() -> APIRouter:
    router = APIRouter(prefix=PATH, route_class=PageRoute)
    serve_files(router, "/static", STATIC, FILES)
    return router
