"""Settled cases: quantities, people, events and spans of time (classification spec 2.6, 7)."""

from typing import Final

from services.classification.rules import cases as c
from services.classification.rules.cases import SURVEY_WORDS
from services.classification.rules.names import Phrases

THING_CASES: Final = (
    c.Case("gold reserves", c.units("physical"), Phrases("gold reserves"), None, c.STOCK, c.PIT, c.UP),
    c.Case(
        "oil in store",
        c.units("physical"),
        Phrases(
            """cushing number|crude oil stocks|ending stocks|fuel stocks|distillate stocks|gasoline stocks|
            natural gas stocks|gas stocks"""
        ),
        Phrases("change|changes|consumption|draw"),
        c.STOCK,
        c.PIT,
        c.FLAT,
    ),
    c.Case(
        "quantity per day",
        c.units("physical-per-time"),
        Phrases("production|imports|exports|consumption|demand|supply|supplied|input|output|refinery"),
        Phrases("capacity|stocks|reserves"),
        c.SPEED,
        c.AVERAGE,
        None,
    ),
    c.Case(
        "rainfall",
        c.units("physical", "none", "physical-per-time"),
        Phrases("precipitation|rainfall"),
        Phrases("change|anomaly|spread|heat island|score|lost|extreme|extremes|number|affected|surface|average"),
        c.COUNT,
        c.TOTAL,
        c.FLAT,
    ),
    c.Case(
        "weather",
        c.units("physical", "none", "physical-per-time"),
        Phrases("temperature"),
        Phrases("change|anomaly|spread|heat island|score|lost|extreme|extremes|number|affected|surface|increase"),
        c.COUNT,
        c.PIT,
        c.FLAT,
    ),
    c.Case(
        "quantity imported",
        c.units("physical"),
        Phrases("imports|natural gas imports"),
        Phrases("net|change|stocks|capacity|balance|share|exports|price|days"),
        c.VOLUME,
        c.TOTAL,
        c.FLAT,
    ),
    c.Case(
        "quantity produced or moved",
        c.units("physical"),
        Phrases("cement production|steel production|production|generation|exports|freight|net generation"),
        Phrases(
            """capacity|reserves|proved|expected|emissions|stocks|yield|stock|per capita|waste|balance|rate|index|
            net imports|loss|losses|carbon"""
        ),
        c.VOLUME,
        c.TOTAL,
        None,
    ),
    c.Case(
        "capacity installed",
        c.units("physical"),
        Phrases(
            """net summer capacity|installed capacity|generating capacity|storage capacity|nameplate capacity|
            refinery capacity"""
        ),
        Phrases("utilization|change|additions|factor|retired|working gas"),
        c.CAPACITY,
        c.PIT,
        None,
    ),
    c.Case(
        "vehicles",
        c.units("count", "scale", "none"),
        Phrases(
            """car registrations|motorbike sales|vehicle sales|total vehicle sales|car sales|car production|
            auto production|all car sales|new car sales|auto exports"""
        ),
        Phrases(f"{SURVEY_WORDS}|yoy|mom|index|factors|seasonal|rate"),
        c.VOLUME,
        c.TOTAL,
        c.UP,
    ),
    c.Case(
        "change of claimants",
        c.units("count", "scale", "none"),
        Phrases("claimant count change|unemployment change|unemployed change"),
        None,
        c.NET_COUNT,
        c.TOTAL,
        c.DOWN,
    ),
    c.Case(
        "change of employment",
        c.units("count", "scale", "none", "soft-money"),
        Phrases(
            """employment change|adp employment change|non farm payrolls|nonfarm payrolls|payrolls|
            full time employment change|full time employment chg|part time employment change|payroll change"""
        ),
        Phrases(f"{SURVEY_WORDS}|hours|yoy|mom|qoq|revision|benchmark|level|total employment|index"),
        c.NET_COUNT,
        c.TOTAL,
        c.UP,
    ),
    c.Case(
        "claims averaged",
        c.units("count", "scale", "none", "name:percent"),
        Phrases(
            """jobless claims 4 week average|claims 4 week average|4 week average|4 week moving average|
            jobless claims 4week average"""
        ),
        Phrases("rate|yoy"),
        c.COUNT,
        c.AVERAGE,
        c.DOWN,
    ),
    c.Case(
        "new claims",
        c.units("count", "scale", "none"),
        Phrases("initial jobless claims|jobless claims|initial claims"),
        Phrases("continuing|continued|average|rate|yoy|insured"),
        c.COUNT,
        c.TOTAL,
        c.DOWN,
    ),
    c.Case(
        "housing started or permitted",
        c.units("count", "scale", "none"),
        Phrases("housing starts|building permits"),
        Phrases(f"{SURVEY_WORDS}|yoy|mom|index|value|number of dwellings|completions|rate"),
        c.COUNT,
        c.TOTAL,
        c.UP,
    ),
    c.Case(
        "labour force",
        c.units("count", "scale", "none"),
        Phrases("labor force total|labour force total|civilian labor force|labor force|labour force"),
        Phrases(
            """flows|not in|participation|survey|education|persons outside|outflows|inflows|percent|migrants|rate|
            potential|ratio|outside|productivity|conditions|structure|market|entrants|unemployed|unemployment|
            statistics"""
        ),
        c.COUNT,
        c.PIT,
        c.UP,
    ),
    c.Case(
        "unemployed people",
        c.units("count", "scale"),
        Phrases(
            """unemployed persons|unemployment level|civilians unemployed|registered unemployment|unemployed|
            number of unemployed"""
        ),
        Phrases(
            """flows|to unemployed|rate|change|duration|inflows|outflows|benefits|employed to|recipients|claims|
            average"""
        ),
        c.COUNT,
        c.PIT,
        c.DOWN,
    ),
    c.Case(
        "employed people",
        c.units("count", "scale"),
        Phrases(
            """employed persons|all employees|employment in|total employment|full time employment|
            part time employment|payroll employment|nonfarm employment|employment level"""
        ),
        Phrases(
            """flows|rate|change|index|unemployed|part time for economic|economic reasons|average|paid hourly|
            vulnerable|informal"""
        ),
        c.COUNT,
        c.PIT,
        None,
    ),
    c.Case(
        "population",
        c.units("count", "scale", "none"),
        Phrases("population|resident population|total population"),
        Phrases(
            """growth|density|share|rate|percent|ratio|structure|access|with access|below|slum|risk|poverty|
            projections|indicators|exposed|change|affected|by|per|living|not|distribution|inflows|flows|working|
            active|foreign|refugee|displaced|vulnerable|index|at risk|inactive|labour|employment|hunger|covered|
            pushed|undernourished|enterprise|registered|economically|disability|growing|coverage"""
        ),
        c.COUNT,
        c.PIT,
        c.FLAT,
    ),
    c.Case(
        "tourists",
        c.units("count", "scale", "none"),
        Phrases("tourist arrivals|visitor arrivals|number of arrivals"),
        Phrases("yoy|mom|index|share|growth|receipts|expenditure"),
        c.COUNT,
        c.TOTAL,
        c.UP,
    ),
    c.Case("rank", c.units("rank"), Phrases("corruption rank"), None, c.COUNT, c.PIT, c.DOWN),
    c.Case("retirement age", c.units("duration"), Phrases("retirement age"), None, c.DURATION, c.PIT, c.FLAT),
    c.Case(
        "length of time",
        c.units("duration"),
        Phrases(
            """duration of unemployment|time required|time to|starting age|duration|life expectancy|average duration"""
        ),
        Phrases("hours worked|score|lost"),
        c.DURATION,
        c.PIT,
        None,
    ),
)
