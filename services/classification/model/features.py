"""Facts of an indicator to the names of its features: the one definition that training and runtime share.

The prefix of a feature is its group; `weights.py` holds the weight of each group.
"""

from functools import lru_cache
from itertools import pairwise
from typing import Final, NamedTuple

from schemas.classification import JoinedIndicator, Normalization, NormalizedIndicator, Subject
from services.classification.model.lexicon import CONCEPTS_OF_WORD, POLARITY_OF_WORD
from services.classification.model.reading import concepts_of, read
from services.classification.model.stance import Stance, stance
from services.classification.model.text import MONEY, Phrase, phrase, tokens, unit_tokens
from services.classification.rules.names import word_set


class Facts(NamedTuple):
    """Everything that an answer depends on, and so the key of the cache."""

    name: str
    units: str = ""
    long_name: str = ""
    description: str = ""
    periodicity: str = ""
    source: str = ""
    unit_type: str = ""
    pattern: str = ""
    is_currency: bool = False


class Features(NamedTuple):
    """What is on for one indicator."""

    words: tuple[str, ...]
    """Distinct words of the name; each stands for its `word_features`."""
    others: set[str]
    """All other features."""


_LONGEST_NAME: Final = 300
_LONGEST_DESCRIPTION: Final = 240
"""Characters read of a field; nearly all names of the catalogue are shorter, and a definition opens with the point."""
_DESCRIPTION_WORDS: Final = 40
_LONGEST_WORD: Final = 24
"""Characters of a word that n-grams are taken of."""
_GRAMS: Final = (3, 4, 5)
_RELEASE: Final = "Release: "
"""How descriptions of FRED name the publication a series comes from."""

_CHANGE: Final = word_set(
    """
    change growth annual yoy mom qoq previous ago weekly inflation annualized increase difference
    """
)
_PERCENT: Final = frozenset(("%", "percent", "percentage", "pct"))
_INDEX: Final = frozenset(("index", "indices", "points", "point", "score", "rating", "base", "indicator"))
_PER: Final = frozenset(("/", "per"))
_TIME: Final = word_set("year years month months week weeks day days hour hours minute minutes")
_SCALES: Final = word_set(
    """
    thousand thousands million millions billion billions trillion trillions hundred hundreds
    """
)
_COUNTS: Final = word_set(
    """
    number count units unit persons people person companies jobs employees enterprises households
    """
)
_STOPS: Final = frozenset(("of", "per", "in", "to", "for", "by", "from", "with", "on", "at", "as", "who", "that"))
_NOTHING: Final[tuple[str, ...]] = ()


def facts_from(subject: Subject, unit: Normalization) -> Facts:
    """The facts in their bounded form, without the indicator's own country where it leads a name."""
    name = _without_country(subject.name, subject.country)
    long_name = _without_country(subject.long_name, subject.country)
    return Facts(
        name[:_LONGEST_NAME],
        subject.units[:_LONGEST_NAME],
        "" if long_name == name else long_name[:_LONGEST_NAME],
        subject.description[:_LONGEST_DESCRIPTION],
        subject.periodicity[:_LONGEST_NAME],
        subject.source_name[:_LONGEST_NAME],
        unit.unit_type.value,
        unit.matched_pattern,
        unit.is_currency,
    )


def facts_of(item: NormalizedIndicator | JoinedIndicator) -> Facts:
    """The facts of a message."""
    return facts_from(item.subject, item.unit)


def _without_country(name: str, country: str) -> str:
    return name[len(country) :].lstrip() or name if country and name.startswith(country) else name


def extract(facts: Facts) -> Features:
    """The features of an indicator."""
    name = phrase(facts.name)
    unit_words, unit_features = _unit(facts.units, facts.unit_type, facts.pattern)
    on = set(unit_features)
    on.add("p:" + facts.periodicity.lower()[:16])
    words = tuple(word for segment in name.segments for word in segment)
    if words:
        _name_features(on, words, name, facts.pattern, unit_words)
    _long_name_features(on, facts, words)
    _description_features(on, facts.description)
    if facts.source:
        on.update(_source_features(facts.source))
    return Features(tuple(dict.fromkeys(words)), on)


