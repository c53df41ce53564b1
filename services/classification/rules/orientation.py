"""Which direction is good news, where a name settles it (classification spec 1.2, review rule 14)."""

from typing import Final

from schemas.enums import Orientation
from services.classification.rules.names import Name, Phrases

LOWER: Final = Phrases(
    """unemployment|unemployed|jobless|jobless claims|claimant|claimants|debt|default|defaults|non performing|
    nonperforming|volatility|bankruptcies|bankruptcy|insolvencies|mortality|deaths|homicides|homicide|poverty|
    emissions|deforestation|layoffs|job cuts|prices paid|inventory costs|delinquency|delinquencies|
    undernourishment|stunting|challenger job cuts|inequality|gini|corruption|suicide|accidents|arrears|charge offs"""
)
NEUTRAL: Final = Phrases(
    """inflation|price|prices|cpi|ppi|deflator|interest|exchange rate|fx rate|tax|taxes|cost|costs|rpi|hicp|pce price|
    balance of trade|trade balance|current account|import|imports|money supply|money stock|m0|m1|m2|m3|
    government spending|fiscal expenditure|government expenditure|public expenditure|population|wage|wages|
    earnings|inventories|unit labor|labour cost|labour costs|expectations|monetary base|broad money|lending rate|
    yield|bond"""
)
HIGHER: Final = Phrases(
    """gdp|growth|gross domestic product|production|output|exports|export|retail sales|sales|orders|employment|
    payrolls|spending|consumption|investment|industrial|income|reserves|productivity|confidence|pmi|tourist|
    tourism|starts|permits|building|construction|manufacturing|registrations|credit|loan|loans|value added|
    formation|remittances|hires|openings|vacancies|capacity utilization|participation|profits|shipments|turnover|
    services|trade|sentiment|climate"""
)


def orientation_of(name: Name) -> Orientation | None:
    """The direction a name implies; None where it implies several or none."""
    if LOWER.found(name):
        return None if HIGHER.found(name) and "change" in name.words else Orientation.LOWER_IS_POSITIVE
    if NEUTRAL.found(name):
        return Orientation.NEUTRAL
    return Orientation.HIGHER_IS_POSITIVE if HIGHER.found(name) else None
