"""Who may look: whoever has shown a key of the API, which a signed cookie remembers; everybody if there are none."""

import hmac
import time
from collections.abc import Callable, Sequence
from hashlib import sha256
from urllib.parse import urlsplit

from fastapi import Request, Response
from pydantic import SecretStr

from services.api.problems import Problem

COOKIE = "sluice_console"
HOURS = 12
PATH = "/console"
_PURPOSE = b"sluice console "
SAME_ORIGIN = "same-origin"


class KeyNeededError(Exception):
    """Nobody who has shown a key."""


class Visitors:
    """Lets in by key or by cookie. A cookie ends with its time or with its key, and no server keeps it."""

    def __init__(self, keys: Sequence[SecretStr], clock: Callable[[], float] = time.time) -> None:
        self._keys = [key.get_secret_value().encode() for key in keys]
        self._clock = clock

    @property
    def open(self) -> bool:
        """Whether everybody is let in."""
        return not self._keys

    async def __call__(self, request: Request) -> None:
        """Let the request pass. Raises KeyNeededError, and Problem for a change that another site has asked for."""
        if request.method == "POST":
            refuse_other_sites(request)
        if not self.open and not self.is_valid(request.cookies.get(COOKIE, "")):
            raise KeyNeededError

    def is_valid(self, cookie: str) -> bool:
        """Whether we have given it out, and it still counts. How long that takes tells nothing about the keys."""
        until, _, signature = cookie.partition(".")
        if not (until.isascii() and until.isdigit() and len(until) < 12 and signature.isascii()):
            return False
        matching = sum(hmac.compare_digest(_signature(key, until), signature) for key in self._keys)
        return matching > 0 and int(until) > self._clock()

    def remember(self, shown: str, response: Response, *, secure: bool) -> bool:
        """Give out a cookie for a key. False if it is none of ours."""
        digest = sha256(shown.encode()).digest()
        known = [key for key in self._keys if hmac.compare_digest(sha256(key).digest(), digest)]
        if not known:
            return False
        until = str(int(self._clock()) + HOURS * 3600)
        value = f"{until}.{_signature(known[0], until)}"
        response.set_cookie(
            COOKIE, value, max_age=HOURS * 3600, path=PATH, httponly=True, samesite="strict", secure=secure
        )
        return True


def refuse_other_sites(request: Request) -> None:
    """Raise Problem unless the browser says that a page of ours asks for the change."""
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin", "")
    ours = urlsplit(origin).netloc == request.headers.get("host") if origin else site == SAME_ORIGIN
    if not ours or site not in {None, SAME_ORIGIN}:
        raise Problem(403, "the request does not come from a page of this console", "Use the console's own pages.")


def _signature(key: bytes, until: str) -> str:
    return hmac.new(_PURPOSE + key, until.encode(), sha256).hexdigest()
