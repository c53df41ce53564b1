"""An economist's first reading of a name and its unit: coarse conjunctions that words alone do not show.

A signal is a general habit of indicator names ("net" with money, one aggregate "to" another, goods that are counted),
not a verdict: the fit learns how far to trust it. Of each list the first signal that holds is given.
"""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from services.classification.model.lexicon import CONCEPTS_OF_PAIR, CONCEPTS_OF_WORD, POLARITY_OF_WORD
from services.classification.rules.names import word_set


class Signal(NamedTuple):
    """Holds if every group that is not empty is met; `unless` must be absent."""

    name: str
    words: frozenset[str]
    """One of these is among the tokens of the name, its brackets and its unit."""
    also: frozenset[str]
    """And one of these."""
    unless: frozenset[str]
    """And none of these."""
    about: frozenset[str]
    """The name is about one of these concepts, or its words imply one of the directions `up`, `down`, `flat`."""
    ends: frozenset[str]
    """One of these ends the name or its first segment."""
    units: frozenset[str]
    """The class of unit is one of these."""


def _signal(
    name: str, words: str = "", also: str = "", *, unless: str = "", about: str = "", ends: str = "", units: str = ""
) -> Signal:
    return Signal(name, *(frozenset(text.split()) for text in (words, also, unless, about, ends, units)))


UNIT_CLASSES: Final = {
    "percent-change": "change", "percent-of-gdp": "gdp", "percent-of-potential": "gap", "percent": "percent",
    "percent-of": "part", "percentage-points": "percent", "percent-balance": "opinion", "currency-per-unit": "price",
    "currency-name": "money", "currency-code": "money", "currency-national": "money",
    "currency-international": "money", "index": "index", "index-base": "index", "points": "index", "score": "score",
    "count": "count", "scale-only": "scale", "scaled-things": "count", "physical": "thing",
    "physical-per-time": "speed", "rate": "per", "ratio": "ratio", "duration": "time", "rank": "rank", "flag": "flag",
    "basis-points": "percent", "currency-parity": "parity",
}  # fmt: skip
"""Pattern of the unit parser -> class of unit; a leading `name:` is ignored, any other pattern is `none`."""

_MOVING: Final = """flow flows transactions revenue revenues expense expenditure expenditures exports imports income gdp
    gni consumption formation payments disbursements repayments originations issuance sales orders profits spending
    taxes wages compensation investment output inflows outflows receipts earnings remittances aid transfers service
    interest dividends amt int dis tds production value purchases shipments"""
_STANDING: Final = """outstanding stock stocks position positions holdings assets liabilities reserves debt deposits
    loans level balances inventories dod capitalization equity securities m0 m1 m2 m3 base wealth worth claims credit
    supply money"""
_GROUPS: Final = """population people adults women men children students age ages aged households firms enterprises
    individuals persons respondents schools births girls boys youth mothers teachers employees female male patients
    pupils graders grade"""
_GROSS: Final = """national worth position enrollment enrolment attendance inflows outflows margin profit profits sales
    generation assets"""

