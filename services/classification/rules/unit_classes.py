"""Units reduced to the classes that domain rules distinguish."""

from typing import Final

from schemas.classification import Normalization
from services.classification.rules.currency import check_currency

_OF_PATTERN: Final = {
    "percent-change": "change",
    "percent-of-gdp": "gdp",
    "percent-of-potential": "potential",
    "percent": "percent",
    "percent-of": "percent-of",
    "percentage-points": "change-points",
    "percent-balance": "opinion",
    "index": "index",
    "index-base": "index",
    "points": "points",
    "basis-points": "basis-points",
    "score": "score",
    "rank": "rank",
    "flag": "flag",
    "currency-per-unit": "money-per",
    "currency-parity": "parity",
    "sipri-tiv": "physical",
    "physical": "physical",
    "physical-per-time": "physical-per-time",
    "rate": "rate",
    "duration": "duration",
    "ratio": "ratio",
    "months-of-imports": "months-of-imports",
    "count": "count",
    "scale-only": "scale",
    "scaled-things": "count",
}


def unit_class(unit: Normalization, name: str, units: str) -> str:
    """One of the classes above, "money" for amounts, "soft-money" where only the name tells of money, or "none".

    A class read from the name is given as "name:..." and is less certain than one from the unit.
    """
    if unit.matched_pattern in ("empty", "remark", "scale-only", "unknown"):
        if check_currency(unit, name, units).is_currency_denominated:
            return "soft-money"
        return "scale" if unit.matched_pattern == "scale-only" else "none"
    hinted = unit.matched_pattern.startswith("name:")
    pattern = unit.matched_pattern.removeprefix("name:")
    found = _OF_PATTERN.get(pattern, "money" if unit.is_currency else "none")
    return f"name:{found}" if hinted and found != "money" else found
