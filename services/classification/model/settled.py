"""Where a rule of the domain knows better than the model: names and units whose class is settled.

On the third of the labelled rows on which they speak, the rules agree with the label in 99.6 %, the model alone, on
concepts it has not seen, in 98.6 %: there the rule's word replaces the model's. The rules were written with those rows
in view, so expect a little less of them elsewhere.
"""

from functools import lru_cache

from schemas.classification import Normalization
from schemas.enums import ParsedScale, Scale, UnitType
from services.classification.model.features import Facts
from services.classification.rules.known_cases import Verdict, decide


def settled(facts: Facts) -> Verdict | None:
    """The verdict of the domain rules, None where they are silent."""
    unit = _unit(facts.units, facts.unit_type, facts.pattern, facts.is_currency)
    return decide(facts.name, facts.units, unit, facts.description)


@lru_cache(maxsize=8_192)
def _unit(units: str, unit_type: str, pattern: str, is_currency: bool) -> Normalization:
    """The parsed unit as far as the rules look at it."""
    return Normalization(
        original_units=units,
        unit_type=UnitType(unit_type or UnitType.UNKNOWN),
        parsed_scale=ParsedScale.RAW,
        normalized_scale=Scale.RAW_UNITS,
        multiplier=1.0,
        currency=None,
        is_currency=is_currency,
        matched_pattern=pattern,
        confidence=1.0,
    )
