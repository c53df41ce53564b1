"""The page at /docs: Swagger UI out of our own files, so that it opens where nothing else can be reached."""

from pathlib import Path

from fastapi import APIRouter, Response
from fastapi.openapi.docs import get_swagger_ui_html

from services.api.files import serve_files

FOLDER = Path(__file__).parent / "swagger"
FILES = {"swagger-ui-bundle.js": "text/javascript; charset=utf-8", "swagger-ui.css": "text/css; charset=utf-8"}
POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""Inline is what FastAPI writes to start it, and how Swagger UI styles; nothing in the page comes from a visitor."""


def swagger_routes(title: str) -> APIRouter:
    """The page and its files. It names them relative to itself, so any path in front of the API will do."""
    router = APIRouter(prefix="/docs", include_in_schema=False)
    page = get_swagger_ui_html(
        openapi_url="openapi.json",
        title=title,
        swagger_js_url="docs/swagger-ui-bundle.js",
        swagger_css_url="docs/swagger-ui.css",
        swagger_favicon_url="console/static/icon.svg",
    )
    page.headers["Content-Security-Policy"] = POLICY

    @router.get("")
    async def show() -> Response:
        return page

    serve_files(router, "", FOLDER, FILES)
    return router
