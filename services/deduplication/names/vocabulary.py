"""The words that the rules start from: legal forms, abbreviations, words that say little, words of no company."""

SUFFIX_CLASSES: dict[str, tuple[str, ...]] = {
    "INC": ("inc", "incorporated"),
    "LLC": ("llc", "limited liability company"),
    "LTD": (
        *("ltd", "co ltd", "pty", "pty ltd", "pvt ltd", "pte ltd"),
        *("limited", "co limited", "company limited", "pty limited", "proprietary limited", "pvt limited"),
        *("private limited", "pte limited"),
    ),
    "CORP": ("corp", "corporation"),
    "LLP": ("llp", "limited liability partnership"),
    "LP": ("lp", "limited partnership"),
    "PLLC": ("pllc", "professional limited liability company"),
    "PC": ("pc", "professional corporation"),
    "CO": ("co", "company"),
    "GMBH": ("gmbh", "gesellschaft mit beschrankter haftung"),
    "PLC": ("plc", "public limited company"),
    "AG": ("ag", "aktiengesellschaft"),
    "SA": ("sa", "sa de cv", "societe anonyme", "sociedad anonima"),
    "SE": ("se", "societas europaea"),
    "BV": ("bv", "besloten vennootschap"),
    "NV": ("nv", "naamloze vennootschap"),
    "SARL": ("sarl",),
    "SRL": ("srl", "s de rl", "s de rl de cv"),
    "KG": ("kg", "gmbh and co kg", "gmbh co kg", "ag and co kg"),
    "AB": ("ab", "aktiebolag"),
    "A/S": ("a s", "aktieselskab"),
    "OY": ("oy", "oyj", "osakeyhtio"),
    "KK": ("kk", "kabushiki kaisha"),
    "SPZOO": ("sp z oo", "sp zoo"),
}
"""Legal form: its spellings, folded. None that is a word of other names as well, as S.p.A. is."""

CANONICAL_TERMS: dict[str, str] = {
    "amer": "american",
    "assn": "association",
    "assoc": "associate",
    "assocs": "associate",
    "bldg": "building",
    "bldrs": "builder",
    "bros": "brother",
    "cntr": "center",
    "centre": "center",
    "comms": "communication",
    "const": "construction",
    "constr": "construction",
    "contr": "contractor",
    "ctr": "center",
    "ctrs": "center",
    "dept": "department",
    "dev": "development",
    "dist": "distribution",
    "distr": "distribution",
    "elec": "electric",
    "eng": "engineering",
    "engr": "engineering",
    "entmt": "entertainment",
    "equip": "equipment",
    "fin": "financial",
    "govt": "government",
    "grp": "group",
    "hosp": "hospital",
    "hldgs": "holding",
    "ind": "industry",
    "inds": "industry",
    "indus": "industry",
    "ins": "insurance",
    "inst": "institute",
    "intl": "international",
    "invs": "investment",
    "lab": "laboratory",
    "labs": "laboratory",
    "maint": "maintenance",
    "med": "medical",
    "mfg": "manufacturing",
    "mfr": "manufacturer",
    "marie": "marie",
    "mgmt": "management",
    "mgt": "management",
    "mkt": "market",
    "mktg": "marketing",
    "natl": "national",
    "news": "news",
    "ofc": "office",
    "pharm": "pharmacy",
    "prod": "product",
    "prods": "product",
    "prop": "property",
    "props": "property",
    "rehab": "rehabilitation",
    "saint": "st",
    "sch": "school",
    "shop": "store",
    "street": "st",
    "svc": "service",
    "svcs": "service",
    "sys": "system",
    "tech": "technology",
    "techs": "technology",
    "telecom": "telecommunication",
    "univ": "university",
    "whse": "warehouse",
}
"""Abbreviation or variant: the term it stands for, in the singular. What stands for itself is no plural."""

STRICT_TERMS: dict[str, str] = {
    "stores": "store",
    "shop": "store",
    "shops": "store",
    "services": "service",
    "holdings": "holding",
    "companies": "company",
    "centers": "center",
    "offices": "office",
    "locations": "location",
}

WEAK_TOKENS = ("only", "the", "and", "of", "for", "in", "on", "at", "to", "from")
STOP_TOKENS = ("inc", "llc", "ltd")

