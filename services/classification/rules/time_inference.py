"""How often an indicator is published, and what span one value describes (classification spec 2.3).

Samples outrank metadata: what was published shows the frequency, fields and units only claim it. Of the claims, the
periodicity field outranks the unit, because "barrels per day" and "USD/Month" are published at any frequency.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from schemas.classification import Normalization, TimeInference
from schemas.enums import ReportingFrequency, TimeSource
from services.classification.rules import periods
from services.classification.rules.time_basis import Basis, infer_basis

_FROM_SAMPLES: Final = 0.9
_FROM_FIELD: Final = 0.95
_FROM_UNITS: Final = 1.0
_FROM_NAME: Final = 0.6
_IRREGULAR: Final = 0.6
_UNKNOWN: Final = 0.3

_NAME_WORDS: Final = {
    "daily": ReportingFrequency.DAILY,
    "weekly": ReportingFrequency.WEEKLY,
    "monthly": ReportingFrequency.MONTHLY,
    "quarterly": ReportingFrequency.QUARTERLY,
    "annual": ReportingFrequency.ANNUAL,
    "mom": ReportingFrequency.MONTHLY,
    "qoq": ReportingFrequency.QUARTERLY,
}


class Frequency(NamedTuple):
    """A frequency, how sure it is, and where it was found."""

    frequency: ReportingFrequency
    confidence: float
    source: TimeSource
    reason: str


def infer_time(
    *, name: str, units: str, unit: Normalization, periodicity: str = "", dates: Sequence[str] = ()
) -> TimeInference:
    """Frequency and time basis. `dates` as published, in any order; sentinels such as "last10YearsAvg" are dropped."""
    found = infer_frequency(name, unit, periodicity, dates)
    basis = infer_basis(name, units, unit)
    return TimeInference(
        reporting_frequency=found.frequency,
        time_basis=basis.basis,
        source_used=found.source,
        confidence=(found.confidence + basis.confidence) / 2,
        reasoning=_reasoning(found, basis),
    )


def infer_frequency(name: str, unit: Normalization, periodicity: str, dates: Sequence[str]) -> Frequency:
    """The first of: spacing of the samples, periodicity field, time span in the unit, frequency word in the name."""
    spacing = periods.spacing(dates)
    if spacing is not None:
        return _from_samples(spacing)
    claimed = periods.frequency_of_word(periodicity)
    if claimed is not None:
        return Frequency(claimed, _FROM_FIELD, TimeSource.PERIODICITY, f"periodicity is {claimed}")
    if unit.time_unit is not None:
        return Frequency(unit.time_unit, _FROM_UNITS, TimeSource.UNITS, f"unit is {unit.time_unit}")
    return _from_name(name)


def _from_samples(spacing: periods.Spacing) -> Frequency:
    frequency = periods.frequency_of_gap(spacing.days)
    irregular = frequency is ReportingFrequency.POINT_IN_TIME
    reason = f"median gap of {spacing.dates} dates is {spacing.days:g} days"
    return Frequency(frequency, _IRREGULAR if irregular else _FROM_SAMPLES, TimeSource.TIME_SERIES, reason)


def _from_name(name: str) -> Frequency:
    words = name.lower().replace("(", " ").replace(")", " ").split()
    for word in words:
        if word in _NAME_WORDS:
            return Frequency(_NAME_WORDS[word], _FROM_NAME, TimeSource.UNKNOWN, f'name says "{word}"')
    return Frequency(ReportingFrequency.POINT_IN_TIME, _UNKNOWN, TimeSource.UNKNOWN, "no dates, no periodicity")


def _reasoning(found: Frequency, basis: Basis) -> str:
    return f"Frequency: {found.reason}. Basis: {basis.reason}."