@lru_cache(maxsize=32_768)
def word_features(word: str) -> tuple[str, ...]:
    """Features of one word of a name, wherever it stands: itself, its parts, and its character n-grams."""
    if len(word) < 4 or word[0] == "<":
        return ("n:" + word,)
    padded = f"<{word[:_LONGEST_WORD]}>"
    grams = dict.fromkeys(padded[i : i + n] for n in _GRAMS for i in range(len(padded) - n + 1))
    parts = word.split("-") if "-" in word else _NOTHING
    return ("n:" + word, *("n:" + part for part in parts if part), *("c:" + gram for gram in grams))


@lru_cache(maxsize=8_192)
def _unit(units: str, unit_type: str, pattern: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Tokens of a unit, and its features."""
    words = unit_tokens(units)
    return tuple(words), (
        "ut:" + _unit_class(words),
        "up:" + unit_type,
        "um:" + pattern,
        "uw:" + " ".join(words)[:40],
        *("u:" + word for word in words),
        *(f"u2:{before} {word}" for before, word in pairwise(["^", *words])),
        *("uk:" + concept for concept in concepts_of(words)),
    )


def _unit_class(words: list[str]) -> str:
    """Kind of unit by its bare words, a second opinion beside the parser's pattern."""
    kinds = set(words)
    if not words:
        return "none"
    if kinds & _PERCENT:
        return _percent_class(words, kinds)
    if kinds & _INDEX or words[-1] == "<n3>":
        return "index"
    return _amount_class(words, kinds)


def _percent_class(words: list[str], kinds: set[str]) -> str:
    if kinds & _CHANGE:
        return "pct-change"
    if "gdp" in kinds:
        return "pct-gdp"
    return "pct" if len(words) == 1 else "pct-of"


def _amount_class(words: list[str], kinds: set[str]) -> str:
    if MONEY in kinds:
        return "money-per" if kinds & _PER else "money"
    if kinds & _PER:
        return "per"
    if words[0] in _TIME:
        return "time"
    if kinds <= _SCALES:
        return "scale"
    return "count" if kinds & _COUNTS else "thing"


def _name_features(
    on: set[str], words: tuple[str, ...], name: Phrase, pattern: str, unit_words: tuple[str, ...]
) -> None:
    first = name.segments[0]
    head = _head(first)
    last = first[-1]
    concepts = concepts_of(words)
    _order_features(on, words)
    _segment_features(on, name)
    on.update((f"h:{head}", f"hf:{first[0]}", f"hl:{last}", f"hy:{pattern}|{head}", f"ly:{pattern}|{last}"))
    on.update([f"y:{pattern}|{word}" for word in words])
    _concept_features(on, concepts, head, last, pattern)
    _polarity_features(on, words, head, last)
    _reading_features(on, words, (*name.brackets, *unit_words), last, concepts, pattern)
    _stance_features(on, words, name, unit_words, pattern)


def _head(segment: tuple[str, ...]) -> str:
    """The noun that the name is about: the word before the first preposition, else the last."""
    for i, word in enumerate(segment):
        if i and word in _STOPS:
            return segment[i - 1]
    return segment[-1]


def _order_features(on: set[str], words: tuple[str, ...]) -> None:
    one, two = "^", "^"
    for word in (*words, "$"):
        on.add(f"n2:{two} {word}")
        on.add(f"n3:{one} {two} {word}")
        one, two = two, word


def _segment_features(on: set[str], name: Phrase) -> None:
    on.add(f"sc:{min(len(name.segments), 4)}")
    on.add("z:" + name.segments[-1][-1])
    on.add("s0:" + " ".join(name.segments[0])[:48])
    for segment in name.segments[1:]:
        on.add("sg:" + " ".join(segment)[:48])
        on.add("sf:" + segment[0])
    if name.brackets:
        on.add("br:" + " ".join(name.brackets)[:40])
        on.update(["b:" + word for word in name.brackets])


def _concept_features(on: set[str], concepts: set[str], head: str, last: str, pattern: str) -> None:
    found = sorted(concepts)
    for i, concept in enumerate(found):
        on.add("k:" + concept)
        on.add(f"ky:{pattern}|{concept}")
        on.update([f"kk:{concept}&{other}" for other in found[i + 1 :]])
    for concept in CONCEPTS_OF_WORD.get(head, _NOTHING):
        on.add("kh:" + concept)
        on.add(f"kyh:{pattern}|{concept}")
    on.update(["kl:" + concept for concept in CONCEPTS_OF_WORD.get(last, _NOTHING)])


def _polarity_features(on: set[str], words: tuple[str, ...], head: str, last: str) -> None:
    signs = [sign for word in words for sign in POLARITY_OF_WORD.get(word, _NOTHING)]
    on.update([f"o:{sign}{min(signs.count(sign), 2)}" for sign in set(signs)])
    on.add("oo:" + "".join(sorted(set(signs))))
    on.update(["oh:" + sign for sign in POLARITY_OF_WORD.get(head, _NOTHING)])
    on.update(["ol:" + sign for sign in POLARITY_OF_WORD.get(last, _NOTHING)])


def _reading_features(
    on: set[str], words: tuple[str, ...], others: tuple[str, ...], last: str, concepts: set[str], pattern: str
) -> None:
    kind, news = read(words, others, last, concepts, pattern)
    on.update((f"rk:{kind}", f"rn:{news}", f"rku:{kind}|{pattern}", f"rkn:{kind}|{news}"))
    for word in words:
        on.add(f"rkw:{kind}|{word}")
        on.add(f"rnw:{news}|{word}")
    on.update([f"rnk:{news}|{concept}" for concept in concepts])


def _stance_features(
    on: set[str], words: tuple[str, ...], name: Phrase, unit_words: tuple[str, ...], pattern: str
) -> None:
    on.update(_names_of_stance(stance(words), pattern))
    on.update(_themes_aside((*name.brackets, *unit_words)))


@lru_cache(maxsize=8_192)
def _names_of_stance(found: Stance, pattern: str) -> tuple[str, ...]:
    themes, lean, first, last = found
    return (
        *(f"vs:{lean}", f"vf:{first}", f"vl:{last}", f"vy:{pattern}|{lean}"),
        *("v:" + theme for theme in themes),
        *(f"vt:{pattern}|{theme}" for theme in themes),
        *(f"vv:{theme}&{other}" for i, theme in enumerate(themes) for other in themes[i + 1 :]),
        *("vh:" + theme for theme in themes[:1]),
    )


@lru_cache(maxsize=8_192)
def _themes_aside(words: tuple[str, ...]) -> tuple[str, ...]:
    """Themes of what stands in brackets or in the unit."""
    return tuple("vb:" + theme for theme in stance(words).themes)


def _long_name_features(on: set[str], facts: Facts, known: tuple[str, ...]) -> None:
    if not facts.long_name:
        return
    words = tokens(facts.long_name)
    on.update(["l:" + word for word in words if word not in known])
    on.update([f"l2:{one} {two}" for one, two in pairwise(words)])
    if words:
        on.update(("lh:" + words[0], "ll:" + words[-1]))
    for concept in concepts_of(words):
        on.add("lk:" + concept)
        on.add(f"lkx:{facts.pattern}|{concept}")
    found = stance(words)
    on.update(("ls:" + found.lean, "lsf:" + found.first))
    on.update(["lv:" + theme for theme in found.themes])
    on.update(["lo:" + sign for word in words for sign in POLARITY_OF_WORD.get(word, _NOTHING)])


def _description_features(on: set[str], description: str) -> None:
    if not description:
        return
    if description.startswith(_RELEASE):
        on.add("rel:" + description[len(_RELEASE) :].lower()[:48])
    words = tokens(description, _DESCRIPTION_WORDS)
    if words:
        on.update(("df1:" + words[0], "df:" + " ".join(words[:2])))
    on.update(["d:" + word for word in words])
    on.update([f"d2:{one} {two}" for one, two in pairwise(["^", *words])])
    on.update(["dk:" + concept for concept in concepts_of(words[:14])])
    found = stance(words[:20])
    on.update(("ds:" + found.lean, "dsf:" + found.first))
    on.update(["dv:" + theme for theme in found.themes])


@lru_cache(maxsize=4_096)
def _source_features(source: str) -> tuple[str, ...]:
    return tuple("s:" + word for word in tokens(source))
