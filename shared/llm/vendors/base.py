"""One call over HTTP: what all vendors have in common."""

import asyncio
import ssl
from abc import ABC, abstractmethod
from collections.abc import Mapping
from functools import cache
from typing import Any

import httpx2
import structlog

from shared.llm.calls import Announced, CallOutcome, Completion, Request, Tokens, VendorError
from shared.llm.vendors.announcing import retry_after
from shared.llm.vendors.answering import HttpAnswer, Unreadable
from shared.llm.vendors.endpoint import Endpoint
from shared.llm.vendors.failing import Complaint, complaint, is_refusal, message_of, outcome_of
from shared.runtime.clock import Clock, SystemClock

log = structlog.get_logger()

CONNECT_SECONDS = 10.0
Body = dict[str, Any]


class HttpVendor(ABC):
    """A vendor behind an SDK that is told not to try again."""

    optional: tuple[str, ...] = ()
    """Parameters that some models or servers refuse; they are asked without them from then on."""

    def __init__(self, endpoint: Endpoint, clock: Clock | None = None) -> None:
        self.endpoint = endpoint
        self._clock = clock or SystemClock()
        self._refused: set[str] = set()

    @property
    def provider(self) -> str:
        """Name of the vendor."""
        return self.endpoint.provider

    @property
    def model(self) -> str:
        """The model that is asked."""
        return self.endpoint.model

    async def complete(self, request: Request) -> Completion:
        """One call, no retries. Raises VendorError."""
        try:
            async with asyncio.timeout(request.timeout_seconds):
                return await self._complete(request)
        except TimeoutError:
            pass
        raise VendorError(CallOutcome.TIMEOUT, f"{self.provider} did not answer within {request.timeout_seconds:g} s")

    @abstractmethod
    async def close(self) -> None:
        """Close connections."""

    @abstractmethod
    def _body(self, request: Request) -> Body:
        """What is sent."""

    @abstractmethod
    async def _post(self, body: Body, timeout: httpx2.Timeout) -> "HttpAnswer | Exception":
        """Send it. An exception of the SDK without an answer is returned: raised ones would hold what was sent."""

    @abstractmethod
    def _completion(self, request: Request, answer: HttpAnswer) -> Completion:
        """What a good answer says. Raises Unreadable."""

    @abstractmethod
    def _announced(self, headers: Mapping[str, str], taken: Tokens | None = None) -> Announced:
        """The limits in headers."""

    async def _complete(self, request: Request) -> Completion:
        while True:
            body = self._body(request)
            answer = await self._post(body, httpx2.Timeout(request.timeout_seconds, connect=CONNECT_SECONDS))
            if isinstance(answer, Exception):
                raise self._lost(answer)
            if answer.status < 300 and not answer.body.get("error"):
                return self._read(request, answer)
            said = complaint(answer)
            if is_refusal(answer.status, said):
                return self._filtered(answer)
            if not self._learns(body, answer, said):
                raise self._failure(request, answer, said)

    def _read(self, request: Request, answer: HttpAnswer) -> Completion:
        try:
            return self._completion(request, answer)
        except Unreadable as problem:
            why = str(problem)
        raise VendorError(
            CallOutcome.SERVER_ERROR,
            f"{self.provider} sent no answer of its API: {why}",
            status=answer.status,
            announced=self._announced(answer.headers),
            request_id=answer.request_id,
        )

    def _learns(self, body: Body, answer: HttpAnswer, said: Complaint) -> bool:
        """Whether the same may be asked again in another way: a parameter that was sent is not wanted here."""
        if answer.status not in {400, 422}:
            return False
        unwanted = {name for name in self.optional if name in body and name in said.words}
        if unwanted - self._refused:
            log.warning("the model takes no such parameters", provider=self.provider, parameters=sorted(unwanted))
        self._refused |= unwanted
        return bool(unwanted)

    def _wanted(self, body: Body) -> Body:
        return {name: value for name, value in body.items() if name not in self._refused}

    def _filtered(self, answer: HttpAnswer) -> Completion:
        announced = self._announced(answer.headers)
        return Completion("", CallOutcome.REFUSED, Tokens(), self.model, answer.request_id, announced)

    def _failure(self, request: Request, answer: HttpAnswer, said: Complaint) -> VendorError:
        wait = retry_after(answer.headers, self._clock.now())
        status = answer.status if answer.status >= 300 else 500  # some servers send their errors with 200
        outcome = outcome_of(status, said)
        key = self.endpoint.key.get_secret_value()
        return VendorError(
            outcome,
            message_of(self.provider, answer.status, outcome, said, request, key),
            status=answer.status,
            retry_after=wait if wait is not None else said.retry_after,
            announced=self._announced(answer.headers),
            request_id=answer.request_id,
        )

    def _lost(self, error: Exception) -> VendorError:
        if isinstance(error, ValueError):
            return VendorError(CallOutcome.BAD_REQUEST, f"the call to {self.provider} cannot be written down")
        cause = error.__cause__ or error
        if isinstance(cause, httpx2.TimeoutException) and not isinstance(cause, httpx2.ConnectTimeout):
            return VendorError(CallOutcome.TIMEOUT, f"{self.provider} did not answer in time")
        reason = f"no connection to {self.provider} at {self.endpoint.place} ({type(cause).__name__})"
        return VendorError(CallOutcome.UNREACHABLE, reason)


def http_client(endpoint: Endpoint) -> httpx2.AsyncClient:
    """Connections for as many calls as may be in flight. Redirects are not followed: the key would go with them."""
    limits = httpx2.Limits(max_connections=endpoint.concurrency + 8, max_keepalive_connections=endpoint.concurrency)
    return httpx2.AsyncClient(limits=limits, follow_redirects=False, verify=_trusted())


@cache
def _trusted() -> ssl.SSLContext:
    """The certificates to trust, read once for all vendors."""
    return httpx2.create_ssl_context()


def answer_of(response: httpx2.Response) -> HttpAnswer:
    """The parts of a response that matter."""
    try:
        text = response.text
    except httpx2.ResponseNotRead:
        text = ""
    return HttpAnswer(response.status_code, {name.lower(): value for name, value in response.headers.items()}, text)
