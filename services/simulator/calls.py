"""One call as the simulator sees it, whichever vendor's format it came in."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from services.simulator.replies import ReplyPlan

Headers = Mapping[str, str]


class Rejection(Exception):  # noqa: N818 - an answer that a vendor gives, not a fault of ours
    """The vendor's refusal to serve a call: status and what its error body says."""

    def __init__(self, status: int, kind: str, message: str, *, code: str | None = None, param: str | None = None):
        super().__init__(message)
        self.status = status
        self.kind = kind
        self.message = message
        self.code = code
        self.param = param


@dataclass(frozen=True, slots=True)
class Call:
    """A valid request."""

    model: str
    plan: ReplyPlan
    items: list[tuple[str, dict[str, Any]]]
    """(id, facts), as fenced in the last user message that holds a fence."""
    prefix: Hashable
    """What a prompt cache knows the call's beginning by; None if it may not be cached."""
    prefix_tokens: int
    prompt_tokens: int
    """All that comes in, the prefix included."""
    max_tokens: int | None
    tool: str = ""
    """The tool whose input is the answer; empty if text is."""


@dataclass(frozen=True, slots=True)
class Said:
    """What the model said. `finish`: stop, length or refusal."""

    text: str
    finish: str = "stop"
    whole: bool = True
    """The text is valid JSON."""
    before: str = ""
    after: str = ""


class Used(NamedTuple):
    """Tokens of a call. `cached` and `cache_written` are parts of `prompt`."""

    prompt: int
    cached: int
    cache_written: int
    output: int


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes back. `cut`: the connection breaks in the middle of the body."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes
    cut: bool = False
