"""Who may ask: whoever shows one of the configured keys; everybody if there are none."""

from collections.abc import Sequence
from hashlib import sha256
from hmac import compare_digest
from typing import Annotated

from fastapi import Depends
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer
from pydantic import SecretStr

from services.api.problems import Problem

_KEY_HEADER = APIKeyHeader(name="x-api-key", auto_error=False, description="one of the configured keys")
_BEARER = HTTPBearer(auto_error=False, description="the same key as a bearer token")


class Access:
    """A dependency that refuses requests without a valid key. How long it takes tells nothing about the keys."""

    def __init__(self, keys: Sequence[SecretStr]) -> None:
        self._digests = [sha256(key.get_secret_value().encode()).digest() for key in keys]

    async def __call__(
        self,
        key: Annotated[str | None, Depends(_KEY_HEADER)],
        bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)],
    ) -> None:
        """Let the request pass, or answer 401."""
        shown = [text for text in (key, bearer.credentials if bearer else None) if text]
        if self._digests and not any(map(self._known, shown)):
            raise Problem(
                401,
                "no valid key" if shown else "a key is needed",
                "Send a configured key in the header x-api-key, or as Authorization: Bearer.",
                headers={"WWW-Authenticate": "Bearer"},
            )

    def _known(self, text: str) -> bool:
        digest = sha256(text.encode("latin-1", errors="replace")).digest()  # the bytes as they were on the wire
        return sum(compare_digest(digest, known) for known in self._digests) > 0  # every key is compared
