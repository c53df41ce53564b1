"""Values on the command line that are neither text nor number."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import click

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_SPAN = re.compile(r"(\d{1,6})([smhdw])")
_RATE = re.compile(r"(\d{1,9}(?:\.\d{1,6})?)(?:/s)?")


def _now() -> datetime:
    return datetime.now(UTC)


class Moment(click.ParamType[datetime]):
    """A point in time, `2026-03-01T12:30` or `2026-03-01` (UTC unless it says otherwise), or a span: `90m`, `7d`.

    A span counts back from now, or on from it with `ahead`.
    """

    name = "when"

    def __init__(self, clock: Callable[[], datetime] = _now, *, ahead: bool = False) -> None:
        self._clock = clock
        self._sign = 1 if ahead else -1

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Read it."""
        if isinstance(value, datetime):
            return value
        text = str(value).strip()
        try:
            if span := _SPAN.fullmatch(text):
                return self._clock() + self._sign * timedelta(**{_UNITS[span[2]]: int(span[1])})
            moment = datetime.fromisoformat(text)
        except (ValueError, OverflowError):
            self.fail(f"{text!r} is neither a time such as 2026-03-01T12:30 nor a span such as 90m, 12h or 7d", param)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


class Rate(click.ParamType[float]):
    """So many a second: `20` or `20/s`."""

    name = "n/s"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read it."""
        found = _RATE.fullmatch(str(value).strip())
        if not found or float(found[1]) <= 0:
            self.fail(f"{value!r} is not a rate; write 20 or 20/s", param)
        return float(found[1])
