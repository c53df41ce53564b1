"""Words that tell whether a value describes a span of time or a moment (classification spec 2.3, 2.6)."""

from typing import Final

from services.classification.rules.names import Phrases

CUMULATIVE: Final = Phrases(
    """year to date|ytd|cumulative|cumulated|since the beginning of the year|since start of year|fiscal year to date"""
)

CHANGE: Final = Phrases(
    """growth|growth rate|inflation|inflation rate|yoy|mom|qoq|wow|percent change|percentage change|% change|
    change in|changes in|rate of change|annual change|monthly change|year on year|month on month|
    quarter on quarter|annual growth|contribution to growth|annualized|annualised|y-o-y|y o y|chg|percent increase"""
)
LEVEL_DESPITE_CHANGE: Final = Phrases(
    """expectations|expectation|target|targets|share of|index|indices|volatility|uncertainty|score|report|survey|
    growth price|growth market cap|climate change|ratio of|probability|breakeven|percent reporting|
    percentage reporting|reporting increases|forecast|outlook|at risk|bsi|management of"""
)
NAMED_BALANCE: Final = Phrases(
    """balance of trade|trade balance|balance of payments|current account|current account balance|budget balance|
    budget deficit|budget surplus|fiscal balance|primary balance|net lending|net borrowing|net operating balance|
    government budget|overall balance|goods trade balance|capital account|financial account|cash surplus|
    external balance|structural balance|balance on goods|gross operating balance|government balance|deficit|
    surplus|net financial transactions|net financial flows|employee stock options"""
)
ACTIVITY: Final = Phrases(
    """production|orders|sales|output|spending|investment|credit|exports|imports|prices|earnings|wages|costs|income|
    consumption|deflator|turnover|shipments|money supply|gdp|loans|retail trade|retail sales|construction output|
    trimmed mean|producer prices change|business applications|all employed persons|payroll employment|hours worked|
    payments|unit labor costs|inventories|price index|home price|housing index|house price|cpi|ppi|pce|cost index|
    mortgage applications|quantity index|claims on private sector|labor productivity|revenue for|employment cost|
    retail inventories"""
)
"""Activities whose bare "%" is a change over the period, not a level."""

LEVEL_IN_PERCENT: Final = Phrases(
    """rate|rates|ratio|share|utilization|utilisation|to gdp|to total|percentage|proportion|yield|yields|interest|
    lending|bond|bonds|bill|unemployment|participation|tax|coverage|access|prevalence|penetration|adequacy|
    return on|margin|exports of|concentration|per capita|of which|as a|who|people|firms|households|population|
    women|men|female|male|children|adults|students|age|rural|urban|dependence|weight|weights|balance|expectations|
    swap|swaps|spread|mortgage|enrolment|enrollment|completion|probability|account|accounts|borrowed|saved|mobile|
    owns|used|internet|expenditure on|stocks to use|level|content|sulfur|ash|deposits|money market|treasury|
    maturity|libor|% %|output %|reporting increases|reporting decreases|percent of|as percent of|net worth to|
    shares of|shares|to income|principal payments to|credit to|gross output to|debt|distribution of|
    geographic distribution|manufactured exports|per capita real|activity index|national activity|diffusion|
    recession indicator|digital payments|received|made or received|revenue for general|government revenue|
    electricity|% ages"""
)

