"""Settled cases: interest, changes, named balances (classification spec 2.5-2.7, 7)."""

from typing import Final

from services.classification.rules import cases as c
from services.classification.rules.cases import SURVEY_WORDS
from services.classification.rules.names import Phrases

_NOT_INTEREST: Final = Phrases(
    f"""{SURVEY_WORDS}|spread|minus|less|growth|change|premium|differential|payments|paid|income|expense|transactions|
    volume|loans|coverage|ratio|share|swap|earning assets|margin|of which|interest in|vacancy|borrowers|number|
    index|real exchange|collateral|percentile|percentiles|decision|report|yield|yields|bond|bonds|bill|bills|
    households|firms|reserve requirement|%|reserve|standard deviation|controls|control|penetration"""
)

_MARKET: Final = Phrases(
    """lending|deposit|deposits|interbank|mortgage|real interest rate|commercial|commercial paper|credit card|average|
    overnight|money market|benchmark interest rate|corporate|personal loan|deposit interest rate|effective"""
)
"""Rates that markets and banks set: averages of the period, where official rates hold at a date."""

INTEREST_CASES: Final = (
    c.Case(
        "official interest rate",
        c.BARE,
        Phrases(
            """policy rate|policy interest rate|official interest rate|central bank rate|cash rate|key rate|bank rate|
            benchmark interest rate|end of period interest rate|discount rate|federal funds target|repo rate|
            reverse repo rate|refinancing rate|base rate|interest rate decision|official rate|interest rate|
            loan prime rate|federal funds target rate|basic discount rate|monetary policy related"""
        ),
        _NOT_INTEREST | _MARKET,
        c.INTEREST,
        c.PIT,
        c.FLAT,
    ),
    c.Case(
        "interest rate",
        c.BARE,
        Phrases(
            """lending rate|lending rates|interbank rate|interbank rates|deposit interest rate|deposit rate|
            deposit rates|interest rate|interest rates|prime rate|prime lending rate|sofr|libor|euribor|sonia|estr|
            mortgage rate|overnight rate|money market rate|call money rate|federal funds rate|
            effective federal funds|commercial paper rate|bank lending rate|certificate of deposit rate|
            loan prime rate|mortgage interest rate"""
        ),
        _NOT_INTEREST,
        c.INTEREST,
        c.AVERAGE,
        c.FLAT,
    ),
    c.Case(
        "bond yield",
        c.BARE,
        Phrases(
            """bond yield|bond yields|government bond|treasury yield|treasury constant maturity|
            constant maturity rate|note yield|bill yield|dividend yield|year treasury|corporate bond yield|
            bond 10y|benchmark yield"""
        ),
        Phrases(
            f"""{SURVEY_WORDS}|spread|minus|less|change|number|share|premium|growth|index|gap|price|prices|real|
            relative to|average"""
        ),
        c.YIELD,
        c.PIT,
        c.FLAT,
    ),
    c.Case(
        "interest spread",
        c.units("percent", "name:percent", "basis-points", "name:basis-points", "none", "change-points"),
        Phrases("spread|minus fedfunds|minus federal funds|minus treasury|spread between|less federal funds rate"),
        Phrases(f"{SURVEY_WORDS}|change|index|growth"),
        c.SPREAD,
        c.PIT,
        c.FLAT,
    ),
)

