"""Who may look: whoever has shown a key of the API, which a cookie remembers; everybody if there are none."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from urllib.parse import urlsplit

from fastapi import Request, Response

from services.api.access import Access
from services.api.problems import Problem

COOKIE = "sluice_console"
HOURS = 12
PATH = "/console"
SAME_ORIGIN = "same-origin"


class KeyNeededError(Exception):
    """Nobody who has shown a key."""


class Visitors:
    """Lets in by cookie.

    The cookie is the key itself, which no script can read and which goes to no other site: the server has nothing of a
    key but its hash, with which whoever can read that could forge a cookie. So every replica knows every cookie, and it
    ends with its key: revoked, expired or limited, it is so here at the same moment.
    """

    def __init__(self, access: Access) -> None:
        self._access = access

    @property
    def open(self) -> bool:
        """Whether everybody is let in."""
        return self._access.open

    async def __call__(self, request: Request) -> None:
        """Let the request pass. Raises KeyNeededError, and Problem for a change that another site has asked for."""
        if request.method == "POST":
            refuse_other_sites(request)
        await self._admit(request, _key_in(request.cookies.get(COOKIE, "")))

    async def enter(self, request: Request, key: str, answer: Response) -> None:
        """Give out a cookie for a key. Raises KeyNeededError if it is none of ours."""
        shown = key.encode().decode("latin-1")  # as a header would bring it
        await self._admit(request, shown)
        answer.set_cookie(
            COOKIE,
            urlsafe_b64encode(shown.encode("latin-1")).decode(),
            max_age=HOURS * 3600,
            path=PATH,
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
        )

    async def _admit(self, request: Request, key: str) -> None:
        try:
            await self._access.admit(request, [key] if key else [])
        except Problem as problem:
            if problem.status == 401:
                raise KeyNeededError from None
            raise


def _key_in(cookie: str) -> str:
    """The key that a cookie remembers; empty if it is none of ours."""
    try:
        return urlsafe_b64decode(cookie.encode("ascii")).decode("latin-1")
    except ValueError:
        return ""


def refuse_other_sites(request: Request) -> None:
    """Raise Problem unless the browser says that a page of ours asks for the change."""
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin", "")
    ours = urlsplit(origin).netloc == request.headers.get("host") if origin else site == SAME_ORIGIN
    if not ours or site not in {None, SAME_ORIGIN}:
        raise Problem(403, "the request does not come from a page of this console", "Use the console's own pages.")
