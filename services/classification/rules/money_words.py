"""Words that tell of money, of things counted, and of rates between currencies, in names without a telling unit."""

from typing import Final

from services.classification.rules.names import Name, Phrases, word_set

CONVERSION: Final = Phrases(
    """exchange rate|exchange rates|fx rate|fx rates|conversion factor|conversion rate|ppp conversion|
    purchasing power parities|purchasing power parity rate|parity rate|spot exchange|per domestic currency|
    currency per us dollar|sdr per us dollar|per usd"""
)
EXCHANGE_EFFECT: Final = Phrases("exchange rate chg|exchange rate change|exchange rate changes|exchange rate adjusted")
"""Amounts of money that exchange rates moved, or that are measured free of them."""

QUALIFIED: Final = Phrases(
    """volume index|volume indices|price index|unit value index|number of people|number of persons|houses sold|
    units sold|stock markets|price us dollar index"""
)
"""What outweighs money in a unit: the money only says how something else is valued or bounded."""

NOT_AMOUNT: Final = Phrases(
    """index|indices|indexes|poverty headcount|poverty gap|percentile rank|score|rank|ratio|yoy|mom|qoq|growth|rate|
    rates|yield|yields|percent|percentage|%|share of|as a share|stock markets|stock market|price level|
    price levels|deflator|deflators|survey|expectations|probability|hours|volatility|spread|minus|number of|
    seasonal factors|parities|return on|inequality|rating|relative price|pressures|in months of|to personal income|
    to total|to gdp|gap|poverty|approvals|purposes|functions|powers|collection powers|quality of|monitoring|
    timing of|composition outturn|costing|restrictions on|producer prices|consumer prices|import prices|
    export prices|wholesale prices|domestic producer|commodity price|unit labour costs|unit labor costs|
    firing costs|productivity|by crop|filing|industrial trends|with an outstanding|housing prices|volume|
    industrial orders|bond 10y|bond 5y|bond 2y|sector credit|factory orders|ex fuel|durable goods orders|
    machinery orders|construction orders|household spending|personal spending|ii|iii|iv|relative to|trade weighted|
    months of imported|debt management|per hour worked"""
)
"""In names without a unit: rates, indices, scores and shares of money, and headline names published as changes."""

COUNTED: Final = Phrases(
    """population|employment|employed|unemployed|employees|employee|payroll|payrolls|labor force|labour force|persons|
    people|households|workers|hires|separations|quits|openings|layoffs|discharges|claims|claimant|claimants|jobs|
    job|vacancies|starts|permits|units|vehicle|vehicles|car|cars|auto|autos|truck|trucks|registrations|ridership|
    emissions|carbon|production|barrels|passengers|passenger|students|pupils|teachers|children|deaths|births|
    subscriptions|arrivals|departures|migration|number|area|tonnes|freight|crude|crops|livestock|cattle|
    establishments|enterprises|firms|companies|patents|applications|species|journeys|nights|accidents|females|
    males|women|men|homes|houses|home sales|house sales|house|single family|inflows to|outflows|membership|
    attendance|gas stocks|gasoline|distillate|natural gas|petroleum stocks|waste|water|electricity|energy|
    transport of|aircraft|flights|hotels|beds|residents|citizens|crime|prisoners|hectares|acres|land|harvested|
    slaughter|deliveries"""
)
SURE_MONEY: Final = Phrases(
    """earnings|wages|minimum wage|hourly wage|minimum hourly wage|income|incomes|sales price|average price|
    cost per pound|price of|prices of|unit prices|cost of|expenditure|expenditures|expense|expenses|revenue|
    revenues|assets|liabilities|loans|debt|deposits|dep|securities|consumption expenditure|construction spending|
    gdp|tax collections|gross domestic product|in circulation|spot crude oil price|oil price|gas price|
    gasoline prices|oil prices|annual payroll|bond prices|personal consumption|final consumption|real consumption|
    credit to|reserves for|assets held|entitlements|residence adjustment|value for|value of|
    authorized by building permits value|balance of trade|trade balance|economic accounts|structural business|
    services trade|trade by enterprise|current prices|local currency|contributions employee|contributions employer|
    turnover"""
)
"""Money even beside words that count people or goods ("Average weekly wages for employees")."""

MONEY: Final = Phrases(
    """gnp|gni|gross national|compensation|loan|debts|credit|deposit|receipts|outlays|tax|taxes|investment|
    investments|spending|inventories|exports|imports|export value|capital|reserves|money stock|money supply|m1|m2|
    m3|monetary base|retail sales|store sales|consumption|dividends|commercial paper|bond|bonds|equity|currency|
    value|value added|current account|budget balance|budget|remittances|borrowings|financing|payments|cash|
    premiums|proceeds|profits|profit|surplus|deficit|external balance|costs|home price|spot price|price|new orders|
    orders|allocation|sdr|mortgage|mortgages|receivables|accounts payable|output value|instalment accounts|
    position|aid|capital formation|rent|rents|housing prices|savings|repayment|repayments|arrears|
    forwards and futures|sdr holdings|less disposals of valuables"""
)
QUOTED: Final = Phrases("unit prices")
COMMODITY_MARKS: Final = Phrases(
    "bitcoin|ethereum|litecoin|brent|west texas intermediate|wti|wholesale price|hot rolled coil"
)

_COMMODITIES: Final = word_set(
    """
    aluminum aluminium copper zinc lead nickel tin cobalt lithium gold silver platinum palladium rhodium uranium
    steel iron ore molybdenum manganese neodymium gallium germanium indium tellurium titanium magnesium bismuth
    antimony crude oil brent wti naphtha propane ethanol methanol gasoline diesel coal bitumen urea polyethylene
    polypropylene polyvinyl soda ash rubber lumber wool cotton cocoa coffee tea sugar rice wheat corn maize oat
    oats barley soybeans soybean canola rapeseed palm sunflower cheese milk butter eggs potatoes orange juice
    beef poultry salmon hogs lean live feeder cattle swine lamb mutton chromium lng logs sawnwood henry hub
    softwoods natural gas heating kraft pulp di ammonium phosphate sulfur synthetic graphite silicon hrc rebar
    scrap wood fish meal fe bananas tobacco groundnuts groundnut coconut copra
    """
)
_MOST_WORDS: Final = 4
_FEW_WORDS: Final = 5
_HEADING_DIGITS: Final = (6, 7)


def is_bare_commodity(name: Name) -> bool:
    """Whether a name is a traded good and nothing else ("Live Cattle", "Iron Ore"): feeds quote its price so."""
    words = [word for word in name.words if not word.isdecimal() and word != "%"]
    return 0 < len(words) <= _MOST_WORDS and _COMMODITIES.issuperset(words)


def names_commodity(name: Name) -> bool:
    """Whether a traded good is among a few words ("Coal, Australia")."""
    return len(name.words) <= _FEW_WORDS and not _COMMODITIES.isdisjoint(name.words)


def is_expenditure_heading(name: Name) -> bool:
    """Whether a name is a numbered heading of the International Comparison Program: those are expenditures."""
    first = name.text[1:].partition(" ")[0]
    return first.isdecimal() and len(first) in _HEADING_DIGITS
