"""What the values of the vocabularies mean, in the words in which a model is told (classification spec 1.2, 1.3)."""

from typing import Final

from schemas.enums import (
    Family,
    IndicatorType,
    Orientation,
    ReportingFrequency,
    ReviewField,
    Scale,
    TemporalAggregation,
    TimeBasis,
    TimeSource,
)

FAMILIES: Final[dict[Family, str]] = {
    Family.PHYSICAL_FUNDAMENTAL: "a real or monetary quantity of the economy: how much there is, or how much moved",
    Family.NUMERIC_MEASUREMENT: "a dimensionless or counted level: so many people or percent, one thing per other",
    Family.PRICE_VALUE: "the price or cost of one unit of something, money itself included (interest, yields)",
    Family.CHANGE_MOVEMENT: "how much something moved: growth, inflation, volatility, distance from its trend",
    Family.COMPOSITE_DERIVED: "one figure built from several inputs: indices, scores, estimated coefficients",
    Family.TEMPORAL: "a length of time, a chance, or a cut-off value",
    Family.QUALITATIVE: "opinion as it was given in a survey, or how a portfolio is split",
    Family.OTHER: "nothing above fits; a person will look at it",
}

_PF, _NM = Family.PHYSICAL_FUNDAMENTAL, Family.NUMERIC_MEASUREMENT
_PV, _CM = Family.PRICE_VALUE, Family.CHANGE_MOVEMENT

TYPES: Final[dict[tuple[Family, IndicatorType], str]] = {
    (_PF, IndicatorType.STOCK): (
        "amount outstanding at a date: government debt, money supply M2, foreign reserves, gold reserves in "
        "tonnes, market capitalisation"
    ),
    (_PF, IndicatorType.FLOW): (
        "amount of money that moved in a period: GDP in every variant, exports, imports, consumer spending, "
        "FDI, wages in money, loan repayments"
    ),
    (_PF, IndicatorType.BALANCE): (
        "difference of opposing flows, can be negative: balance of trade, current account, budget balance, "
        "net lending, changes in inventories, net capital flows"
    ),
    (_PF, IndicatorType.CAPACITY): "what could be produced at most: installed generating capacity, refinery capacity",
    (_PF, IndicatorType.VOLUME): (
        "physical or traded quantity of goods in a period: natural gas imports in terajoule, steel production"
        " in tonnes, motorbikes sold"
    ),
    (_NM, IndicatorType.COUNT): (
        "people, events or things, also raw readings: population, employed persons, housing starts, tourist "
        "arrivals, temperature, rainfall"
    ),
    (_NM, IndicatorType.PERCENTAGE): (
        "level bounded by 0 and 100: capacity utilisation, people with access to electricity (% of population)"
    ),
    (_NM, IndicatorType.RATIO): (
        "one aggregate over another, or a multiple: government debt to GDP, unemployment rate, tax rates, "
        "nurses per 1,000 people, price-earnings ratio"
    ),
    (_NM, IndicatorType.SPREAD): "difference of two like levels: 10-year less 2-year yield",
    (_NM, IndicatorType.SHARE): (
        "part of a whole that is made of such parts: labour share of income, consumption as share of GDP"
    ),
    (_NM, IndicatorType.BALANCE): "signed net change of a count: employment change, claimant count change",
    (_NM, IndicatorType.RATE): (
        "speed of something physical or of events, the unit holds a slash or per: crude oil in barrels a day,"
        " births per 1,000 people"
    ),
    (_PV, IndicatorType.PRICE): (
        "price of a good, an asset or a currency: exchange rate, electricity per MWh, petrol per litre, "
        "average house price"
    ),
    (_PV, IndicatorType.RATE): "cost of money: lending, deposit, interbank and policy interest rates",
    (_PV, IndicatorType.YIELD): "return on an asset: 10-year bond yield, dividend yield",
    (_CM, IndicatorType.RATE): (
        "growth or inflation: GDP growth rate, inflation rate, industrial production in % against a year ago"
    ),
    (_CM, IndicatorType.VOLATILITY): "dispersion: VIX, exchange-rate volatility",
    (_CM, IndicatorType.GAP): "distance from a trend, a potential or a target: output gap",
    (Family.COMPOSITE_DERIVED, IndicatorType.INDEX): (
        "weighted, rebased or diffusion composite: consumer price index, PMI, business confidence, terms of "
        "trade, stock index, ranking score"
    ),
    (Family.COMPOSITE_DERIVED, IndicatorType.CORRELATION): (
        "strength of a link, between -1 and 1: stock-bond correlation"
    ),
    (Family.COMPOSITE_DERIVED, IndicatorType.ELASTICITY): "response coefficient: price elasticity of demand",
    (Family.COMPOSITE_DERIVED, IndicatorType.MULTIPLIER): (
        "size of an effect: fiscal multiplier, purchasing power conversion factor used as a multiple"
    ),
    (Family.TEMPORAL, IndicatorType.DURATION): (
        "length of time: average weeks of unemployment, retirement age, days to start a business, life expectancy"
    ),
    (Family.TEMPORAL, IndicatorType.PROBABILITY): (
        "likelihood: recession probability, default probability, probability of dying"
    ),
    (Family.TEMPORAL, IndicatorType.THRESHOLD): (
        "cut-off set by policy or definition, in its own unit: poverty line in money a year"
    ),
    (Family.QUALITATIVE, IndicatorType.SENTIMENT): (
        "survey answer that was not built into an index: household inflation expectations, watchers' outlook"
    ),
    (Family.QUALITATIVE, IndicatorType.ALLOCATION): (
        "split of a portfolio or of a category: equities in % of the portfolio"
    ),
    **{(family, IndicatorType.OTHER): "none of the family's types" for family in Family},
}

