"""Sample values as they come, made usable: numbers only, at most the newest, summed up in statistics."""

import datetime
import math
import sys
from collections.abc import Sequence

from schemas.classification import ValueStatistics
from schemas.indicator import SamplePoint
from services.classification.rules.periods import parse_date, spacing

KEPT_POINTS = 120
"""Enough for five years of monthly values, which the cumulative rules need; more is not sent on."""

SHOWN_VALUES = 5
UNKNOWN_DATE = datetime.date.min

Point = tuple[str, float]


def clean_points(samples: Sequence[SamplePoint | float] | None) -> tuple[Point, ...]:
    """(date, value) of the newest samples that have a value, oldest first; bare numbers get an empty date.

    Feeds list values in either direction. Points whose date cannot be read come first, so that they are cut first.
    """
    points = [
        (sample.date, sample.value) if isinstance(sample, SamplePoint) else ("", float(sample))
        for sample in samples or ()
    ]
    with_value = [(date, value) for date, value in points if value is not None]
    return tuple(sorted(with_value, key=lambda point: parse_date(point[0]) or UNKNOWN_DATE)[-KEPT_POINTS:])


def statistics(points: Sequence[Point]) -> ValueStatistics | None:
    """What cleaned points look like, None without any. The coefficient of variation is in percent."""
    if not points:
        return None
    values = [value for _, value in points]
    mean, deviation = _moments(values)
    dated = [date for date, _ in points if parse_date(date)]
    gap = spacing(dated)
    return ValueStatistics(
        count=len(values),
        minimum=min(values),
        maximum=max(values),
        mean=round(mean, 2),
        standard_deviation=round(deviation, 4),
        coefficient_of_variation=_percent(deviation, mean),
        any_negative=any(value < 0 for value in values),
        all_integers=all(value.is_integer() for value in values),
        first_date=dated[0] if dated else "",
        last_date=dated[-1] if dated else "",
        median_gap_days=gap.days if gap else None,
        latest=tuple(values[-SHOWN_VALUES:]),
    )


def _moments(values: Sequence[float]) -> tuple[float, float]:
    """Mean and standard deviation, scaled by the largest value so that no finite value can overflow."""
    scale = max(map(abs, values)) or 1.0
    parts = [value / scale for value in values]
    mean = math.fsum(parts) / len(parts)
    deviation = math.sqrt(math.fsum((part - mean) ** 2 for part in parts) / len(parts))
    return mean * scale, min(deviation * scale, sys.float_info.max)


def _percent(deviation: float, mean: float) -> float | None:
    share = 100 * (deviation / abs(mean)) if mean else math.inf
    return round(share, 2) if math.isfinite(share) else None
