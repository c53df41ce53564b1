"""Settled cases: ratios, shares and rates per head (classification spec 2.6, 7)."""

from typing import Final

from services.classification.rules import cases as c
from services.classification.rules.cases import SURVEY_WORDS
from services.classification.rules.names import Phrases

RATIO_CASES: Final = (
    c.Case(
        "unemployment rate",
        c.PERCENT,
        Phrases("unemployment rate|unemployment rates|jobless rate|youth unemployment rate|underemployment rate"),
        Phrases(f"{SURVEY_WORDS}|gap|change|natural|ratio of|minus|spread|noncyclical|share"),
        c.RATIO,
        c.PIT,
        c.DOWN,
    ),
    c.Case(
        "employment or participation rate",
        c.PERCENT,
        Phrases(
            """labor force participation rate|labour force participation rate|employment rate|participation rate|
            employment population ratio|employment to population ratio|activity rate"""
        ),
        Phrases(
            f"""{SURVEY_WORDS}|growth|change|gap|ratio of female|informal|inactivity|net|tuition|
            education and training|index"""
        ),
        c.RATIO,
        c.PIT,
        c.UP,
    ),
    c.Case(
        "tax or contribution rate",
        c.PERCENT,
        Phrases(
            """corporate tax rate|personal income tax rate|sales tax rate|income tax rate|statutory tax rate|
            withholding tax rate|corporate income tax rate|vat rate|social security rate|
            social security rate for companies|social security rate for employees|top marginal tax rate"""
        ),
        Phrases(f"{SURVEY_WORDS}|change|revenue"),
        c.RATIO,
        c.PIT,
        c.FLAT,
    ),
    c.Case(
        "capacity in use",
        c.PERCENT,
        Phrases("capacity utilization|capacity utilisation|capacity utilization rate"),
        Phrases(f"{SURVEY_WORDS}|change|balance|mom|yoy|index"),
        c.PERCENTAGE,
        c.PIT,
        c.UP,
    ),
    c.Case(
        "part of gdp",
        c.units("percent", "gdp", "percent-of", "name:percent-of-gdp", "name:gdp"),
        Phrases("labor share|labour share|as share of gdp|share of gdp|labor share of income"),
        Phrases("debt|deficit|balance"),
        c.SHARE,
        c.PIT,
        c.FLAT,
    ),
    c.Case(
        "debt to gdp",
        c.units("percent", "gdp", "name:gdp"),
        Phrases(
            """debt to gdp|government debt|gross debt|public debt|net debt|external debt to gdp|household debt to gdp"""
        ),
        Phrases(f"{SURVEY_WORDS}|service|interest|change|sustainability|yield|growth|held by"),
        c.RATIO,
        c.PIT,
        c.DOWN,
    ),
    c.Case(
        "percent of gdp",
        c.units("gdp", "name:gdp"),
        None,
        Phrases(
            """balance|balances|net lending|net borrowing|net operating|deficit|surplus|gap|share of gdp|as share|
            net financial|net incurrence|net acquisition|index|price|lending minus|borrowing|growth|change|changes|
            net|share"""
        ),
        c.RATIO,
        c.PIT,
        None,
    ),
    c.Case("import cover", c.units("months-of-imports", "name:months-of-imports"), None, None, c.RATIO, c.PIT, c.UP),
    c.Case(
        "price to earnings",
        c.units("ratio", "name:ratio", "none", "count"),
        Phrases("price to earnings ratio|price earnings ratio|pe ratio|price to book ratio"),
        None,
        c.RATIO,
        c.PIT,
        None,
    ),
    c.Case(
        "staff or facilities per head",
        c.units("rate", "name:rate"),
        Phrases(
            """nurses|hospitals|medical doctors|doctors|physicians|hospital beds|beds|icu beds|dentists|atms|branches|
            researchers|midwives"""
        ),
        Phrases("discharges|admissions|consultations|graduates|occupancy|transactions"),
        c.RATIO,
        c.PIT,
        c.UP,
    ),
    c.Case(
        "events per head",
        c.units("rate"),
        Phrases("mortality rate|incidence of|birth rate|death rate|fertility rate|hospital discharges|homicides"),
        Phrases("probability|ratio of"),
        c.SPEED,
        c.AVERAGE,
        None,
    ),
)