_KINDS: Final = (
    _signal("flag", units="flag"),
    _signal("flag", "whether"),
    _signal("flag", "yes", "no"),
    _signal("rank", units="rank"),
    _signal("rank", ends="rank ranking"),
    _signal("chance", "p-value probability probabilities likelihood odds"),
    _signal("chance", "risk", "lifetime dying"),
    _signal("standard error", "standard", "error"),
    _signal("volatility", "volatility vix", unless="tracker"),
    _signal("contribution", "contribution contributions", "change growth percent"),
    _signal("count change", "<moved>", about="labour signed_count people", units="none count scale thing"),
    _signal("stock change", "<moved>", about="stock", units="money none count scale thing gdp percent part"),
    _signal("score", units="score"),
    _signal("score", ends="score scores rating"),
    _signal("score", "dtf cpia"),
    _signal("opinion", units="opinion"),
    _signal("opinion", "expecting reporting respondents tendency opinion"),
    _signal("prices paid", "paid received", "prices", units="index none"),
    _signal("expectation", "expectations expectation outlook", units="none percent part index count scale money gdp"),
    _signal("change", units="change"),
    _signal("change", ends="mom yoy qoq wow m/m y/y q/q growth inflation"),
    _signal("months of imports", "months", "imports"),
    _signal("index", units="index"),
    _signal("index", ends="index pmi cpi ppi indices deflator"),
    _signal("index inside", "index pmi deflator indices cpi ppi"),
    _signal("wage", "wage wages earnings salaries salary", unless="minimum", units="money price none"),
    _signal("minimum wage", "minimum", "wage wages"),
    _signal("exchange rate", about="fx"),
    _signal("duration", units="time"),
    _signal(
        "duration",
        "hours days weeks age expectancy duration time years tenure",
        about="duration",
        unless="population ages",
        units="none per thing",
    ),
    _signal("gap", units="gap"),
    _signal("gap", "anomaly baseline"),
    _signal("gap", "gap", "output"),
    _signal(
        "named balance",
        "balance surplus deficit lending borrowing",
        """trade account budget fiscal primary payments government goods net external federal services overall
            operating or""",
        units="money gdp none scale percent change",
    ),
    _signal("named balance", ends="balance", units="money gdp none scale percent change"),
    _signal("net amount", "net", unless=_GROSS, units="money none scale gdp"),
    _signal("to gdp", units="gdp"),
    _signal("to gdp", "gdp gni", "to %"),
    _signal("money per head", "capita inhabitant inhabitants", units="money price"),
    _signal("money per head", "per", "person worker people", units="money price"),
    _signal("price", units="price"),
    _signal(
        "price of something", "price prices cost costs fee charge rent unit-value tariff quote", units="money none"
    ),
    _signal("spread", "spread spreads minus premium breakeven relative differential"),
    _signal("utilization", "utilization utilisation"),
    _signal("capacity", "capacity", units="thing none count per speed"),
    _signal("tax rate", "tax taxes vat security", "rate rates wedge"),
    _signal("one to other", "<to>"),
    _signal("named ratio", "ratio ratios velocity return multiple adequacy"),
    _signal("yield", about="yield", unless="hours cereal refinery reserves sales stock", units="percent none"),
    _signal(
        "labour rate",
        """unemployment participation employment jobless vacancy inactivity underemployment quits
            hires layoffs separations""",
        "rate rates ratio %",
        units="percent none part per",
    ),
    _signal(
        "interest",
        "rate rates sofr libor mortgage funds euribor overnight prime interest",
        about="interest",
        units="percent none",
    ),
    _signal("part of total", "total", unless=_GROUPS, units="part"),
    _signal("part of people", _GROUPS, units="part percent"),
    _signal("part of", "share shares proportion percentage percent", "of", units="part percent none"),
    _signal(
        "events per head",
        "per",
        "<n3> <n4> population births women inhabitants live",
        about="event rate",
        units="per none",
    ),
    _signal(
        "things per head",
        "per",
        "<n3> <n4> population births women inhabitants live person worker people",
        units="per none count",
    ),
    _signal("things per head", "capita inhabitant inhabitants", units="per none count"),
    _signal("speed", units="speed"),
    _signal("percent of a stock or flow", about="flow stock volume goods", units="percent"),
    _signal("percent", units="percent part"),
    _signal("per", units="per ratio"),
    _signal("goods counted", about="volume", units="count scale none"),
    _signal("goods moved", about="goods", words=_MOVING, units="count scale none"),
    _signal("stock of things", "reserves stocks inventories storage stock land area forest", units="thing"),
    _signal("weather", about="weather"),
    _signal("things", units="thing"),
    _signal("standing and moving", _STANDING, _MOVING, units="money scale none"),
    _signal("standing", _STANDING, units="money scale none"),
    _signal("moving money", _MOVING, units="money scale"),
    _signal("money", units="money"),
    _signal("moving", _MOVING, units="none"),
    _signal("events counted", about="event"),
    _signal("people counted", about="people org count"),
    _signal("rate", ends="rate rates"),
    _signal("goods", about="goods"),
)

_DENIALS: Final = "no not without lack lacking cannot never denied non out challenge challenges barrier barriers"
_NEWS: Final = (
    _signal("prices paid", "paid", "prices"),
    _signal(
        "price or interest",
        """price prices inflation cpi ppi deflator interest lending yield exchange libor
            treasury mortgage sofr cost costs hicp wages wage earnings fee quote""",
        unless="<bad>",
    ),
    _signal("bad debt", about="credit_event"),
    _signal("joblessness", "unemployment unemployed jobless claims claimant layoffs"),
    _signal("emission", about="emission"),
    _signal("debt", "debt debts liabilities", unless="securities service"),
    _signal("import or tax", "import imports tax taxes tariff duties"),
    _signal(
        "government spends", "spending expenditure expenditures expense consumption outlays military", about="public"
    ),
    _signal("good denied", _DENIALS, about="up", unless="<bad>"),
    _signal("bad denied", _DENIALS, about="down", unless="<good>"),
    _signal("bad", about="down", unless="<good>"),
    _signal("bad and good", "<good>", about="down"),
    _signal("net", "net", unless=_GROSS),
    _signal(
        "net",
        "balance surplus deficit lending borrowing",
        "trade account budget fiscal primary payments government goods net external federal overall or",
    ),
    _signal("composition", "share shares distribution composition structure"),
    _signal("money", "money m1 m2 m3 deposits currency"),
    _signal("good", about="up", unless="<flat>"),
    _signal("good or neutral", about="up"),
    _signal("neutral", about="flat"),
)

