"""What economists know about words: tables from a token or a pair of tokens to the concepts it stands for.

The tables are general knowledge, written by hand and not taken from labelled rows. They let the model treat a word it
has seldom or never seen ("motorcycles") like its better known neighbours ("cars"), and say which news is good news.
"""

from typing import Final

_CONCEPTS: Final[dict[str, str]] = {
    "people": """person persons people population inhabitants worker workers employee employees employed unemployed
        student students pupils teacher teachers child children women men woman adult adults youth patient patients
        tourist tourists visitor visitors arrivals refugees migrants immigrants nurses physicians doctors midwives
        researchers users subscribers subscriptions subscribers households household families borrowers depositors
        customers consumers residents citizens farmers staff personnel officers jobs job employment payrolls
        vacancies recipients beneficiaries graduates scientists veterans prisoners taxpayers passengers members
        labor-force claimants crew servants candidates accounts workforce headcount adults adolescents girls boys
        infants newborns victims mothers fathers founders owners managers""",
    "org": """enterprises enterprise firms firm companies company establishments establishment businesses branches
        atms atm schools hospitals institutions corporations banks ngos municipalities farms plants rigs outlets
        facilities offices agents stores cooperatives courts providers entities vehicles-registered beds
        servers operators unions exporters importers entrants issuers""",
    "event": """deaths births bankruptcies accidents disasters claims openings hires quits layoffs discharges
        separations permits starts transactions departures applications patents marriages divorces visits arrivals
        registrations filings foreclosures homicides crimes injuries strikes disputes fatalities cases infections
        admissions procedures surgeries exams consultations transfers trips enplanements flights requests audits
        inspections trademarks completions challenger cuts closures evictions insolvencies incidents attacks
        violations outbreaks doses migration publications articles convictions landings""",
    "goods": """vehicle vehicles car cars auto autos automobile automobiles motorcycles motorbike trucks truck tractors
        cement steel iron copper aluminum aluminium zinc nickel tin lead gold silver platinum palladium oil crude
        gasoline diesel petroleum fuel fuels kerosene propane ethane butane naphtha gas lng coal lignite coke
        electricity power energy uranium wheat corn maize rice soybeans soybean barley oats sorghum sugar coffee cocoa
        tea cotton wool rubber milk cheese butter beef pork poultry chicken meat fish shrimp timber lumber logs
        sawnwood wood paper pulp fertilizer urea potash phosphate beverages tobacco wine beer spirits machinery
        equipment furniture textiles apparel clothing footwear chemicals plastics cattle hogs livestock eggs
        bananas oranges cereal cereals crops crop food distillate biodiesel ethanol jet salt bricks glass tires
        motor semiconductors computers appliances water freight cargo container containers tonnage""",
    "stock": """assets asset liabilities liability loans loan debt debts deposits deposit credit holdings outstanding
        reserves reserve inventories inventory balances securities position positions stock stocks claims m0 m1 m2 m3
        m4 money monetary-base base equity equities networth worth wealth capitalization arrears bonds advances
        obligations mortgages currency overdrafts leases receivables payables bills notes paper repos drawings
        commitments collateral funds encumbered backlog unfilled""",
    "flow": """exports export imports import revenue revenues receipts expenditure expenditures spending outlays income
        sales gdp gnp gni gva consumption production output value-added payments payment disbursements orders
        shipments investment investments profits profit remittances aid grants grant oda taxes transfers repayments
        repayment transactions compensation wages salaries earnings turnover absorption formation purchases
        contributions subsidies subsidy benefits interest-paid dividends issuance issues proceeds fees royalties
        expense expenses surplus-operating depreciation disposable demand supply product remuneration pay generation
        manufacturing construction savings saving donations cost-of-goods trade rents premiums premium insurance
        withdrawals amortization amortisation inflows outflows inflow outflow flows flow bonuses tuition""",
    "net": """net balance surplus deficit balances lending/borrowing nets overall primary-balance change changes
        accumulation discrepancy discrepancies errors omissions net-lending borrowing requirement position-net""",
    "price": """price prices cost costs fee fees wage wages rent rents tariff tariffs fare charge charges quote cents
        spot futures fob cif cents/kg hourly minimum exchange parity bitcoin ethereum litecoin usd/eur ppp brent wti
        dubai henry benchmark unit-value valuation toll""",
    "interest": """interest lending sofr libor fed federal-funds prime mortgage discount repo euribor eonia
        ester policy overnight interbank borrowing-rate bank-rate iorb effr deposit-rate refinancing sonia tibor
        cash funds coupon rates apr refi facility repurchase call certificate""",
    "yield": """yield yields treasury gilt bund oat btp bond maturity treasuries notes tips t-bill t-bond t-note bills
        coupon auction jgb bonos letras""",
    "spread": """spread spreads minus relative breakeven differential margin oas option-adjusted versus premium gap
        difference""",
    "index": """index indices indexes indice pmi cpi ppi hicp wpi rpi indicator indicators score scores rating ratings
        barometer gauge climate confidence deflator deflators composite quality diffusion dow nasdaq
        nikkei ftse dax wilshire neer reer effective tankan ifo zew sentix optimism cfnai nfib lei cei ism empire
        cpia gini effectiveness governance restrictiveness openness logistics rank ranking percentile ibd
        framework transparency leading coincident quantity chain-type volume-index prices-index uncertainty
        conditions strength""",
    "change": """growth change changes yoy mom qoq wow y/y m/m q/q inflation increase decrease annualized variation
        annual previous deceleration acceleration growing decline rise fall year-over-year mtm qtq adjusted-change
        contribution momentum returns return""",
    "volatility": "volatility vix vxo deviation stdev std variance dispersion cboe fluctuation variability error",
    "gap": "gap deviation anomaly baseline trend potential natural shortfall anomalies rule",
    "rate": """rate rates ratio ratios incidence prevalence frequency density intensity""",
    "ratio": """ratio participation unemployment-rate dependency mortality fertility literacy enrolment enrollment
        vacancy delinquency delinquencies charge-off utilization utilisation density multiple velocity turnover-rate
        adequacy coverage-ratio debt-to-gdp price-earnings productivity intensity elasticity efficiency loan-to-deposit
        leverage solvency liquidity nonperforming non-performing roe roa pupil-teacher tax leverage""",
    "share": """share shares percentage proportion proportions distribution composition structure breakdown percent
        fraction concentration allocation mix""",
    "duration": """age duration hours hour time days weeks months years expectancy tenure length life
        commuting delay waiting maturity lifespan minutes retirement median-age""",
    "probability": "probability probabilities risk p-value likelihood chance odds lifetime recession-probability",
    "sentiment": """expectations expectation survey outlook opinion respondents perceive perception perceptions
        believe sentiment trust satisfaction expected plans future assessment attitudes worry think feel agree
        confidence expecting""",
    "threshold": "threshold thresholds line lines cut-off limit ceiling",
    "capacity": "capacity capacities installed nameplate capability storage potential",
    "area": "area areas land forest hectares acres arable acreage planted harvested km surface elevation protected",
    "emission": "emissions emission co2 ghg greenhouse carbon methane nitrous pollution pollutants pm2 sulfur nox",
    "weather": "temperature precipitation rainfall degree-days cooling heating rain snow sea humidity",
    "survey_q": """number whether existence exists law legal allowed guaranteed available prohibited yes no requirement
        required adopted implemented scope conducted reporting function functions mandate administered""",
    "adjective_rate": "average mean median weighted moving",
    "tax": "tax taxes taxation vat excise duty duties levy withholding social-security contributions",
    "labour": """employment employed unemployment unemployed labor labour workforce payrolls payroll jobs jobless
        hires vacancies participation underemployment claimants nonfarm""",
    "public": "government governments public fiscal budget federal state municipal treasury sovereign general central",
    "external": "external foreign international abroad nonresident non-resident nonresidents cross-border",
    "credit_event": """default defaults delinquent delinquency nonperforming non-performing charge-off charge-offs
        foreclosure foreclosures past-due arrears npl bad write-offs impaired overdue""",
}

