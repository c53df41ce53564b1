"""What an answer depends on, in canonical form: items whose identities are equal share one answer of a model.

An identity holds the words of the record (name, units, long name if it says more, description, dataset, category,
topic, aggregation method), lower case, without the country that the record names and with a sign in place of its
currency's code: what "Balance of Trade, <currency> million" is does not depend on whose it is. It also holds what rules
read in the record (kind of unit, route, scale, time basis) and what the figures look like, in classes: whether any is
negative, whether all are whole, their range, their spread, whether they add up from January.

It leaves out what a model is shown to understand an item but what an answer must not hang on: country, currency, source
and its address, periodicity, exact statistics, and the confidences of other stages.
"""

from collections.abc import Mapping
from typing import Final

from pydantic import JsonValue

from schemas.classification import (
    CumulativeDetection,
    IndicatorWithFamily,
    IndicatorWithType,
    JoinedIndicator,
    Normalization,
    Subject,
    ValueStatistics,
)
from schemas.enums import CumulativePattern, TimeSource
from services.classification.model.model import year_to_date
from services.classification.prompts.facts import Facts, current_values
from services.classification.prompts.wording import opening, plain, says_more, without_code

_RANGES: Final = (1.0, 20.0, 100.0, 1_000.0)
"""Upper ends of the classes of the largest figure: shares, prices and interest, percentages, the rest."""
_SPREADS: Final = (10.0, 50.0)
"""Upper ends of the classes of the coefficient of variation, in percent."""


def words(subject: Subject, unit: Normalization) -> Facts:
    """The record's words without country and currency; what is empty is left out."""
    texts = {
        "name": subject.name,
        "units": subject.units,
        "long_name": subject.long_name if says_more(subject) else "",
        "description": opening(subject.description),
        "dataset": subject.dataset,
        "category_group": subject.category_group,
        "topic": subject.topic,
        "aggregation_method": subject.aggregation_method,
    }
    found = {field: plain(without_code(text, unit.currency), subject.country) for field, text in texts.items() if text}
    return {field: text for field, text in found.items() if text}


def family_identity(item: JoinedIndicator) -> Mapping[str, JsonValue]:
    """Words, reading of the unit, and the look of the figures."""
    unit = item.unit
    return {
        **words(item.subject, unit),
        "unit_type": unit.unit_type,
        "money": unit.is_currency,
        "scale": item.scale.scale,
        "time_basis": item.time.time_basis,
        "values": figures(item.statistics),
        "cumulative": accumulation(item.cumulative),
    }


def type_identity(item: IndicatorWithFamily) -> Mapping[str, JsonValue]:
    """The same, and the family within which the type is chosen."""
    return {**family_identity(item), "family": item.family.family}


def review_identity(item: IndicatorWithType) -> Mapping[str, JsonValue]:
    """The same, and the values under review; see `settled_values` for frequency and currency."""
    return {**family_identity(item), "current": {**current_values(item), **settled_values(item)}}


def settled_values(item: IndicatorWithType) -> Facts:
    """Frequency and currency as far as a verdict on them can differ between two items that are alike otherwise.

    A frequency that the record itself states is not in doubt, whichever it is. A currency is what the unit says, or
    none; only one that is neither is told by its code.
    """
    stated = item.time.source_used in (TimeSource.PERIODICITY, TimeSource.TIME_SERIES)
    code = item.currency.detected_currency
    return {
        "reporting_frequency": "as stated" if stated else item.time.reporting_frequency,
        "detected_currency": "as in the unit" if code and code == item.unit.currency else code,
    }


def figures(statistics: ValueStatistics | None) -> list[JsonValue]:
    """The look of the figures in classes; empty without figures."""
    if statistics is None:
        return []
    largest = max(abs(statistics.minimum), abs(statistics.maximum))
    spread = statistics.coefficient_of_variation
    return [
        statistics.any_negative,
        statistics.all_integers,
        _class(largest, _RANGES),
        None if spread is None else _class(spread, _SPREADS),
    ]


def accumulation(found: CumulativeDetection) -> str:
    """The detector's verdict, and whether it is sure enough to bind."""
    if found.pattern_type is CumulativePattern.UNKNOWN:
        return ""
    return f"{found.pattern_type}, {'binding' if year_to_date(found) else 'not binding'}"


def _class(value: float, ends: tuple[float, ...]) -> int:
    return sum(value > end for end in ends)
