"""Facts of an indicator to the names of its features: the one definition that training and runtime share."""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final, NamedTuple

from schemas.classification import JoinedIndicator, Normalization, NormalizedIndicator
from services.classification.model.lexicon import CONCEPTS_OF_PAIR, CONCEPTS_OF_WORD, POLARITY_OF_WORD
from services.classification.model.text import MONEY, phrase, tokens, unit_tokens


class Facts(NamedTuple):
    """Everything that an answer depends on, and so the key of the cache."""

    name: str
    units: str = ""
    long_name: str = ""
    description: str = ""
    periodicity: str = ""
    unit_type: str = ""
    pattern: str = ""
    source: str = ""


_LONGEST_NAME: Final = 300
_LONGEST_DESCRIPTION: Final = 240
"""Characters read of a field; nearly all names of the catalogue are shorter, and a definition opens with the point."""


def facts_from(
    *, name: str, units: str, long_name: str, description: str, periodicity: str, source: str, unit: Normalization
) -> Facts:
    """The facts in their bounded form."""
    return Facts(
        name[:_LONGEST_NAME],
        units[:_LONGEST_NAME],
        "" if long_name == name else long_name[:_LONGEST_NAME],
        description[:_LONGEST_DESCRIPTION],
        periodicity[:_LONGEST_NAME],
        unit.unit_type.value,
        unit.matched_pattern,
        source[:_LONGEST_NAME],
    )


def facts_of(item: NormalizedIndicator | JoinedIndicator) -> Facts:
    """The facts of a message."""
    subject = item.subject
    return facts_from(
        name=subject.name,
        units=subject.units,
        long_name=subject.long_name,
        description=subject.description,
        periodicity=subject.periodicity,
        source=subject.source_name,
        unit=item.unit,
    )


_CHANGE: Final = frozenset(
    "change growth annual yoy mom qoq previous ago weekly inflation annualized increase difference".split()
)
_PERCENT: Final = frozenset(("%", "percent", "percentage", "pct"))
_INDEX: Final = frozenset(("index", "indices", "points", "point", "score", "rating", "base", "indicator"))
_PER: Final = frozenset(("/", "per"))
_TIME: Final = frozenset(
    "year years month months week weeks day days hour hours minute minutes".split()
)
_SCALES: Final = frozenset(
    "thousand thousands million millions billion billions trillion trillions hundred hundreds".split()
)
_COUNTS: Final = frozenset(
    "number count units unit persons people person companies jobs employees enterprises households".split()
)
_STOPS: Final = frozenset(("of", "per", "in", "to", "for", "by", "from", "with", "on", "at", "as", "who", "that"))


def unit_class(words: list[str]) -> str:
    """Kind of unit, finer than the parsed unit type where that decides the family."""
    if not words:
        return "none"
    kinds = set(words)
    if kinds & _PERCENT or "<percent>" in kinds:
        return _percent_class(words, kinds)
    if kinds & _INDEX or words[-1] == "<n3>":
        return "index"
    if MONEY in kinds:
        return "money-per" if kinds & _PER else "money"
    if kinds & _PER:
        return "per"
    if words[0] in _TIME:
        return "time"
    if kinds <= _SCALES:
        return "scale"
    return "count" if kinds & _COUNTS else "thing"


def _percent_class(words: list[str], kinds: set[str]) -> str:
    if kinds & _CHANGE:
        return "pct-change"
    if "gdp" in kinds:
        return "pct-gdp"
    return "pct" if len(words) == 1 else "pct-of"


@lru_cache(maxsize=32768)
def _word_features(word: str) -> tuple[str, ...]:
    """Features of one word of a name, wherever it stands: itself and its character n-grams of 3 to 5."""
    if len(word) < 4 or word[0] == "<":  # noqa: PLR2004
        return ("n:" + word,)
    padded = f"<{word[:24]}>"
    grams = {padded[i : i + n] for n in (3, 4, 5) for i in range(len(padded) - n + 1)}
    return ("n:" + word, *("c:" + gram for gram in sorted(grams)))


def _concepts(words: Iterable[str]) -> list[str]:
    found: list[str] = []
    before = ""
    for word in words:
        found += CONCEPTS_OF_WORD.get(word, ())
        found += CONCEPTS_OF_PAIR.get(f"{before} {word}", ())
        before = word
    return found


def _head(segment: tuple[str, ...]) -> str:
    """The noun that the name is about: the word before the first preposition, else the last."""
    for i, word in enumerate(segment):
        if i and word in _STOPS:
            return segment[i - 1]
    return segment[-1]


def extract(facts: Facts) -> set[str]:
    """Names of the features that are on; the prefix up to the colon is the group."""
    name = phrase(facts.name)
    words = unit_tokens(facts.units)
    kind = unit_class(words)
    on: set[str] = set()
    _unit_features(on, words, kind, facts)
    _name_features(on, name.segments)
    if facts.pattern:
        _cross_features(on, name.segments, facts.pattern)
    _bracket_features(on, name.brackets)
    _context_features(on, facts, name.segments)
    return on


