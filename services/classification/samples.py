"""Sample values as they come, made usable: numbers only, at most the newest, summed up in statistics."""

import math
from collections.abc import Sequence

from schemas.classification import ValueStatistics
from schemas.indicator import SamplePoint
from services.classification.rules.periods import parse_date, spacing

KEPT_POINTS = 120
"""Enough for five years of monthly values, which the cumulative rules need; more is not sent on."""

SHOWN_VALUES = 5

Point = tuple[str, float]


def clean_points(samples: Sequence[SamplePoint | float] | None) -> tuple[Point, ...]:
    """(date, value) of every sample that has a value; bare numbers get an empty date."""
    points = [
        (sample.date, sample.value) if isinstance(sample, SamplePoint) else ("", float(sample))
        for sample in samples or ()
    ]
    return tuple((date, value) for date, value in points if value is not None)[-KEPT_POINTS:]


def statistics(points: Sequence[Point]) -> ValueStatistics | None:
    """What the values look like, None without any. The coefficient of variation is in percent."""
    if not points:
        return None
    values = [value for _, value in points]
    mean = math.fsum(values) / len(values)
    deviation = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / len(values))
    dated = sorted((day, date) for date, _ in points if (day := parse_date(date)))
    gap = spacing([date for _, date in dated])
    return ValueStatistics(
        count=len(values),
        minimum=min(values),
        maximum=max(values),
        mean=round(mean, 2),
        standard_deviation=round(deviation, 4),
        coefficient_of_variation=round(100 * deviation / abs(mean), 2) if mean else None,
        any_negative=any(value < 0 for value in values),
        all_integers=all(value.is_integer() for value in values),
        first_date=dated[0][1] if dated else "",
        last_date=dated[-1][1] if dated else "",
        median_gap_days=gap.days if gap else None,
        latest=tuple(values[-SHOWN_VALUES:]),
    )
