"""How much each group of features counts in the scalar product; chosen on grouped cross-validation, in coarse steps."""

from typing import Final

_UNIT: Final = {"ut": 1.1, "up": 1.5, "um": 1.1, "uw": 0.55, "u": 1.8, "u2": 0.4, "uk": 0.9}
"""Classes of the unit (by words, parsed type, parsed pattern), the whole unit, its words, pairs, concepts."""

_WORDS: Final = {"n": 0.4, "c": 0.15, "n2": 0.7, "n3": 0.3}
"""Words of the name, their letters, pairs and triples."""

_PLACES: Final = {
    "h": 0.8, "hf": 0.5, "hl": 0.45, "z": 0.4, "sc": 0.3, "s0": 0.6, "sg": 1.1, "sf": 0.4, "b": 1.1, "br": 0.6
}  # fmt: skip
"""Head noun, first and last word, last word of all, number of segments, first segment, later ones, their first words,
words in brackets, whole brackets."""

_CONCEPTS: Final = {"k": 1.25, "kk": 0.9, "kh": 0.7, "kl": 0.4, "o": 0.55, "oo": 0.55, "oh": 0.55, "ol": 1.0}
"""Concepts, pairs of them, of the head noun, of the last word; the same for polarity."""

_CROSSES: Final = {"y": 0.6, "hy": 0.7, "ly": 0.4, "ky": 0.8, "kyh": 0.45}
"""Words, head noun, last word, concepts and concepts of the head noun, each with the pattern of the unit."""

_READINGS: Final = {"rk": 0.85, "rn": 1.5, "rku": 0.5, "rkn": 0.5, "rkw": 0.55, "rnw": 0.3, "rnk": 0.15}
"""Signals of the first reading: kind, news, kind with unit, with news, with words; news with words, with concepts."""

_LONG_NAME: Final = {"l": 0.9, "l2": 0.3, "lh": 0.3, "ll": 0.3, "lk": 0.9, "lkx": 0.7}
"""Words that the name lacks, pairs, first and last word, concepts, concepts with the pattern of the unit."""

_CONTEXT: Final = {"d": 0.55, "d2": 0.2, "df": 0.3, "df1": 0.3, "dk": 0.55, "rel": 0.9, "p": 0.9, "s": 0.4}
"""Words, pairs, opening and concepts of the definition, the release it names, periodicity, and words of the source. The
source is kept low: production has publishers that training has not."""

_STANCE: Final = {
    "v": 0.9, "vt": 0.5, "vv": 0.5, "vh": 0.6, "vb": 0.5, "vs": 0.9, "vf": 0.5, "vl": 0.5, "vy": 0.4,
    "ls": 0.5, "lsf": 0.4, "lv": 0.6, "lo": 0.4, "ds": 0.3, "dsf": 0.3, "dv": 0.4,
}  # fmt: skip
"""Themes and lean of the name, its brackets, the long name and the definition."""

GROUP_WEIGHTS: Final[dict[str, float]] = {
    **_UNIT, **_WORDS, **_PLACES, **_CONCEPTS, **_CROSSES, **_READINGS, **_LONG_NAME, **_CONTEXT, **_STANCE
}  # fmt: skip
"""Group of features -> weight."""