_SIGNS: Final = {"good": "up", "bad": "down", "neutralish": "flat"}
_MARKS: Final = {"up": "<good>", "down": "<bad>", "flat": "<flat>"}
_MOVED: Final = word_set("change changes adjustment discrepancy discrepancies residual")
_MOVES: Final = word_set("change changes increase decrease net")
_AGGREGATES: Final = frozenset(("stock", "flow", "ratio"))
_NOTHING: Final[tuple[str, ...]] = ()
_NO_SIGNALS: Final = (0, 0, 0)


class _Signals:
    """A list of signals as bit sets, bit i for signal i: all are judged at once, the lowest bit is the first."""

    def __init__(self, signals: tuple[Signal, ...]) -> None:
        self._names = tuple(signal.name for signal in signals)
        self._by_token = self._index(signals)
        self._by_concept = _bits_by_member([signal.about for signal in signals])
        self._by_end = _bits_by_member([signal.ends for signal in signals])
        self._by_unit = _bits_by_member([signal.units for signal in signals])
        self._free = tuple(
            sum(1 << i for i, signal in enumerate(signals) if not getattr(signal, group))
            for group in ("words", "also", "about", "ends", "units")
        )

    @staticmethod
    def _index(signals: tuple[Signal, ...]) -> dict[str, tuple[int, int, int]]:
        """Token -> signals that ask for it, ask for it also, and do not bear it."""
        groups = [_bits_by_member([getattr(signal, group) for signal in signals]) for group in Signal._fields[1:4]]
        members = {member for group in groups for member in group}
        return {member: (groups[0].get(member, 0), groups[1].get(member, 0), groups[2].get(member, 0))
                for member in members}  # fmt: skip

    def first(self, tokens: Iterable[str], concepts: Iterable[str], ends: Iterable[str], unit: str) -> str:
        """Name of the first signal that holds, empty if none does."""
        words, also, about, ending, units = self._free
        unless = 0
        for token in tokens:
            one, two, three = self._by_token.get(token, _NO_SIGNALS)
            words |= one
            also |= two
            unless |= three
        for concept in concepts:
            about |= self._by_concept.get(concept, 0)
        for end in ends:
            ending |= self._by_end.get(end, 0)
        held = words & also & about & ending & (units | self._by_unit.get(unit, 0)) & ~unless
        return self._names[(held & -held).bit_length() - 1] if held else ""


def _bits_by_member(groups: Sequence[frozenset[str]]) -> dict[str, int]:
    bits: dict[str, int] = {}
    for i, group in enumerate(groups):
        for member in group:
            bits[member] = bits.get(member, 0) | 1 << i
    return bits


_KIND_SIGNALS: Final = _Signals(_KINDS)
_NEWS_SIGNALS: Final = _Signals(_NEWS)
_CONCEPTS_OF_NEXT: Final[dict[str, dict[str, tuple[str, ...]]]] = {}
for _pair, _concepts in CONCEPTS_OF_PAIR.items():
    _CONCEPTS_OF_NEXT.setdefault(_pair.partition(" ")[0], {})[_pair.partition(" ")[2]] = _concepts


def class_of_unit(pattern: str) -> str:
    """Class of unit for a pattern of the unit parser."""
    return UNIT_CLASSES.get(pattern.removeprefix("name:"), "none")


def concepts_of(words: Iterable[str]) -> set[str]:
    """What the words, alone and in pairs, are about."""
    found: set[str] = set()
    after: dict[str, tuple[str, ...]] | None = None
    for word in words:
        if concepts := CONCEPTS_OF_WORD.get(word):
            found.update(concepts)
        if after and (concepts := after.get(word)):
            found.update(concepts)
        after = _CONCEPTS_OF_NEXT.get(word)
    return found


def read(words: tuple[str, ...], others: Iterable[str], last: str, concepts: set[str], pattern: str) -> tuple[str, str]:
    """First signal of kind and of news, each empty if none holds.

    `words` and `concepts` are the name's, `others` the tokens of its brackets and its unit, `last` ends its first
    segment, `pattern` is the unit parser's.
    """
    tokens = {*words, *others}
    about = set(concepts)
    for word in tokens:
        about.update(POLARITY_OF_WORD.get(word, _NOTHING))
    about.update([sign for concept, sign in _SIGNS.items() if concept in concepts])
    tokens.update([mark for sign, mark in _MARKS.items() if sign in about])
    if words[-1] in _MOVED or (words[0] in _MOVES and "in" in tokens):
        tokens.add("<moved>")
    if "to" in words and _compares(words):
        tokens.add("<to>")
    ends = (last, words[-1])
    return (
        _KIND_SIGNALS.first(tokens, about, ends, class_of_unit(pattern)),
        _NEWS_SIGNALS.first(tokens, about, ends, ""),
    )


def _compares(words: tuple[str, ...]) -> bool:
    """Whether an aggregate stands before "to", and something after it."""
    at = words.index("to")
    return 0 < at < len(words) - 1 and not _AGGREGATES.isdisjoint(CONCEPTS_OF_WORD.get(words[at - 1], _NOTHING))