STOCK: Final = Phrases(
    """debt|debts|reserves|reserve assets|assets|liabilities|stock of|stocks|stock|outstanding|money supply|m0|m1|m2|
    m3|monetary base|money stock|loans|loan|credit|deposits|inventories|inventory|capitalization|capitalisation|
    position|positions|holdings|held|in circulation|securities|equity|capital stock|wealth|allocations|allocation|
    arrears|capital|balance sheet|memorandum items|foreign exchange reserves|notes and coins|currency in|
    broad money|claims on|dod|pv of|present value|nominal value|receivables|payables|iip|net foreign assets|drains|
    savings deposits|quasi money|mortgage debt|shares and other equity|fixed assets|working capital|cross border|
    federal debt|bank credit|entitlements|margin accounts|par value|market value|commercial paper|fund shares|
    net worth|balances|debt securities|trade credit|portfolio investment positions|produced capital|liquid assets|
    stable funding|ext debt|external debt|psd|gross psd|inflated|total reserves|net stock|reserve adjustment|
    interest arrears"""
)
FLOW_DESPITE_STOCK: Final = Phrases(
    """transactions|change in|changes in|flows|flow|investment in|acquisition|incurrence|disposals|payments|payment|
    repayments|repayment|disbursements|interest|service|servicing|transfers|income|revenue|revenues|expense|
    expenses|earnings|receipts|dividends|charge offs|sales|issues|issuance|net issues|new|flows on|inflows|
    outflows|int|dis|ntr|tds|amt|nfl|grants|formation|expenditure|expenditures|imports|exports|consumption of|
    value added|compensation|financing|purchases|debited|credited|credit less debit|formed|remittances|premiums|
    claims paid|deposited|principal|collections|outlays|turnover|orders|forgiveness|rescheduled|net flows|
    commitments|exchange rate chg|produced|reduction of|increase|decrease|liabilities transactions|cost|costs|
    losses|reserves and related|other changes|net acquisition|net incurrence|production account|gross capital|
    capital formation|capital account|capital transfers|capital expenditure|capital flows|new loans|
    deposits of suspended|output|offered|proceeds|volume|consumption|debt relief|repay|stocks traded|
    offsetting entries|bought or sold|debt instruments central bank|reserve assets monetary gold|securities sold|
    of issuers|of loans for|financial derivatives and employee|project assistance|net acquisitions|capital gains"""
)
PRICE: Final = Phrases(
    """price|prices|cost of|exchange rate|minimum wage|fx rate|rent|rents|tariff|fee|fees|threshold|premium per|
    conversion factor|bitcoin|litecoin|ethereum|crude oil|brent|housing prices|parity|parities|mortgage size|
    connection charge|monthly subscription|border compliance|documentary compliance|unit values|
    minimum hourly wage|hourly minimum wage|minimum wages|costs of|starting a business|landed cost"""
)
PRICE_BUT_FLOW: Final = Phrases(
    """earnings|wages|salary|salaries|income|at constant prices|constant prices|current prices|at current prices|
    chained|gross domestic|gdp|expenditure|expenditures|value added|formation|consumption|exports|imports|output|
    per capita|compensation|sales value|revenue|tax|taxes|cost of customer|for national uses|purchasers prices|
    trade volume|volume|interest rate payments"""
)