_POLARITY: Final[dict[str, str]] = {
    "up": """gdp gnp gni gva growth income incomes employment employed exports export production output sales
        investment investments confidence pmi reserves savings saving profits profit productivity enrolment enrollment
        literacy expectancy access coverage immunization vaccination schooling internet broadband tourism tourist
        tourists arrivals visitors permits starts completions utilization utilisation hires openings vacancies orders
        shipments earnings wages salaries compensation jobs payrolls participation consumption spending retail
        efficiency effectiveness quality renewable sanitation drinking graduates graduation attainment researchers
        physicians nurses midwives doctors hospitals beds skilled accountability transparency democracy stability
        freedom happiness satisfaction trust optimism surplus capitalization wealth worth equity dividends
        registrations revenue revenues receipts value-added remittances fdi capital subscribers subscriptions users
        account accounts startups patents trademarks innovation exporters competitiveness readiness resilience
        inclusion empowerment equality contraceptive breastfeeding births survival completion proficiency
        scores score protected forest recovery turnover manufacturing construction demand generation
        new supply yields-crop disposable adequacy liquidity solvency gains winning improved improvement quits
        traffic passengers freight fertility-control financing branches atms availability treatment antenatal
        affordability consumer index performance formation liquid support nonfarm civilian housing homes""",
    "down": """unemployment unemployed debt debts deficit deficits mortality deaths death poverty poor corruption
        emissions emission pollution pollutants default defaults delinquent delinquency delinquencies nonperforming
        non-performing charge-off charge-offs bankruptcies bankruptcy foreclosures foreclosure arrears claims claimants
        jobless layoffs discharges crime crimes homicide homicides disease diseases prevalence malaria hiv aids
        tuberculosis stunting stunted undernourishment undernourished underweight malnutrition anemia obesity obese
        overweight wasting smoking alcohol-abuse suicide disasters disaster violence discrimination dropout dropouts
        out-of-school inequality gini uncertainty volatility stress risk risks losses loss leakage waste injuries
        accidents accident drought droughts deforestation vulnerable evasion infected incidence co2 ghg greenhouse
        carbon methane nitrous terrorism conflict battle battle-related hunger insecurity insecure slum slums
        illiteracy uninsured underemployment inactive liabilities repeaters separations challenger restrictions
        restrictiveness barriers bribery bribe constraint obstacle obstacles burden delays delay outages outage
        exposure vulnerability hazards hazard insolvencies insolvency strikes fatalities depletion degradation
        threatened endangered open-defecation displaced child-labor recession bad damage damages overdue
        noncompliance impaired distress arrears backlog late uncertainty misery injuries burglary theft victims
        unmet infant neonatal maternal under-five stillbirth diabetes cancer overcrowding deprivation deprived
        cannot afford fear unsafe fossil severity gap-poverty out-of-pocket catastrophic informal idle neet
        disunion fraud""",
    "flat": """imports import money m0 m1 m2 m3 inflation interest exchange fx tax taxes tariff tariffs price prices
        deflator cpi ppi hicp trade balance population land temperature precipitation rainfall lending mortgage
        treasury libor sofr yield yields spread bond share composition distribution age sex reserves-required
        inventories cost costs fee fees ppp conversion premium net lines rank urban rural repayments interest-payments
        expense expenditure expenditures government military fuel oil gas gold deposits loans credit currency
        survey structure number hours area degree-days foreign""",
}