def _unit_features(on: set[str], words: list[str], kind: str, facts: Facts) -> None:
    on.add("ut:" + kind)
    on.add("up:" + facts.unit_type)
    on.add("um:" + facts.pattern)
    on.add("uw:" + " ".join(words)[:40])
    on.add("p:" + facts.periodicity.lower()[:16])
    before = "^"
    for word in words:
        on.add("u:" + word)
        on.add(f"u2:{before} {word}")
        before = word
    for concept in _concepts(words):
        on.add("uk:" + concept)


def _name_features(on: set[str], segments: tuple[tuple[str, ...], ...]) -> None:
    words = [word for segment in segments for word in segment]
    if not words:
        return
    for word in words:
        on.update(_word_features(word))
        if "-" in word:
            on.update("n:" + part for part in word.split("-"))
    one, two = "^", "^"
    for word in (*words, "$"):
        on.add(f"n2:{two} {word}")
        on.add(f"n3:{one} {two} {word}")
        one, two = two, word
    head = _head(segments[0])
    first = segments[0]
    on.update((f"h:{head}", f"hf:{first[0]}", f"hl:{first[-1]}",
               f"sc:{min(len(segments), 4)}", f"z:{segments[-1][-1]}", f"s0:{' '.join(first)[:48]}"))
    for segment in segments[1:]:
        on.add(f"sg:{' '.join(segment)[:48]}")
        on.add(f"sf:{segment[0]}")
    _concept_features(on, words)
    on.update("kh:" + concept for concept in CONCEPTS_OF_WORD.get(head, ()))
    on.update("kl:" + concept for concept in CONCEPTS_OF_WORD.get(first[-1], ()))
    _polarity_features(on, words, head, first[-1])


def _cross_features(on: set[str], segments: tuple[tuple[str, ...], ...], pattern: str) -> None:
    words = [word for segment in segments for word in segment]
    if not words:
        return
    on.update(f"y:{pattern}|{word}" for word in words)
    on.update(f"ky:{pattern}|{concept}" for concept in _concepts(words))
    head = _head(segments[0])
    on.update((f"hy:{pattern}|{head}", f"ly:{pattern}|{segments[0][-1]}"))
    on.update(f"kyh:{pattern}|{concept}" for concept in CONCEPTS_OF_WORD.get(head, ()))


def _concept_features(on: set[str], words: list[str]) -> None:
    found = sorted(set(_concepts(words)))
    for i, concept in enumerate(found):
        on.add("k:" + concept)
        for other in found[i + 1 :]:
            on.add(f"kk:{concept}&{other}")


def _polarity_features(on: set[str], words: list[str], head: str, last: str) -> None:
    total = {"up": 0, "down": 0, "flat": 0}
    for word in words:
        for sign in POLARITY_OF_WORD.get(word, ()):
            total[sign] += 1
    for sign, count in total.items():
        if count:
            on.add(f"o:{sign}{min(count, 2)}")
    on.add("oo:" + "".join(sign for sign, count in total.items() if count))
    for sign in POLARITY_OF_WORD.get(head, ()):
        on.add("oh:" + sign)
    for sign in POLARITY_OF_WORD.get(last, ()):
        on.add("ol:" + sign)


def _bracket_features(on: set[str], words: tuple[str, ...]) -> None:
    if words:
        on.add("br:" + " ".join(words)[:40])
        on.update("b:" + word for word in words)


def _context_features(on: set[str], facts: Facts, segments: tuple[tuple[str, ...], ...]) -> None:
    known = {word for segment in segments for word in segment}
    if facts.long_name and facts.long_name != facts.name:
        words = tokens(facts.long_name)
        fresh = [word for word in words if word not in known]
        on.update("l:" + word for word in fresh)
        for concept in set(_concepts(words)):
            on.update((f"lk:{concept}", f"lkx:{facts.pattern}|{concept}"))
    if facts.description:
        words = tokens(facts.description, 40)
        before = "^"
        for word in words:
            on.add("d:" + word)
            on.add(f"d2:{before} {word}")
            before = word
        on.update("dk:" + concept for concept in _concepts(words[:14]))
    if facts.source:
        on.update("s:" + word for word in tokens(facts.source))


GROUP_WEIGHTS: Final[dict[str, float]] = {
    "ut": 2, "up": 1.5, "um": 2, "uw": 1, "u": 1, "u2": 0.7, "uk": 0.5, "p": 0.5,
    "n": 1, "n2": 0.7, "n3": 0.5, "c": 0.25, "h": 0.8, "hf": 0.5, "hl": 0.8, "z": 0.7, "sc": 0.5, "s0": 0.6,
    "sg": 0.6, "sf": 0.4, "b": 0.6, "br": 0.6, "y": 0.6, "hy": 0.7, "ly": 0.7,
    "k": 1, "kk": 0.5, "kh": 1, "kl": 1, "ky": 0.8, "kyh": 0.8, "o": 1, "oo": 1, "oh": 1, "ol": 1,
    "l": 0.5, "lk": 0.5, "lkx": 0.4, "d": 0.3, "d2": 0.2, "dk": 0.3, "s": 0.5,
}  # fmt: skip
"""Group of features -> its weight in the scalar product; coarse steps, chosen on cross-validation."""


def weight(feature: str) -> float:
    """Weight of a feature's group."""
    return GROUP_WEIGHTS[feature.partition(":")[0]]
