"""What a failed call means, and how to tell it without telling a key or an item's text."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from shared.llm.calls import CallOutcome, Request
from shared.llm.vendors.announcing import LONGEST_WAIT, seconds
from shared.llm.vendors.answering import HttpAnswer, mapping, text_of

_SPOKEN = 200
"""How much of a vendor's own words is passed on."""
_ECHO = 20
"""As many equal characters in a row are taken for a piece of the prompt."""
_READ = 2_000
"""How much of them is looked at."""
_PIECE = 6
"""As many characters of a key in a row give it away."""
_MASK = "***"
_KEYS = re.compile(
    r"\b(?:sk|pk|rk|gsk|xai|AIza|key|proj)[-_][\w*.-]+|\bAIza[\w*-]+|Bearer\s+\S+|\S*\*{2,}\S*", re.IGNORECASE
)
_BILLING = re.compile(
    r"insufficient_quota|credit balance|billing_(?:error|hard_limit|not_active)|check your plan and billing|"
    r"exceeded your (?:current|monthly) quota|spend(?:ing)? limit|"
    r"out of credits|insufficient (?:funds|credits|balance)",
    re.IGNORECASE,
)
_WRONG_KEY = re.compile(r"api[ _]key not valid|api_key_invalid|invalid[ _]api[ _]key", re.IGNORECASE)
_NO_MODEL = re.compile(r"model_not_found|no models? loaded|model .{1,80}(?:not found|does not exist)", re.IGNORECASE)
_FILTERED = frozenset({"content_filter", "content_policy_violation", "invalid_prompt"})
_GEMINI_LIMIT = "RESOURCE_EXHAUSTED"
_SAID_ALONE = {
    CallOutcome.UNAUTHORIZED: "the key is not accepted",
    CallOutcome.OUT_OF_QUOTA: "the account is out of quota or credit",
}
"""Said in place of the vendor's words. OpenAI repeats a part of a wrong key."""


@dataclass(frozen=True, slots=True)
class Complaint:
    """An error as the body tells it, whatever the vendor's form."""

    code: str
    message: str
    parameter: str
    retry_after: float | None
    """Gemini says in the body how long to wait."""
    daily: bool
    """Gemini's quota of a whole day is used up."""

    @property
    def words(self) -> str:
        """All of it, to look for something in."""
        return f"{self.code} {self.parameter} {self.message}"


def complaint(answer: HttpAnswer) -> Complaint:
    """What `answer` complains of."""
    error = answer.body.get("error")
    told = mapping(error) or answer.body
    code = next((text for name in ("code", "type", "status") if (text := text_of(told.get(name)))), "")
    message = text_of(told.get("message")) or text_of(error) or text_of(told.get("detail")) or answer.text
    delays = [seconds(text_of(detail.get("retryDelay"))) for detail in _details(told)]
    quotas = [text_of(part.get("quotaId")) for detail in _details(told) for part in _parts(detail.get("violations"))]
    return Complaint(
        code=code,
        message=message,
        parameter=text_of(told.get("param")),
        retry_after=next((min(delay, LONGEST_WAIT) for delay in delays if delay is not None), None),
        daily=any("perday" in quota.lower() for quota in quotas),
    )


def outcome_of(status: int, said: Complaint) -> CallOutcome:
    """What a status means."""
    if status == 402 or (status in {400, 403, 429} and _is_about_money(said)):
        return CallOutcome.OUT_OF_QUOTA
    if status == 429:
        return CallOutcome.RATE_LIMITED
    if status in {401, 403} or (status == 400 and _WRONG_KEY.search(said.words)):
        return CallOutcome.UNAUTHORIZED
    if status == 404 or 300 <= status < 400 or (status == 400 and _NO_MODEL.search(said.words)):
        return CallOutcome.NOT_FOUND
    if status in {408, 409} or status >= 500:
        return CallOutcome.SERVER_ERROR
    return CallOutcome.BAD_REQUEST


def is_refusal(status: int, said: Complaint) -> bool:
    """Whether the vendor's filter would not let the content through."""
    return status == 400 and said.code in _FILTERED


def message_of(provider: str, status: int, outcome: CallOutcome, said: Complaint, request: Request, key: str) -> str:
    """The failure in a line."""
    code = scrubbed(said.code, key)
    start = f"{provider} answered {status}{f' ({code})' if code else ''}"
    words = _SAID_ALONE.get(outcome) or _without_prompt(scrubbed(said.message, key), request)
    return f"{start}: {words}" if words else start


def scrubbed(text: str, key: str) -> str:
    """A vendor's words on one line, cut, without what is or looks like a key."""
    text = _without_pieces(text[:_READ], key)
    line = " ".join(_KEYS.sub(_MASK, text).split())
    return line if len(line) <= _SPOKEN else f"{line[:_SPOKEN]}…"


def _without_pieces(text: str, key: str) -> str:
    least = min(_PIECE, len(key))
    while least:
        found = SequenceMatcher(None, text, key, autojunk=False).find_longest_match()
        if found.size < least:
            break
        text = f"{text[: found.a]}{_MASK}{text[found.a + found.size :]}"
    return text


def _is_about_money(said: Complaint) -> bool:
    if said.code == _GEMINI_LIMIT:  # speaks of plan and billing even where it means the calls of this minute
        return said.daily
    return bool(_BILLING.search(said.words))


def _without_prompt(words: str, request: Request) -> str:
    """Nothing, if a piece of what was asked or answered is in `words`: servers like to quote it."""
    asked = " ".join("\n".join((request.items, *(request.rejected or ()))).split())
    pieces = (words[start : start + _ECHO] for start in range(max(1, len(words) - _ECHO + 1)))
    return "" if any(len(piece) == _ECHO and piece in asked for piece in pieces) else words


def _details(told: dict[str, Any]) -> Iterator[dict[str, Any]]:
    return _parts(told.get("details"))


def _parts(value: object) -> Iterator[dict[str, Any]]:
    return (part for part in value if isinstance(part, dict)) if isinstance(value, list) else iter(())