POPULATION: Final = Phrases(
    """population|employment|employed|unemployed|unemployment|labor force|labour force|employees|workers|persons|
    people|households|pupils|students|teachers|children|women|men|enrolment|enrollment|workforce|staff|personnel|
    subscriptions|subscribers|accounts|branches|atms|outlets|institutions|companies listed|listed domestic|
    households with|hospitals|beds|physicians|nurses|vacancies|openings|job openings|residents|refugees|
    establishments|enterprises|firms|rigs|number of|employers|species|inventory|self employed|level|
    total employment|all employees|not in labor force|insured unemployment|continuing claims|
    continuing jobless claims|customers|members|depositors|borrowers|insured"""
)
EVENTS: Final = Phrases(
    """change|changes|sales|starts|permits|registrations|arrivals|departures|births|deaths|applications|claims|hires|
    separations|quits|layoffs|discharges|bankruptcies|insolvencies|failures|production|deliveries|shipments|
    visitors|visits|passengers|enplanements|transactions|accidents|crimes|homicides|migration|flows|inflows|
    outflows|acquisitions|disasters|affected|displacement|displaced|payrolls|payroll change|orders|imports|exports|
    admissions|graduates|patents|assignments|formations|marriages|divorces|infected|infections|newly|new cases|
    cases|incidents|nights|trips|journeys|ridership|issues|filings|returns|exemptions|traded|offences|exams|
    procedures performed|degree days|precipitation|rainfall|approvals|completions|slaughter|slaughterings|articles|
    awards|recruitments|closures|openings of|launches|new residential|houses sold|building|tourists|job offers|
    advertisements|complaints|strikes|stoppages|departed|retirements|inspections|audits|requests|interruptions|
    outages|shipped|emissions|registered|procedures|new vacancies|surgical|authors|increase in|payments|freight|
    waste|landings|offenses|contracts|insufficiencies|incoming|outgoing|transfers|recovery|footprints|crude runs|
    full time employment chg|births rate|unemployment insurance claims|balancing items|marginal outflows|
    to unemployed|premature death|mortality|death|birth rate|fertility rate|ice days|read per minute|hours paid|
    employment change|chg|generation of|inflows of|unemployment change"""
)
LEVEL_DESPITE_EVENTS: Final = Phrases(
    """employment in|number of enterprises|job openings|job vacancies|active|stock of|employees in|workers in|
    persons in|subscriptions|continuing|inventory|procedures to|documents to|accounts|cases pending|time to|
    start up procedures|enterprises by|nonfarm private|registered mobile|insured|outstanding|continued jobless|
    continued claims|total displaced|proportion of|seasonal factors|industrial production|imports exports|
    mandatory|restrictions on|in months of|management of|trends orders|temperature change|payroll changes|seats|
    unemployed for|unemployed persons|unemployment level|unemployed job|civilians unemployed|employed persons|
    employed full|employed part|persons in employment|number of employed|resident population|population level|
    population total|job offers|registered unemployment|workers with|lifetime risk|deprivation|change in mean|
    continuing claims|temporary contracts"""
)

PHYSICAL_LEVEL: Final = Phrases(
    """capacity|stocks|stock|reserves|area|land|forest|proved|length|rail lines|roads|highways|height|elevation|
    temperature|pressure|reservoir|cover|crops|inventories|expected future production|working gas|
    underground storage|resources|tankage|depth of|vegetation|glaciers|mangroves|fleet|in storage|base gas|
    height of|rigs|storage capacity|artificial surfaces|vegetated|surfaces|vessels|heat island|sea level|
    cushing number|compared to|installed capacity|per capita|change compared|change in mean"""
)
PHYSICAL_FLOW: Final = Phrases(
    """production of|injections|withdrawals|additions|revision|revisions|adjustments|discoveries|changes|change|
    harvested|planted|area harvested|losses|emissions|consumption|generation|sales|imports|exports|extraction|
    acquisitions|precipitation|stock change|stocks change|stock changes|extensions|supplied|divestitures|
    production from|loss|freshwater resources"""
)
RATE_EVENTS: Final = Phrases(
    """mortality|incidence|deaths|death|births|birth|fertility|homicides|homicide|fatalities|discharges|admission|
    admissions|consultations|crime|suicide|suicides|exams|procedures|accidents|infections|new registrations|
    new business density|hours worked|working hours|amputation|injured|divorces|marriages|integrated care|
    immigration|defined daily doses|years of life lost|potential years|transactions|hospitalisation|
    surgical procedures|cancer|operations|traffic|cases|migration rate|attributed to|nights spent|ice days|
    emissions rate|preventable hospital"""
)
HOURS_WORKED: Final = Phrases(
    """hours worked|working hours|weekly hours|overtime|hours paid|interruption duration|overtime hours|annual hours|
    avg weekly"""
)
YEAR_ON_YEAR: Final = Phrases("yoy|mom|qoq|wow|y o y|m o m|q o q")
COUNTS_PEOPLE: Final = Phrases("number of people|number of persons|number of poor")
MINIMUM_WAGE: Final = Phrases("minimum wages|minimum wage|minimum hourly wage")
