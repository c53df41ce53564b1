"""How often a client may ask, counted in this process alone: a minute begins with its first request."""

from collections.abc import Callable

import structlog
from limits import RateLimitItem, RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import FixedWindowRateLimiter

from services.api.problems import Problem, retry_after
from shared.settings import ApiSettings

log = structlog.get_logger()

REMEDY = "Send the same request again after the time in Retry-After."
ONCE = RateLimitItemPerMinute(1)


class RateLimits:
    """Requests and indicators of each client; wrong keys of each address."""

    def __init__(self, settings: ApiSettings, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._counted = FixedWindowRateLimiter(MemoryStorage())
        self._requests = settings.requests_per_minute and RateLimitItemPerMinute(settings.requests_per_minute)
        self._indicators = settings.indicators_per_minute and RateLimitItemPerMinute(settings.indicators_per_minute)
        self._wrong_keys = RateLimitItemPerMinute(settings.wrong_keys_per_minute)

    async def take_request(self, client: str) -> None:
        """Count a request. Raises Problem if it is one too many."""
        if self._requests and not await self._counted.hit(self._requests, "requests", client):
            raise await self._too_many(self._requests, "requests", client)

    async def take_indicators(self, client: str, count: int) -> None:
        """Count indicators. Raises Problem if they are too many."""
        if self._indicators and not await self._counted.hit(self._indicators, "indicators", client, cost=count):
            raise await self._too_many(self._indicators, "indicators", client)

    async def expect_no_guessing(self, address: str) -> None:
        """Raise Problem if the address has tried too many keys."""
        if not await self._counted.test(self._wrong_keys, "wrong keys", address):
            raise await self._too_many(self._wrong_keys, "wrong keys", address)

    async def note_wrong_key(self, address: str, digest: bytes) -> None:
        """Count a key that is none. The same one again is a client that is set up wrong rather than a guess."""
        if not await self._counted.test(self._wrong_keys, "wrong keys", address):
            return  # so that neither memory nor log grows with every guess
        if await self._counted.hit(ONCE, "wrong key", address, digest.hex()):
            await self._counted.hit(self._wrong_keys, "wrong keys", address)
            log.warning("wrong API key", address=address)

    async def _too_many(self, limit: RateLimitItem, what: str, client: str) -> Problem:
        reset = (await self._counted.get_window_stats(limit, what, client)).reset_time
        message = f"more than {limit.amount:,} {what} in a minute"
        return Problem(429, message, REMEDY, headers=retry_after(reset - self._clock()))