_PHRASES: Final[dict[str, str]] = {
    "interest": """bank rate;lending rate;deposit rate;policy rate;interest rate;interest rates;federal funds;
        funds rate;prime rate;repo rate;mortgage rate;mortgage rates;fixed mortgage;cash rate;call money;money market;
        interbank rate;discount rate;base rate;refinancing rate;commercial paper;loan rate;certificate deposit;
        treasury bill;t bill;average sofr;overnight rate;rate decision;rate cap;new commitments;rate mortgage;
        marginal lending;reverse repo;official rate;key rate;swap rate;short rate;term rate;debt commitments""",
    "yield": """treasury rate;constant maturity;bond yield;government bond;dividend yield;treasury yield;year note;
        year bond;bond auction;note auction;bill auction;corporate bond;aaa bond;baa bond;long bond;year treasury""",
    "ratio": """unemployment rate;participation rate;employment rate;tax rate;vacancy rate;mortality rate;birth rate;
        death rate;fertility rate;dependency ratio;security rate;jobless rate;saving rate;savings rate;literacy rate;
        poverty rate;delinquency rate;utilization rate;default rate;completion rate;enrollment rate;enrolment rate;
        separation rate;hire rate;quit rate;opening rate;crime rate;homeownership rate;survival rate;graduation rate;
        net enrolment;activity rate;vacancy rates;payout ratio;to gdp;per capita;per worker;per person;earnings ratio;
        rate tax;loan ratio;coverage ratio;turnover rate;turnover ratio;return on;capital to;loans to;debt to;
        savings ratio;replacement rate;charge rate;investment rate;labour productivity;velocity of""",
    "change": """growth rate;inflation rate;rate of;percent change;percentage change;annual growth;annual change;
        price change;core inflation;headline inflation;month ago;year ago;previous year;previous period;
        previous month;previous quarter;on year;on month;on quarter;over year;over month;% change;contribution to;
        contributions to;annual rate;growth of;rate change;year change;change in;industrial production;mom;yoy""",
    "fx": """exchange rate;exchange rates;spot rate;fx rate;purchasing power;power parity;official rate;per usd;
        conversion factor;ppp conversion;cross rate;foreign exchange;to usd;usd exchange""",
    "net": """trade balance;balance of;current account;capital account;financial account;account balance;
        primary balance;budget balance;fiscal balance;structural balance;net lending;net borrowing;net acquisition;
        changes in;change in;net exports;net flows;net flow;net investment;net inflows;net outflows;net income;
        net issues;net issuance;net increase;net incurrence;tic flows;capital flows;cash surplus;external balance;
        errors and;net errors;net change;net financial;net transfers;net capital;net migration;net primary;
        operating balance;resource balance;stock change;stocks change;inventories change;government balance;
        budget value;net purchases;net trade;portfolio investment;consumer credit;credit change;overall balance""",
    "stock": """money supply;money stock;foreign reserves;exchange reserves;gold reserves;external debt;government debt;
        public debt;debt stocks;debt outstanding;monetary base;balance sheet;market capitalization;capital stock;
        net worth;net international;international investment;fixed assets;total assets;loans outstanding;
        credit outstanding;central bank;housing stock;end of;at end;reserve assets;proved reserves;crude stocks;
        ending stocks;net assets;credit to;claims on;liabilities to;long term;short term;of which;unfilled orders;
        business inventories;wholesale inventories;retail inventories;oil stocks;gas storage;domestic credit;
        investment position;savings deposits;demand deposits;deposits with;loans to""",
    "flow": """value added;fixed capital;capital formation;direct investment;retail sales;consumer spending;
        personal income;personal spending;government spending;factory orders;durable goods;goods orders;new orders;
        gross domestic;gross national;national income;final consumption;consumption expenditure;debt service;
        principal repayments;interest payments;corporate profits;tax revenue;operating surplus;foreign direct;
        social contributions;military expenditure;gross output;disposable income;household spending;
        personal consumption;construction output;construction spending;machine orders;machinery orders;
        home loans;fixed investment;property income;gross fixed;current transfers;gross value""",
    "index": """price index;prices index;consumer price;producer price;consumer prices;producer prices;
        business confidence;consumer confidence;consumer sentiment;economic sentiment;business climate;stock market;
        production index;manufacturing index;services index;terms of;leading index;leading indicator;
        leading indicators;terms trade;effective exchange;prices paid;prices received;new orders;import price;
        export price;import prices;export prices;house price;home price;housing price;share price;share prices;
        implicit price;price deflator;quality of;rule of;ease of;adequacy of;quality score;overall score;
        chain type;quantity index;volume index;purchasing managers;industrial production;economic activity;
        financial conditions;conditions index;market index;stock index;total return;uncertainty index;
        supplier deliveries;unit labor;unit labour;labor costs;labour costs;labor cost;activity index;hours index""",
    "sentiment": """inflation expectations;percentage respondents;percent respondents;of respondents;opinion balance;
        economy watchers;watchers survey;survey outlook;small outlook;large outlook;trends orders;who believe;
        economic expectations;who agree;survey respondents;expectations for;orders balance;credit conditions;
        loan demand;tightening standards;future tendency;business outlook;manufacturing outlook""",
    "count": """number of;no of;housing starts;building permits;jobless claims;initial claims;continuing claims;
        job openings;employed persons;unemployed persons;labor force;labour force;claimant count;tourist arrivals;
        total population;urban population;rural population;job vacancies;rig count;employed in;total employment;
        continued claims;nonfarm private;private employment;all employees;home sales;births;deaths;
        population ages;housing units;private housing;new privately""",
    "signed_count": """employment change;payrolls;farm payrolls;nonfarm payrolls;employment net;unemployment change;
        count change;claims change;jobs change;payroll employment;change employment""",
    "volume": """vehicle sales;car sales;auto sales;car registrations;vehicle registrations;car production;
        vehicle production;auto production;steel production;cement production;oil production;gas production;
        electricity production;gold production;electricity generation;energy consumption;oil imports;oil exports;
        gas imports;crude runs;natural gas;motor vehicle;electric power;water withdrawal;air transport;
        container traffic;port traffic;freight carried;passenger km;ton km;traded volume;trading volume;
        auto exports;motorbike sales;truck sales;primary energy;field production;product supplied;net withdrawals""",
    "duration": """hours worked;weekly hours;average hours;annual hours;working hours;life expectancy;median age;
        mean age;retirement age;duration of;time to;time required;days to;years of;commuting time;median duration;
        maturity of;average maturity;average duration;length of;monthly hours;average age;hours paid;grace period""",
    "probability": """probability of;risk of;lifetime risk;recession probability;default probability;p value;
        probabilities of;dying between;between exact""",
    "gap": "output gap;potential gdp;from baseline;from trend;of potential;unemployment gap;to baseline;sahm rule",
    "spread": """treasury minus;minus federal;minus libor;term premium;risk premium;breakeven inflation;
        option adjusted;adjusted spread;yield spread;relative to;interest spread;rate premium;
        rate spread;market premium;forward rate""",
    "price": """house prices;home prices;property prices;sales price;sale price;spot price;crude oil;fuel price;
        gasoline price;minimum wage;minimum wages;hourly wage;hourly earnings;price of;cost of;costs of;price for;
        average price;retail price;wholesale price;median price;closing price;market price;unit price;unit prices;
        gold fixing;unit value;listing price;wages in;rental price;fixing price;coinbase bitcoin""",
    "share": """share of;as percentage;percentage of;as percent;proportion of;distribution of;% of;of total;
        composition of;structure of;as share;shares of;by type;percentage distribution;percent of""",
    "people_pct": """of population;of adults;age 15;ages 15;of people;of women;of men;of children;of households;
        of firms;of enterprises;of students;of births;of individuals;of employees;of relevant;with access;
        access to;who have;of respondents;using the;people using;population with""",
    "good": """current account;trade surplus;capacity utilization;labor productivity;life expectancy;school enrollment;
        building permits;housing starts;retail sales;industrial production;business confidence;consumer confidence;
        ease of;rule of;quality of;access to;net worth;value added;new orders;foreign direct;home sales;
        gross savings;disposable income;clean fuels;drinking water;net income;political stability;
        voice and;control of;home ownership;homeownership rate;job openings;employment to;primary balance""",
    "bad": """jobless claims;initial claims;infant mortality;external debt;government debt;public debt;debt service;
        budget deficit;time to;time required;cost to;unemployment rate;poverty headcount;past due;
        charge off;non performing;out of;prices paid;losses due;risk of;at risk;days to;number of procedures;
        procedures to;death rate;child labor;not in;co2 emissions;vulnerable employment;cost of;births by adolescent;
        claimant count;debt stocks;without access;financial stress;policy uncertainty;inventories to;
        cannot afford;natural disasters;adolescent fertility;unmet need;debt to;teenage mothers;heavy drinking""",
    "neutralish": """trade balance;current account;imports of;government spending;government expenditure;tax rate;
        exchange rate;interest rate;money supply;price index;consumer price;inflation rate;military expenditure;
        balance of;bank rate;interest payments;population ages;land area;deposit rate;share of;sex ratio;
        import price;export price;producer price;weekly hours;debt securities;official reserve""",
}


def _invert(tables: dict[str, str], separator: str | None) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for concept, words in tables.items():
        for word in words.split(separator):
            found.setdefault(" ".join(word.split()), []).append(concept)
    return {word: tuple(dict.fromkeys(concepts)) for word, concepts in found.items() if word}


CONCEPTS_OF_WORD: Final = _invert(_CONCEPTS, None)
"""Token -> concepts."""

POLARITY_OF_WORD: Final = _invert(_POLARITY, None)
"""Token -> whether more of it is good ("up"), bad ("down") or no news ("flat")."""

CONCEPTS_OF_PAIR: Final = _invert(_PHRASES, ";")
"""Two neighbouring tokens, joined by a blank -> concepts."""