AGGREGATIONS: Final[dict[TemporalAggregation, str]] = {
    TemporalAggregation.POINT_IN_TIME: "a snapshot at a date: stocks, levels, prices, structural ratios",
    TemporalAggregation.PERIOD_RATE: "change or speed over the period: growth, inflation",
    TemporalAggregation.PERIOD_CUMULATIVE: "sum since January, it grows within the year and starts again",
    TemporalAggregation.PERIOD_AVERAGE: "mean of the period: price indices, surveys, interest rates, barrels a day",
    TemporalAggregation.PERIOD_TOTAL: "sum of the period: GDP, exports, cars sold, balances, events",
    TemporalAggregation.NOT_APPLICABLE: "no time dimension: correlations, elasticities, multipliers",
}

ORIENTATIONS: Final[dict[Orientation, str]] = {
    Orientation.HIGHER_IS_POSITIVE: "more is good news: output, exports, employment, reserves, surveys of activity",
    Orientation.LOWER_IS_POSITIVE: "less is good news: unemployment, claimants, debt, defaults, poverty, volatility",
    Orientation.NEUTRAL: "no clear reading: inflation, price levels, interest, exchange rates, taxes, balances, money",
}

TIME_BASES: Final[dict[TimeBasis, str]] = {
    TimeBasis.PER_PERIOD: "a value describes an interval: GDP, exports, growth",
    TimeBasis.POINT_IN_TIME: "a value describes a date: debt, reserves, interest rates, index levels, ratios",
    TimeBasis.CUMULATIVE: "a value sums up since the start of the year: exports year to date",
}

FREQUENCIES: Final[dict[ReportingFrequency, str]] = {
    ReportingFrequency.DAILY: "every day or working day",
    ReportingFrequency.WEEKLY: "every week",
    ReportingFrequency.MONTHLY: "every month",
    ReportingFrequency.QUARTERLY: "every quarter",
    ReportingFrequency.SEMIANNUAL: "twice a year (publishers also say biannually)",
    ReportingFrequency.ANNUAL: "every year",
    ReportingFrequency.POINT_IN_TIME: "irregular or unknown",
}

TIME_SOURCES: Final[dict[TimeSource, str]] = {
    TimeSource.UNITS: "the unit says it",
    TimeSource.PERIODICITY: "the periodicity field says it",
    TimeSource.TIME_SERIES: "the spacing of the dates shows it",
    TimeSource.UNKNOWN: "guessed from the name or from nothing",
}

SCALES: Final[dict[Scale, str]] = {
    Scale.RAW_UNITS: "values stand as they are",
    Scale.HUNDREDS: "values are in hundreds",
    Scale.THOUSANDS: "values are in thousands",
    Scale.MILLIONS: "values are in millions",
    Scale.HUNDRED_MILLIONS: "values are in hundred millions, as some Asian publishers count",
    Scale.BILLIONS: "values are in billions",
    Scale.TRILLIONS: "values are in trillions",
    Scale.PERCENT: "values are percentages, whatever they are percentages of",
    Scale.INDEX: "values are index points or scores",
}

REVIEW_FIELDS: Final[dict[ReviewField, str]] = {
    ReviewField.TIME_BASIS: f"one of {', '.join(TimeBasis)}",
    ReviewField.REPORTING_FREQUENCY: f"one of {', '.join(ReportingFrequency)}",
    ReviewField.SCALE: f"one of {', '.join(Scale)}",
    ReviewField.IS_CURRENCY_DENOMINATED: "true if values are amounts of money, else false",
    ReviewField.DETECTED_CURRENCY: "three-letter ISO 4217 code, or none for national or unknown money and for no money",
    ReviewField.FAMILY: f"one of {', '.join(Family)}",
    ReviewField.INDICATOR_TYPE: f"one of {', '.join(IndicatorType)}, legal within the family",
    ReviewField.TEMPORAL_AGGREGATION: f"one of {', '.join(TemporalAggregation)}",
    ReviewField.HEAT_MAP_ORIENTATION: f"one of {', '.join(Orientation)}",
}
