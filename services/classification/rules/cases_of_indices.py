"""Settled cases: indices, surveys and scores (classification spec 2.6, 7)."""

from typing import Final

from services.classification.rules import cases as c
from services.classification.rules.cases import SURVEY_WORDS
from services.classification.rules.names import Phrases

_INDEX_STOP: Final = f"""{SURVEY_WORDS}|vix|volatility|yoy|mom|qoq|growth|change|inflation rate|corporate bond|
    tankan|watchers|outlook|sentiment|probability|duration|uncertainty|gini|days|recession|saifi|saidi|interruption|
    swap|correlation|rate of|net balance|balance|balances|heat index|survey|gap|climate risk|economic sentiment"""
INDEX_CASES: Final = (
    c.Case(
        "outlook survey",
        c.units("points", "index", "none", "opinion"),
        Phrases(
            """economy watchers survey outlook|watchers survey|tankan outlook|economy watchers outlook|
            tankan large manufacturing outlook|tankan large manufacturers outlook|tankan non manufacturing outlook"""
        ),
        None,
        c.SENTIMENT,
        c.PIT,
        c.UP,
    ),
    c.Case(
        "prices paid",
        c.units("points", "index", "none"),
        Phrases("prices paid|inventory costs"),
        Phrases("percent|expectations|future|reporting|six months"),
        c.INDEX,
        c.AVERAGE,
        c.DOWN,
    ),
    c.Case(
        "terms of trade",
        c.units("points", "index"),
        Phrases("terms of trade"),
        Phrases("change"),
        c.INDEX,
        c.AVERAGE,
        c.UP,
    ),
    c.Case(
        "standardised activity index",
        c.units("percent", "points", "index", "name:index"),
        Phrases("cfnai|national activity index"),
        Phrases("change"),
        c.INDEX,
        c.AVERAGE,
        c.UP,
    ),
    c.Case(
        "consumer sentiment index",
        c.units("index", "points", "name:index"),
        Phrases("consumer sentiment index|consumer sentiment|consumer confidence index"),
        Phrases("expectations|current conditions|mom|change"),
        c.INDEX,
        c.AVERAGE,
        c.UP,
    ),
    c.Case(
        "score or rating",
        c.units("score", "name:score"),
        None,
        Phrases("years of|duration|number"),
        c.INDEX,
        c.PIT,
        None,
    ),
    c.Case(
        "price index",
        c.units("index", "points", "name:index"),
        Phrases(
            """consumer price index|cpi|consumer prices|core consumer prices|producer prices|producer price index|ppi|
            gdp deflator|import prices|export prices|price index|house price index|housing index|deflator|
            harmonized index"""
        ),
        Phrases(
            f"""{_INDEX_STOP}|business confidence|score|common stock|stock price|market|base year|dairy trade|
            weighted by"""
        ),
        c.INDEX,
        c.AVERAGE,
        c.FLAT,
    ),
    c.Case(
        "wages as index",
        c.units("index", "points"),
        Phrases("wages|earnings|labour costs|labor costs"),
        Phrases(f"{_INDEX_STOP}|unit|costs|price|cost"),
        c.INDEX,
        c.AVERAGE,
        c.UP,
    ),
    c.Case(
        "survey or activity index",
        c.units("index", "points", "name:index"),
        Phrases(
            """pmi|manufacturing pmi|services pmi|composite pmi|business confidence|consumer confidence|
            industrial production|production index|manufacturing index|services index|leading index|activity index|
            purchasing managers|diffusion|employment index|new orders|leading economic index|economic activity"""
        ),
        Phrases(
            f"""{_INDEX_STOP}|price|prices|cost|costs|inventories|percent|unemployment|expectations|future|ease|stress"""
        ),
        c.INDEX,
        c.AVERAGE,
        c.UP,
    ),
)
