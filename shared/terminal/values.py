"""Values on the command line that are neither text nor number."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import click

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_AGE = re.compile(r"(\d{1,6})([smhdw])")
_RATE = re.compile(r"(\d{1,9}(?:\.\d{1,6})?)(?:/s)?")


def _now() -> datetime:
    return datetime.now(UTC)


class Moment(click.ParamType[datetime]):
    """A point in time, `2026-03-01T12:30` or `2026-03-01` (UTC unless it says otherwise), or an age: `90m`, `7d`."""

    name = "when"

    def __init__(self, clock: Callable[[], datetime] = _now) -> None:
        self._clock = clock

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Read it."""
        if isinstance(value, datetime):
            return value
        text = str(value).strip()
        try:
            if age := _AGE.fullmatch(text):
                return self._clock() - timedelta(**{_UNITS[age[2]]: int(age[1])})
            moment = datetime.fromisoformat(text)
        except (ValueError, OverflowError):
            self.fail(f"{text!r} is neither a time such as 2026-03-01T12:30 nor an age such as 90m, 12h or 7d", param)
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