TRADES = (
    *("agency", "association", "bakery", "bureau", "cafe", "care", "clinic", "club", "construction", "dental"),
    *("department", "division", "food", "foundation", "grill", "group", "hospital", "hotel", "insurance", "law"),
    *("local", "medical", "pharmacy", "pizza", "restaurant", "salon", "school", "service", "spa", "staffing"),
    *("system", "technology"),
)
"""What stands behind a dash with one of these, in the singular, is not where a branch is."""

OPPOSITES = (
    *("north", "south", "east", "west", "import", "export"),
    *("interior", "exterior", "internal", "external"),
)
"""Parts of words. Of two words that hold different ones neither is a misspelling of the other."""

US_STATES = (
    "alabama, alaska, arizona, arkansas, california, colorado, connecticut, delaware, florida, georgia, hawaii, "
    "idaho, illinois, indiana, iowa, kansas, kentucky, louisiana, maine, maryland, massachusetts, michigan, "
    "minnesota, mississippi, missouri, montana, nebraska, nevada, new hampshire, new jersey, new mexico, new york, "
    "north carolina, north dakota, ohio, oklahoma, oregon, pennsylvania, rhode island, south carolina, south dakota, "
    "tennessee, texas, utah, vermont, virginia, washington, west virginia, wisconsin, wyoming"
)
NO_ALIAS_WORDS = (
    *("paystub", "paystubs", "pay stubs", "not sure", "unsure", "unknown", "staffing agency", "temp", "temporary"),
    *US_STATES.split(", "),
    *("district of columbia", "dc"),
)
"""Parentheses that hold one of these name no other company."""

NOISE_NAMES = (
    *("1099", "test", "sample", "temp", "unknown", "n a", "na", "none", "tbd"),
    *("inc", "incorporated", "llc", "ltd", "corp", "llp", "pllc", "gmbh"),
)
"""Cores that are no company."""

BLACKLIST_TOKENS = ("temp", "temporary", "unknown", "tbd", "test", "sample", "paystub", "employees", "delete", "unsure")
"""Words that no name of a company holds."""

BLACKLIST_NAMES = ("na", "n a", "1099", "1099 pnc", "none")
"""Names that are no company as a whole; as a part of one they mean nothing."""

BLACKLIST_PHRASES = (
    *("pnc is not sure", "pnc is unsure", "no paystub", "no paystubs", "no pay stub", "no pay stubs", "no stubs"),
    *("pay stub", "do not use", "not sure", "unknown company", "no company", "no employer"),
)
"""Phrases of whole words."""

SUSPICIOUS = (
    *("unknown", "unsure", "not sure", "no idea", "test", "sample", "example", "dummy", "temp", "temporary"),
    *("temp agency", "none", "n a", "tbd", "delete", "remove", "do not use"),
)
"""Words and phrases that make a record alone in its group one to look at."""

FUNCTION_WORDS = (
    *("the", "and", "of", "for", "in", "is", "will", "shall", "a", "an", "at", "by", "on", "to", "from", "with"),
    *("as", "or", "but", "not", "be", "are", "was", "were", "has", "have", "had", "do", "does", "did", "can"),
    *("may", "it", "this", "that", "these", "those"),
)
ALLOWLIST_BIGRAMS = ("99 cents", "7 eleven", "24 hour", "1 800", "360 behavioral")
ALLOWLIST_TOKENS = ("1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "24", "99", "360", "1800", "pnc")

RELATIONSHIP_RANKS: dict[str, int] = {
    "Company Name on 1099 form": 10,
    "Company Name on Paycheck": 10,
    "Company Name on Paystubs": 10,
    "Company Name on W-2": 10,
    "Company Logo on Paycheck": 15,
    "Company Logo on Paystubs": 15,
    "Franchise Name (Not a direct employee)": 15,
    "Company Name on Arbitration": 20,
    "Company Name on Background Check": 20,
    "Company Name on EEHB": 20,
    "Company Name on New Hire Docs": 20,
    "Company Name on Separation Letter": 20,
    "Company Logo on EEHB": 25,
    "Company Logo on Emails": 25,
    "Company Logo on New Hire Docs": 25,
    "Company Name on Email Signature Lines": 30,
    "Company Name on LC 2810.5": 30,
    "Per PNC, Company Name on the Paystub": 40,
    "Per PNC, Staffing Agency": 40,
    "Per PNC, Company Name": 45,
    "Other/Miscellaneous": 60,
}
"""How the name is known: the lower, the better the source."""
