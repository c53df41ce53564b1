"""What vendors say in headers of their limits and of how long to wait."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from shared.llm.calls import Announced, Tokens

Headers = Mapping[str, str]

LONGEST_WAIT = 86_400.0
"""Longer ones are mistakes: all replicas would stand still for years."""
_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
_PART = re.compile(r"(\d+(?:\.\d+)?)(h|ms|us|µs|ns|m|s)")
_DURATION = re.compile(rf"(?:{_PART.pattern})+")
_MOST = 1e15
"""A larger number is a mistake, and more than the database can reckon with."""


def seconds(text: str) -> float | None:
    """Of a duration such as `6m0s`, `12ms` or `1.5`; None if it is none."""
    text = text.strip()
    number = _number(text)
    if number is None and _DURATION.fullmatch(text):
        number = sum(float(amount) * _UNITS[unit] for amount, unit in _PART.findall(text))
    return _wait(number)


def retry_after(headers: Headers, now: float) -> float | None:
    """How many seconds the vendor wants to be left alone, a day at most; None if it does not say."""
    told = _told_wait(headers, now)
    return _wait(told)


def _told_wait(headers: Headers, now: float) -> float | None:
    milliseconds = _number(headers.get("retry-after-ms", ""))
    if milliseconds is not None:
        return milliseconds / 1000
    text = headers.get("retry-after", "")
    number = _number(text)
    return number if number is not None else _until(_http_date(text), headers, now)


def openai_limits(headers: Headers) -> Announced:
    """Limits as OpenAI and servers like it announce them."""
    requests, tokens = (_openai_window(headers, kind) for kind in ("requests", "tokens"))
    return _announced(requests, tokens)


def anthropic_limits(headers: Headers, taken: Tokens | None, now: float) -> Announced:
    """Limits as Anthropic announces them.

    Input and output have limits of their own, but ours counts both together. So each is told as the total that it
    would let through if all calls were like this one, `taken`; the tighter one is announced.
    """
    requests, both, given, said = (
        _anthropic_window(headers, kind, now) for kind in ("requests", "tokens", "input-tokens", "output-tokens")
    )
    if taken:
        total = taken.input + taken.output
        given = given.scaled(total, taken.input - taken.cached)
        said = said.scaled(total, taken.output)
    return _announced(requests, _tightest(both, given, said))


@dataclass(frozen=True, slots=True)
class _Window:
    limit: float | None = None
    remaining: float | None = None
    reset: float | None = None

    def scaled(self, total: int, part: int) -> "_Window":
        """As a window of the total, of which this one counts a part. What takes no part binds nothing."""
        if part <= 0 or total <= 0:
            return _Window()
        factor = total / part
        limit = None if self.limit is None else min(self.limit * factor, _MOST)
        remaining = None if self.remaining is None else min(self.remaining * factor, _MOST)
        return _Window(limit, remaining, self.reset)


def _tightest(*windows: _Window) -> _Window:
    limits = [window.limit for window in windows if window.limit is not None]
    left = [window for window in windows if window.remaining is not None]
    binding = min(left, key=lambda window: window.remaining or 0.0, default=_Window())
    return _Window(min(limits, default=None), binding.remaining, binding.reset)


def _announced(requests: _Window, tokens: _Window) -> Announced:
    return Announced(
        requests_limit=requests.limit,
        requests_remaining=requests.remaining,
        requests_reset=requests.reset,
        tokens_limit=tokens.limit,
        tokens_remaining=tokens.remaining,
        tokens_reset=tokens.reset,
    )


def _openai_window(headers: Headers, kind: str) -> _Window:
    limit, remaining = (_number(headers.get(f"x-ratelimit-{what}-{kind}", "")) for what in ("limit", "remaining"))
    return _Window(limit, remaining, seconds(headers.get(f"x-ratelimit-reset-{kind}", "")))


def _anthropic_window(headers: Headers, kind: str, now: float) -> _Window:
    limit, remaining = (
        _number(headers.get(f"anthropic-ratelimit-{kind}-{what}", "")) for what in ("limit", "remaining")
    )
    reset = _iso_date(headers.get(f"anthropic-ratelimit-{kind}-reset", ""))
    return _Window(limit, remaining, _wait(_until(reset, headers, now)))


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if 0 <= number <= _MOST else None


def _wait(seconds: float | None) -> float | None:
    return None if seconds is None else min(seconds, LONGEST_WAIT)


def _until(moment: datetime | None, headers: Headers, now: float) -> float | None:
    """Seconds until `moment` by the vendor's own clock, if it tells the time: ours may be wrong."""
    if moment is None:
        return None
    told = _http_date(headers.get("date", ""))
    return max(0.0, moment.timestamp() - (told.timestamp() if told else now))


def _http_date(text: str) -> datetime | None:
    try:
        return _aware(parsedate_to_datetime(text))
    except (ValueError, OverflowError):
        return None


def _iso_date(text: str) -> datetime | None:
    try:
        return _aware(datetime.fromisoformat(text))
    except ValueError:
        return None


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
