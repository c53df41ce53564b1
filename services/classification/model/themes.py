"""Themes of words, finer than good and bad: what a number is a number of, for the question which way it should go.

General knowledge, written by hand: no labelled row is looked up. The author had seen which kinds of rows the model
erred on in cross-validation, so expect a little less elsewhere. A plural is looked up without its ending.
"""

from typing import Final

_THEMES: Final[dict[str, str]] = {
    "illness": """mortality death disease illness sickness malaria hiv aids tuberculosis diabetes cancer cholesterol
        hypertension obesity overweight stunting stunted wasting wasted underweight anemia anaemia malnutrition
        undernourishment undernourished diarrhea diarrhoea infection infected fever stillbirth dying dead suicide
        smoking smoker tobacco-use alcohol injury injured fatality killed morbidity disability disorder dementia
        dementias heart-attack respiratory asthma low-birthweight prematurity depression anxiety hospitalization
        hospitalisation amputation complication sepsis embolism mutilation pregnancy drunk drug-use overdose covid
        epidemic pandemic chronic congestive disabled ill sick defecation""",
    "hardship": """poverty poor hunger hungry insecurity insecure slum deprivation deprived homeless eviction evicted
        illiterate illiteracy unemployed unemployment jobless underemployment underemployed underutilization
        inactivity inactive idle neet dropout repeater repetition repeating out-of-school orphan informal involuntary
        vulnerable vulnerability precarious exclusion excluded uninsured uncovered burdened overburdened overcrowded
        overcrowding misery distress hardship worried worrying worry difficulty difficult afford unaffordable
        catastrophic impoverishing impoverishment pushed inequality gini disparity segregation refugee displaced
        displacement layoff laid retrenched dismissed redundancies redundancy temporary unpaid child-labor
        out-of-pocket burnout debt-burdened subprime loneliness lonely fear afraid teenage
        marginal discouraged""",
    "wrong": """crime criminal violence violent homicide murder robbery theft burglary assault rape abuse beating
        beaten harassment discrimination discriminated corruption corrupt bribe bribery fraud evasion avoidance
        laundering terrorism terrorist war conflict battle attack trafficking vandalism victim victimization offence
        offense prisoner illicit illegal piracy bullying accident crash misuse outage interruption failure
        defect repression censorship disunion""",
    "dirt": """emission co2 ghg greenhouse carbon-dioxide methane nitrous nox sulfur sulphur pollution pollutant
        particulate pm2 pm10 smog waste wastewater garbage litter hazardous toxic pesticide contaminated contamination
        deforestation degradation degraded erosion depletion damage desertification eutrophication discharge spill
        leak leakage flaring landfill noise""",
    "peril": """disaster flood flooding cyclone hurricane storm drought wildfire fire earthquake landslide hazard
        extinction threatened endangered exposed exposure risk danger heatwave hot heat
        extreme stress warming anomaly sea-level""",
    "dirty fuel": "coal lignite fossil solid-fuels diesel kerosene charcoal dung firewood solid",
    "clean power": """renewable renewables solar wind hydro hydropower hydroelectric geothermal bioenergy biofuel
        clean""",
    "bad debt": """debt default delinquent delinquency nonperforming non-performing npl arrears overdue past-due
        charge-off chargeoff foreclosure bankruptcy insolvency impaired writeoff bad loss borrowing
        indebtedness liability liabilities payable""",
    "burden": """burden obstacle constraint barrier rigid rigidity restrictiveness restriction restrictive delay
        waiting wait backlog bureaucracy red-tape procedure clearance commute commuting bottleneck congestion losses
        queue documents difficulty firing pupil-teacher student-teacher requirement
        hurdle severity tightening lost""",
    "care": """access coverage covered immunization immunisation immunized vaccination vaccinated vaccine treatment
        treated antenatal prenatal contraceptive contraception condom skilled attended sanitation handwashing drinking
        safely improved insured insurance mammography colonoscopy breastfeeding breastfed supplementation
        rehydration therapy nets physician doctor nurse midwife hospital bed dentist pharmacist checkup consultation
        electricity-access connected connection detection detected success diagnosed medication registered
        registration scan benefit social-protection protected protection pension beneficiaries safety-net""",
    "learning": """enrolment enrollment enrolled school schooling attendance attending literacy literate numeracy
        completion completed graduate graduation graduated attainment attained progression transition promotion
        survival education educated teacher trained training proficiency proficient benchmark reading skill researcher
        scientist phd doctoral tertiary university learning pupil classroom achievement score qualified certified""",
    "digital": """internet broadband computer smartphone phone mobile cellular online digital website e-commerce
        subscription subscriber user connected ict wifi fibre fiber app electronic eprocurement server""",
    "inclusion": """account saved saving savings card debit deposit-account borrowed microfinance bank-account branch
        atm insurance loan ownership own owns owner credit-line depositor""",
    "work": """employment employed employee job payroll vacancy hire hiring opening recruit workforce occupation
        worker participation active workers wage-employment contract permanent full-time""",
    "activity": """gdp gnp gni gva output production product sale shipment order turnover growth construction housing
        start permit building retail wholesale manufacturing industrial mining trade business industry service freight
        passenger cargo traffic tourism tourist arrival visitor overnight nights stay-nights delivery deliveries
        generation supply supplied produced consumption consumed demand yield harvest planting crop runs rigs rig
        originations applications""",
    "earning": """income profit surplus earnings wage salary compensation dividend return revenue receipt remittance
        bonus pay value-added margin royalties""",
    "means": """investment capital formation reserve asset equity wealth worth capitalization fund funding grant aid
        oda assistance disbursement fdi saving deposit holdings liquidity liquid net-worth shareholder buffer
        provisions""",
    "invention": "research r&d gerd patent innovation innovative trademark startup publication scientific high-tech",
    "order": """governance rule law effectiveness stability accountability transparency transparent democracy rights
        freedom integrity trust satisfied satisfaction confidence confident quality competitiveness readiness
        resilience efficiency efficient effective ease easy openness independence equal equality empowerment
        affordable happiness affirmative compliance preparedness adequacy""",
    "nature": """forest biodiversity species fish-stock reserve-natural mangrove ecosystem snow glacier glaciers soil
        arable irrigated wetland tree biomass recycling recycled reuse recovery organic""",
    "state": """government federal public fiscal budget military defence defense expenditure spending outlay expense
        subsidy subsidies transfer transfers outlays purchases""",
    "levy": "tax taxes taxation excise duty duties tariff levy vat contribution contributions withholding customs",
    "price": """price inflation cpi ppi hicp deflator cost fee charge fare rent quote premium discount exchange parity
        fx tariff unit-value cents""",
    "rate of money": """interest yield treasury libor sofr mortgage repo coupon maturity bond bill lending prime note
        spread euribor""",
    "money": "money currency m0 m1 m2 m3 monetary broad narrow deposits circulation reserves mzm coin banknote",
    "purchase abroad": "import imports importer imported importing imports-of",
    "sale abroad": "export exports exporter exported exporting",
    "balance": "balance net deficit surplus position account accounts adjustment discrepancy errors residual",
    "part": """share proportion distribution composition structure breakdown weight percentage percentile quintile
        decile fraction contribution ratio relative importance concentration""",
    "crowd": """population people person birth household family age aged ages adult child children youth women men
        female male immigrant migrant migration emigrant marriage divorce citizen foreigner residents rural urban
        elderly fertility married civilian""",
    "ground": """land area surface elevation temperature rainfall precipitation climate degree-days weather humidity
        built-up""",
    "method": """survey respondents sample standard error estimate source rank ranking base year weights interval
        bound confidence-interval method methodology whether exists report reports reported flag census statistical
        units questionnaire mandate records variables count number coefficient p-value legal regulatory clause""",
    "purpose": "reason main type types kind purpose mode manner by who which where when how",
    "low end": "least lowest lower bottom poorest below under less worst low minimum",
    "high end": "most highest higher top richest above over more best high maximum",
    "coming in": "receipt received receive inflow incoming receivable recipient",
    "going out": "payment paid pay sent outflow outgoing payable expense expenditure expended repayment departure",
    "own spending": "private household personal consumer out-of-pocket family capita",
}

