"""Settled cases: amounts of money and prices (classification spec 2.6, 7)."""

from typing import Final

from services.classification.rules import cases as c
from services.classification.rules.cases import SURVEY_WORDS
from services.classification.rules.names import Phrases

MONEY_CASES: Final = (
    c.Case(
        "poverty threshold",
        c.MONEY | {"money-per"},
        Phrases("poverty threshold|poverty line"),
        Phrases("number|people|gap|headcount|below|pushed|increase|population|change"),
        c.THRESHOLD,
        c.PIT,
        c.FLAT,
    ),
    c.Case(
        "exchange rate",
        c.MONEY | {"money-per", "none", "name:money-per", "name:percent"},
        Phrases(
            """fx rate|exchange rate|exchange rates|spot exchange rate|official exchange rate|ppp conversion factor|
            alternative official fx rate"""
        ),
        Phrases(
            f"""{SURVEY_WORDS}|effective|effecive|nominal effective|index|chg|change|adjusted|stability|regime|system|
            volatility|gains|price level|ratio of"""
        ),
        c.PRICE,
        c.PIT,
        c.FLAT,
    ),
    c.Case(
        "house price",
        c.MONEY,
        Phrases(
            """average house prices|house prices|median sales price|average sales price|average house price|
            home price"""
        ),
        Phrases("index|growth|sold by|ratio"),
        c.PRICE,
        c.PIT,
        c.FLAT,
    ),
    c.Case(
        "minimum wage",
        c.MONEY | {"money-per"},
        Phrases("minimum wage|minimum wages"),
        Phrases("index|ratio|share"),
        c.PRICE,
        c.PIT,
        None,
    ),
    c.Case(
        "wages",
        c.MONEY | {"money-per"},
        Phrases(
            """wages|average weekly earnings|average hourly earnings|average monthly wages|average monthly earnings|
            wages in manufacturing|average earnings|real wages|gross average monthly wages|weekly earnings"""
        ),
        Phrases(
            """index|growth|yoy|mom|minimum|price|unit|public|social|cost|tax|payable|share|ratio|gap|premium|volume"""
        ),
        c.FLOW,
        c.TOTAL,
        None,
    ),
    c.Case(
        "price of a good",
        c.units("money-per"),
        Phrases(
            """price|prices|gasoline|diesel|electricity price|crude oil|gold|silver|natural gas price|retail price|
            aluminum|copper|coal|wheat|maize|rice|sugar|coffee|cocoa|tea|cotton|rubber|beef|urea|zinc|tin|nickel|
            lead"""
        ),
        Phrases("gdp|per unit of|index|income|wage|wages|earnings|productivity|expenditure|consumption of"),
        c.PRICE,
        c.PIT,
        c.FLAT,
    ),
    c.Case(
        "market capitalisation",
        c.MONEY,
        Phrases("market capitalization|market capitalisation"),
        Phrases("ratio|index|share|flow|change"),
        c.STOCK,
        c.PIT,
        c.UP,
    ),
    c.Case(
        "repayment of debt",
        c.MONEY,
        Phrases(
            """principal repayments|debt service|interest payments|principal repayment|debt repayment|
            interest payment"""
        ),
        Phrases("ratio|stock|arrears|suspension|principal payments to|outstanding"),
        c.FLOW,
        c.TOTAL,
        c.FLAT,
    ),
    c.Case(
        "use of imf credit",
        c.MONEY,
        Phrases("use of imf credit|imf credit"),
        Phrases("repurchases|charges|purchases|interest|net flows|disbursements|flows|payments|repayments|dis"),
        c.STOCK,
        c.PIT,
        c.DOWN,
    ),
    c.Case(
        "debt outstanding",
        c.MONEY,
        Phrases(
            """government debt|external debt|public debt|external debt stocks|federal debt|gross debt|net debt|dod|
            public sector debt"""
        ),
        Phrases(
            """service|interest|repayment|repayments|payments|pmt|change|changes|chg|flows|net flows|forgiveness|
            relief|rescheduled|disbursements|issuance|ratio|interest payments|transactions|int|tds|amt|dis|ntr|nfl|
            arrears|reduction|securities sold|per capita|growth|index|reserves|principal|commitments|debt to|
            buyback|currency composition|exports|use of"""
        ),
        c.STOCK,
        c.PIT,
        c.DOWN,
    ),
    c.Case(
        "reserves",
        c.MONEY,
        Phrases(
            """foreign exchange reserves|gross foreign reserves|official reserves assets|international reserves|
            fx reserves|foreign reserves|total reserves|official reserve assets"""
        ),
        Phrases(
            """change|changes|transactions|flow|flows|related items|requirement|adequacy|to gdp|months|ratio|chg|
            liabilities|adjusted|depository|financing|growth|of which|other reserve|use of|position|memorandum|
            institutions|net acquisition|bop|imf"""
        ),
        c.STOCK,
        c.PIT,
        c.UP,
    ),
    c.Case(
        "money supply",
        c.MONEY | {"scale"},
        Phrases(
            """money supply|money supply m0|money supply m1|money supply m2|money supply m3|broad money|monetary base|
            money stock|m0|m1|m2|m3"""
        ),
        Phrases("growth|change|ratio|index|to gdp|velocity|own rate|flow|liabilities|to total reserves|multiplier"),
        c.STOCK,
        c.PIT,
        c.FLAT,
    ),
    c.Case(
        "direct investment liabilities",
        c.MONEY,
        Phrases("direct investment liabilities"),
        Phrases("flow|flows|transactions|net"),
        c.STOCK,
        c.PIT,
        c.FLAT,
    ),
    c.Case(
        "gdp",
        c.MONEY,
        Phrases("gdp|gross domestic product|gross national product|gross national income|gni|gnp"),
        Phrases(
            """deflator|growth|index|price|to gdp|per unit|ratio|share|percent|ppp conversion|gap|potential|debt|
            credit|assets|liabilities|reserves|balance|change|inventories|contribution|energy|implicit|deposits|
            stock|discrepancy|loans|per energy|minus|recession|taxes|subsidies|net"""
        ),
        c.FLOW,
        c.TOTAL,
        c.UP,
    ),
    c.Case(
        "spending or trade flow",
        c.MONEY,
        Phrases(
            """consumer spending|foreign direct investment|exports|exports of goods|exports of goods and services|
            oil exports|non oil exports|remittances|gross fixed capital formation|
            household final consumption expenditure|private consumption|retail sales|household consumption|
            personal consumption expenditures"""
        ),
        Phrases(
            """balance|net|index|price|prices|growth|share|ratio|unit value|stock|stocks|position|change|debt|assets|
            liabilities|credit|loans|percent|number|volume index|expectations|reserves|outstanding|contribution|
            equity and investment|debt instruments|reinvested|taxes on|deflator|insurance|import duties|
            per exporter|exporter|per capita index|volume"""
        ),
        c.FLOW,
        c.TOTAL,
        c.UP,
    ),
    c.Case(
        "state spending, imports and taxes",
        c.MONEY,
        Phrases(
            """government spending|fiscal expenditure|government expenditure|imports|imports of goods|
            military expenditure|imports of goods and services|tax revenue|
            general government final consumption expenditure|government expenditures"""
        ),
        Phrases(
            """balance|net|index|price|prices|growth|share|ratio|unit value|stock|stocks|position|change|debt|assets|
            volume|liabilities|credit|loans|percent|number|gross fixed|expectations|reserves|outstanding|
            contribution|deflator|non tax|tax revenue total|per importer|importer|months|fixed capital|cost|
            revenue and|insurance"""
        ),
        c.FLOW,
        c.TOTAL,
        c.FLAT,
    ),
)
