"""Words that tell what kind of quantity a unit names (classification spec 1.2, 2.3). All lower case."""

from typing import Final

from schemas.enums import ReportingFrequency
from services.classification.rules.names import word_set

PERCENT: Final = frozenset(("%", "percent", "percentage", "percents", "pct", "percentages"))
CHANGE: Final = frozenset(
    (
        "change", "changes", "growth", "inflation", "yoy", "qoq", "mom", "wow", "saar", "increase", "decrease",
        "depreciation", "appreciation",
    )
)  # fmt: skip
INDEX: Final = frozenset(("index", "indices", "indexes", "indexed", "points", "point", "pts", "idx"))
SCORE: Final = frozenset(("score", "scores", "rating", "scale", "stars"))
RANK: Final = frozenset(("rank", "ranking", "ranks"))
RATIO: Final = frozenset(
    ("ratio", "ratios", "times", "multiple", "multiples", "factor", "fold", "coefficient", "weight", "weights", "gini")
)
FLAG_ANSWERS: Final = frozenset(("yes", "no", "none", "true", "false", "crisis", "otherwise"))

TIME_SPANS: Final[dict[str, ReportingFrequency]] = {
    **dict.fromkeys(("day", "d", "daily"), ReportingFrequency.DAILY),
    **dict.fromkeys(("week", "wk", "weekly"), ReportingFrequency.WEEKLY),
    **dict.fromkeys(("month", "mo", "mth", "monthly"), ReportingFrequency.MONTHLY),
    **dict.fromkeys(("quarter", "qtr", "quarterly"), ReportingFrequency.QUARTERLY),
    **dict.fromkeys(("semester", "semiannual", "biannual", "biannually"), ReportingFrequency.SEMIANNUAL),
    **dict.fromkeys(("year", "yr", "annum", "annual", "annually", "yearly", "pa"), ReportingFrequency.ANNUAL),
}
ADVERBS: Final = frozenset(
    ("daily", "weekly", "monthly", "quarterly", "annual", "annually", "yearly", "semiannual", "biannual", "biannually")
)
DURATION: Final = frozenset(
    (
        "year", "years", "yrs", "month", "months", "week", "weeks", "day", "days", "hour", "hours", "hrs", "minute",
        "minutes", "second", "seconds", "quarters",
    )
)  # fmt: skip
DURATION_FILLER: Final = frozenset(
    ("number", "of", "average", "median", "mean", "calendar", "working", "business", "in", "age", "old", "the")
)

PHYSICAL: Final = word_set(
    """
    barrel barrels barrell bbl bbls mbbl gallon gallons gal litre litres liter liters l hectolitre hectolitres
    tonne tonnes ton tons mt kt t mmt kilotonne kilotonnes megatonne megatonnes mtoe toe ktoe kg kgs kilogram kilograms
    kilogramme kilogrammes g gram grams mg microgram micrograms microgramme microgrammes pound pounds lb lbs ounce
    ounces oz quintal quintals dwt carats carat
    joule joules j gj tj pj ej mj terajoule terajoules gigajoule gigajoules petajoule petajoules exajoules megajoules
    btu btus mmbtu mbtu quads therm therms mcf mmcf bcf tcf
    kwh mwh gwh twh wh watt watts kilowatt kilowatts megawatt megawatts gigawatt gigawatts kw mw gw kwp mva
    kilowatthour kilowatthours megawatthour megawatthours gigawatthour gigawatthours terawatthours
    metre metres meter meters m km kms kilometre kilometres kilometer kilometers mile miles feet foot ft inch inches
    mm cm millimetre millimetres millimeter millimeters centimetre centimeters yards tkm pkm vkm
    hectare hectares ha acre acres km2 m2 m3 sqkm sq cbm bushel bushels bale bales bags bag dmtu
    celsius fahrenheit kelvin °c °f degree degrees mmhg
    bps kbps mbps gbps megabits gigabits tonnage teu teus ppm
    co2 co2e nights dwt sulfur ash
    """
)
COUNT: Final = word_set(
    """
    number numbers count counts persons person people peoples population individuals inhabitants workers employees
    students teachers pupils units unit companies enterprises firms establishments cases deaths births beds hospitals
    vessels vehicles cars households dwellings houses homes rigs patents shares tourists visitors arrivals passengers
    accounts members discharges procedures exams devices customers licences permits applications patients tests
    facilities mines meters farms head heads animals journeys trips flights transactions jobs vacancies nurses
    physicians doctors bankruptcies contracts items pieces doses crimes prisoners refugees children women men
    females males residents countries branches outlets atms subscribers subscriptions lines connections ip addresses
    rooms establishment contributors recipients beneficiaries consultations schools bitcoin troops
    """
)
REMARK_STARTS: Final = frozenset(("source", "annual", "base", "see", "based", "figures", "children", "reached"))
