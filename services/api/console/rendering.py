"""Pages: Jinja templates, everything in them escaped, and headers that let a browser run nothing but our own files."""

from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from fastapi import Request, Response
from jinja2 import ChoiceLoader, Environment, PackageLoader, PrefixLoader, StrictUndefined

from services.api.console.visitors import COOKIE
from shared.console import sections

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
}
NOTHING = "\N{EN DASH}"

_pages = Environment(
    loader=ChoiceLoader(
        [
            PackageLoader("services.api.console"),
            PrefixLoader({section.path: PackageLoader(section.package) for section in sections()}),
        ]
    ),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def page(request: Request, name: str, status: int = 200, /, **values: Any) -> Response:
    """The page of a template."""
    known = COOKIE in request.cookies
    text = _pages.get_template(f"{name}.html").render(values, known_visitor=known)
    return Response(text, status, HEADERS, "text/html; charset=utf-8")


def shown(value: object) -> str:
    """A value as people read it."""
    match value:
        case bool():
            text = "yes" if value else "no"
        case datetime():
            text = value.strftime("%Y-%m-%d %H:%M:%S")
        case float():
            text = f"{value:,.2f}"
        case int():
            text = f"{value:,}"
        case dict():
            text = ", ".join(f"{name}: {shown(part)}" for name, part in value.items())
        case list() | tuple():
            text = ", ".join(map(shown, value))
        case _:
            text = "" if value is None else str(value)
    return text or NOTHING


def words(name: str) -> str:
    """A field's name as people read it."""
    return name.replace("_", " ").replace("-", " ")


def link(path: str, **parameters: object) -> str:
    """An address within the console."""
    given = {name: value for name, value in parameters.items() if value is not None}
    return f"/console{path}" + (f"?{urlencode(given)}" if given else "")


def seconds(value: float | None) -> str:
    """A span of time as people read it."""
    if value is None:
        return NOTHING
    if value < 1:
        return f"{value * 1000:.0f} ms" if value >= 0.001 else "< 1 ms"
    minutes, rest = divmod(int(value), 60)
    return f"{minutes:,} min {rest} s" if minutes else f"{value:.1f} s"


_pages.filters |= {"shown": shown, "words": words, "seconds": seconds}
_pages.globals |= {"link": link, "sections": sections()}
