"""What a stage says of each message it was given."""

from dataclasses import dataclass

from schemas.base import Contract
from schemas.delivery import RejectCode


@dataclass(frozen=True, slots=True)
class Usage:
    """Who answered for an item and what it took. Cost in US dollars."""

    provider: str = ""
    model: str = ""
    tokens_in: int = 0
    tokens_out: int = 0
    cost_usd: float = 0.0


NO_USAGE = Usage()


@dataclass(slots=True)
class Emit:
    """Messages to publish for the item; each goes to the output topic of its type. Empty: nothing to say yet."""

    messages: tuple[Contract, ...]
    usage: Usage = NO_USAGE
    trail: bytes | None = None
    """Replaces the item's trail: for a stage that brings several records together."""


@dataclass(slots=True)
class Reject:
    """The item cannot be processed, now or later: it goes to the dead letters with this reason."""

    code: RejectCode
    detail: str


Outcome = Emit | Reject


def emit(*messages: Contract, usage: Usage = NO_USAGE) -> Emit:
    """Publish `messages` for the item."""
    return Emit(messages, usage)
