"""Who asks: whoever shows a valid key, by its name; everybody if no keys are configured. And how often they may."""

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Annotated, NamedTuple

from fastapi import Depends, Request
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer

from services.api.keys import ApiKey, digest_of, match
from services.api.keys_file import KeysFile
from services.api.limiting import RateLimits
from services.api.problems import Problem
from shared.settings import ApiSettings

_KEY_HEADER = APIKeyHeader(name="x-api-key", auto_error=False, description="a key of yours")
_BEARER = HTTPBearer(auto_error=False, description="the same key as a bearer token")


class Client(NamedTuple):
    """Who sent a request."""

    name: str
    """Of the key; empty if none is needed."""
    address: str

    @property
    def counted_as(self) -> str:
        """Whose limits it uses up."""
        return self.name or self.address


class Access:
    """A dependency that tells who asks, and refuses those who may not, and those who ask too often."""

    def __init__(self, settings: ApiSettings, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._file = KeysFile(settings.keys_file) if settings.keys_file else None
        # A colon, which a name in a file cannot have.
        self._plain = [
            ApiKey(f"env:{place}", digest_of(key.get_secret_value().encode()))
            for place, key in enumerate(settings.keys, 1)
        ]
        self.open = not self._plain and self._file is None
        """Whether everybody may ask."""
        self.limits = RateLimits(settings, clock)

    async def __call__(
        self,
        request: Request,
        key: Annotated[str | None, Depends(_KEY_HEADER)],
        bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)],
    ) -> Client:
        """Let the request pass, or answer 401 or 429."""
        return await self.admit(request, [text for text in (key, bearer.credentials if bearer else None) if text])

    async def admit(self, request: Request, shown: Sequence[str]) -> Client:
        """Who sends a request with these keys. Raises Problem: 401 if none of them is valid, 429 beyond a limit."""
        address = request.client.host if request.client else ""
        client = Client("" if self.open else await self._name(shown, address), address)
        await self.limits.take_request(client.counted_as)
        return client

    async def _name(self, shown: Sequence[str], address: str) -> str:
        digests = [digest_of(text.encode("latin-1", errors="replace")) for text in shown]  # the bytes on the wire
        found = _among(self._file.keys if self._file else (), digests)
        if not found and digests and self._plain:
            await self.limits.expect_no_guessing(address)  # what people have chosen can be guessed
            found = _among(self._plain, digests)
        if not found:
            for digest in digests:
                await self.limits.note_wrong_key(address, digest)
            raise _refusal("no valid key" if shown else "a key is needed", "Send a valid key")
        now = datetime.fromtimestamp(self._clock(), UTC)
        for key in found:
            if not key.expired(now):
                return key.name
        raise _refusal("the key has expired", "Send a newer one")


def _among(keys: Sequence[ApiKey], digests: Sequence[bytes]) -> list[ApiKey]:
    return [key for digest in digests if (key := match(keys, digest))]


def _refusal(message: str, remedy: str) -> Problem:
    return Problem(
        401,
        message,
        f"{remedy} in the header x-api-key, or as Authorization: Bearer.",
        headers={"WWW-Authenticate": "Bearer"},
    )
