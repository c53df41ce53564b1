"""One call to a vendor, as all parts of the gateway speak of it: what goes out, what comes back, what it took.

vendors/ make calls, admission lets them pass and books them, asking.py decides what to call and what to make of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol


class CallOutcome(StrEnum):
    """How an attempt ended; also the `outcome` of the ledger and of metrics."""

    OK = "ok"
    INVALID = "invalid"
    """An answer came, but not one item of it could be used."""
    TRUNCATED = "truncated"
    REFUSED = "refused"
    """The model will not answer this content."""
    RATE_LIMITED = "rate-limited"
    TIMEOUT = "timeout"
    UNREACHABLE = "unreachable"
    SERVER_ERROR = "server-error"
    BAD_REQUEST = "bad-request"
    UNAUTHORIZED = "unauthorized"
    NOT_FOUND = "not-found"
    """No such model, or no such address."""
    OUT_OF_QUOTA = "out-of-quota"
    LOST = "lost"
    """The process died with the call in flight; booked at its estimate."""


PASSING = frozenset({CallOutcome.RATE_LIMITED, CallOutcome.TIMEOUT, CallOutcome.UNREACHABLE, CallOutcome.SERVER_ERROR})
"""Outcomes after which the same call may succeed."""
PATIENCE_SECONDS = 60.0
"""A vendor that wants us to wait longer is closed: callers have deadlines and better things to do."""
MISCONFIGURED = frozenset({CallOutcome.UNAUTHORIZED, CallOutcome.NOT_FOUND, CallOutcome.OUT_OF_QUOTA})
"""Outcomes that a person has to set right."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a call took. `cached` and `cache_written` are parts of `input`."""

    input: int = 0
    cached: int = 0
    cache_written: int = 0
    output: int = 0


CACHED_IS_FREE = frozenset({"anthropic"})
"""Vendors that do not count cached input against the limit of tokens."""


def limited_tokens(provider: str, tokens: Tokens) -> int:
    """How many of `tokens` count against the vendor's limit."""
    return tokens.input + tokens.output - (tokens.cached if provider in CACHED_IS_FREE else 0)


@dataclass(frozen=True, slots=True)
class Announced:
    """Limits that a vendor's response headers name; None where a header is missing. Resets in seconds from now."""

    requests_limit: float | None = None
    requests_remaining: float | None = None
    requests_reset: float | None = None
    tokens_limit: float | None = None
    tokens_remaining: float | None = None
    tokens_reset: float | None = None
    """Of tokens, where input and output have limits of their own, the tighter one."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a model is asked. `schema` is plain JSON Schema; each vendor writes it in its own dialect."""

    question: str
    instructions: str
    items: str
    """The user message: the fenced items."""
    schema: Mapping[str, Any]
    max_output_tokens: int
    timeout_seconds: float
    rejected: tuple[str, str] | None = None
    """(the model's last answer, what was wrong with it): it is asked to do better."""


@dataclass(frozen=True, slots=True)
class Completion:
    """What a model said. `finish`: OK, TRUNCATED or REFUSED."""

    text: str
    finish: CallOutcome
    tokens: Tokens
    model: str
    request_id: str = ""
    announced: Announced = field(default_factory=Announced)


class VendorError(Exception):
    """A call without a completion. The message is for people and never holds a key."""

    def __init__(
        self,
        outcome: CallOutcome,
        message: str,
        *,
        status: int | None = None,
        retry_after: float | None = None,
        announced: Announced | None = None,
        request_id: str = "",
    ) -> None:
        super().__init__(message)
        self.outcome = outcome
        self.status = status
        self.retry_after = retry_after
        self.announced = announced or Announced()
        self.request_id = request_id


class Vendor(Protocol):
    """One model behind one API."""

    @property
    def provider(self) -> str:
        """openai, anthropic, google or local."""

    @property
    def model(self) -> str:
        """The model that is asked."""

    async def complete(self, request: Request) -> Completion:
        """One call, no retries. Raises VendorError."""
        ...

    async def close(self) -> None:
        """Close connections."""
        ...


@dataclass(frozen=True, slots=True)
class Plan:
    """A call that wants to be made. Tokens in and out and the cost are estimates; `max_cost_usd` is an upper bound."""

    provider: str
    model: str
    question: str
    items: int
    tokens: int
    max_cost_usd: float


@dataclass(frozen=True, slots=True)
class Permit:
    """Leave to make one call now. `id` is its row in the ledger."""

    id: str
    plan: Plan


@dataclass(frozen=True, slots=True)
class Result:
    """How a call ended and what it took, for the books."""

    outcome: CallOutcome
    latency_seconds: float
    tokens: Tokens = field(default_factory=Tokens)
    cost_usd: float = 0.0
    request_id: str = ""
    announced: Announced = field(default_factory=Announced)
    retry_after: float | None = None
    error: str = ""
    """For people; never holds a key or an item's text."""


class Closed(Exception):  # noqa: N818 -- a state of the door, not a fault
    """No call may be made now, and why: switched off, out of budget, breaker open, misconfigured.

    `retry_after` in seconds, None if a person has to act.
    """

    def __init__(self, reason: str, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry_after = retry_after


class Admission(Protocol):
    """The door to one vendor's model: switch, breaker, budget, limits, ledger; shared by all replicas."""

    async def enter(self, plan: Plan) -> Permit:
        """Wait for the turn of a call. Raises Closed, and TransientError if the database is away."""
        ...

    async def settle(self, permit: Permit, result: Result) -> None:
        """Book the end of a call: returns when it is durable. Raises TransientError."""
        ...