_DENIALS: Final = "not no without lack lacking lacks cannot never non nor none unable neither absence absent zero out"
_UNDOERS: Final = """reduction reduce reduced reducing decline declining decrease decreased decreases decreasing fall
    falling prevention prevent preventable abatement control mitigation elimination eliminated relief against
    combating loss losses removal excluding except exit less fewer cut cuts closure avoided adaptation fight recovered
    freedom free safety treatment treated preparedness protection worsening worse deteriorated tightening gap shortage
    deficiency denied"""

_GOOD: Final = (
    "care", "learning", "digital", "inclusion", "work", "activity", "earning", "means", "invention", "order", "nature",
    "clean power", "sale abroad",
)  # fmt: skip
_BAD: Final = ("illness", "hardship", "wrong", "dirt", "peril", "dirty fuel", "bad debt", "burden")


def _themes_by_word() -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for theme, words in _THEMES.items():
        for word in words.split():
            found.setdefault(word, []).append(theme)
    return {word: tuple(themes) for word, themes in found.items()}


THEMES_OF_WORD: Final = _themes_by_word()
"""Word -> themes it belongs to."""

DENIALS: Final = frozenset(_DENIALS.split())
"""Words that say that something is missing."""

UNDOERS: Final = frozenset(_UNDOERS.split())
"""Words for making less of something."""

SIGN_OF_THEME: Final = {theme: 1 if theme in _GOOD else -1 if theme in _BAD else 0 for theme in _THEMES}
"""Theme -> whether more of it is good news (1), bad news (-1) or neither."""