_PRICE_WORDS: Final = """price|prices|inflation|cpi|ppi|deflator|cost|costs|rpi|hicp"""
CHANGE_CASES: Final = (
    c.Case(
        "inflation expectations",
        c.units("percent", "change", "name:change", "none", "name:percent"),
        Phrases("inflation expectations|inflation expectation|expected inflation|inflation rate expectations"),
        Phrases("market based|breakeven|cleveland|forward"),
        c.SENTIMENT,
        c.PIT,
        c.FLAT,
    ),
    c.Case(
        "inflation",
        c.units("percent", "change", "name:change"),
        Phrases("inflation|inflation rate|core inflation|food inflation|trimmed mean|producer prices change"),
        Phrases(
            """expectations|expectation|expected|breakeven|target|report|hearings|wage|wages|volatility|contribution|
            percentile|forward|score|probability|uncertainty|indexed|protected|adjusted|swap|tips|forecast|
            compared"""
        ),
        c.CHANGE,
        c.PER_PERIOD,
        c.FLAT,
    ),
    c.Case(
        "change of wages",
        c.CHANGES,
        Phrases("wages|wage|earnings|wage growth|earnings growth"),
        Phrases(f"{SURVEY_WORDS}|gap|share|minimum"),
        c.CHANGE,
        c.PER_PERIOD,
        c.UP,
    ),
    c.Case(
        "growth of wages in percent",
        c.PERCENT,
        Phrases("wage growth|earnings growth|wages yoy|wages mom|earnings yoy|earnings mom|earnings qoq|wages qoq"),
        Phrases(f"{SURVEY_WORDS}|gap|share|minimum"),
        c.CHANGE,
        c.PER_PERIOD,
        c.UP,
    ),
    c.Case(
        "growth in percent",
        c.PERCENT,
        Phrases(
            """growth rate|yoy|mom|qoq|gdp growth|loan growth|population growth|credit growth|gdp annual growth rate"""
        ),
        Phrases(
            f"""{SURVEY_WORDS}|share|ratio|gap|contribution|potential|index|unemployment|utilization|balance|natural|
            warranted|of orders|wage|wages|earnings|trend|rate of preventable|current account"""
        ),
        c.CHANGE,
        c.PER_PERIOD,
        c.BY_NAME,
    ),
    c.Case(
        "change of prices",
        c.CHANGES,
        Phrases(_PRICE_WORDS),
        Phrases(
            f"""{SURVEY_WORDS}|gdp growth|real gdp|at constant prices|constant prices|current prices|contribution|
            index and|real|diffusion|cost of employment|gap|temperature|report|hearings"""
        ),
        c.CHANGE,
        c.PER_PERIOD,
        c.FLAT,
    ),
    c.Case(
        "change in the unit or name",
        c.CHANGES,
        None,
        Phrases(
            f"""{SURVEY_WORDS}|anomaly|sea level|compared to|compared with|balance of trade|trade balance|
            current account|balance|share of|index and percentage|turnover in services index|factor|gap|goal|
            moving average|bsi|tankan|sentiment|confidence|volatility|risk|baseline|of surviving|stdev|
            standard deviation|temperature|soil|unemployment|labor force|degree days|scenario|decent work|report|
            hearings|depreciation"""
        ),
        c.CHANGE,
        c.PER_PERIOD,
        c.BY_NAME,
    ),
    c.Case(
        "activity in percent",
        c.units("percent"),
        Phrases(
            """industrial production|mining production|manufacturing production|private sector credit|factory orders|
            private investment|retail sales|producer prices change|residential property prices|construction output|
            machinery orders|durable goods orders|household spending|personal spending|loan growth|house prices|
            wage growth|import prices|export prices|producer prices|gdp growth|gdp growth rate|services output|
            construction spending|electricity production|money supply growth|housing price|core consumer prices"""
        ),
        Phrases(f"{SURVEY_WORDS}|share|ratio|rate|percent|to gdp|utilization|capacity|index|gdp|weight|of total|%"),
        c.CHANGE,
        c.PER_PERIOD,
        c.BY_NAME,
    ),
)

_NAMED_BALANCES: Final = Phrases(
    """balance of trade|trade balance|current account|current account balance|budget balance|fiscal balance|
    primary balance|net lending|net lending borrowing|net lending net borrowing|government budget|budget deficit|
    budget surplus|external balance|overall balance|balance on goods|goods trade balance|federal budget balance|
    government budget value|capital account balance|financial account balance|external balance on goods"""
)
_NOT_BALANCE: Final = Phrases(
    """exports|imports|credit|debit|receipts|payments|index|growth|survey|expectations|transfers|rate|cyclically|
    secondary income|primary income|potential|ratio of|expenditure|revenue|capital account to|income|
    percent reporting|as a share|number|score|data"""
)
BALANCE_CASES: Final = (
    c.Case(
        "reserves accumulated",
        c.MONEY,
        Phrases("change in reserves|changes in reserves"),
        None,
        c.FLOW,
        c.TOTAL,
        c.UP,
        0.95,
        Phrases("accumulation|net accumulation|accumulated|net acquisition"),
    ),
    c.Case("named balance", c.MONEY | {"gdp", "name:gdp"}, _NAMED_BALANCES, _NOT_BALANCE, c.BALANCE, c.TOTAL, c.FLAT),
    c.Case(
        "change in inventories",
        c.MONEY,
        Phrases(
            """changes in inventories|change in inventories|change in private inventories|
            change in real private inventories|inventory change"""
        ),
        Phrases("index|contribution|growth"),
        c.BALANCE,
        c.TOTAL,
        c.FLAT,
    ),
    c.Case(
        "net flows",
        c.MONEY,
        Phrases("net long term tic flows|tic flows|capital flows|net capital flows|net portfolio flows"),
        Phrases("gross|inflows|liabilities"),
        c.BALANCE,
        c.TOTAL,
        c.FLAT,
    ),
    c.Case(
        "output gap",
        c.units("percent", "potential", "name:percent"),
        Phrases("output gap"),
        None,
        c.GAP,
        c.PIT,
        c.FLAT,
    ),
)
