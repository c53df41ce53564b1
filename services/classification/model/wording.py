"""Why the model decided as it did, in a sentence: the features that spoke loudest, in words."""

from collections.abc import Sequence
from typing import Final

from schemas.enums import Family, TemporalAggregation
from services.classification.model.labels import Pair
from services.classification.rules.known_cases import Verdict

_LONGEST: Final = 600
_KINDS: Final = {
    "u": "unit", "u2": "unit", "uw": "unit", "ut": "unit kind", "up": "unit kind", "um": "unit kind", "uk": "unit of",
    "p": "published", "l": "long name", "lk": "long name about", "lkx": "long name about", "d": "definition",
    "d2": "definition", "dk": "definition about", "k": "about", "kk": "about", "kh": "headed by", "kl": "ends in",
    "ky": "about", "kyh": "headed by", "h": "headed by", "hf": "begins with", "hl": "ends in", "c": "letters",
    "hy": "headed by", "ly": "ends in", "s": "source", "o": "polarity", "oo": "polarity", "oh": "polarity",
    "ol": "polarity", "rk": "reads as", "rn": "news of", "rkw": "reads as", "rnw": "news of", "rku": "reads as",
    "rkn": "reads as", "rnk": "news of", "l2": "long name", "b": "in brackets", "br": "in brackets",
    "v": "theme", "vv": "themes", "vt": "theme", "vh": "first theme", "vb": "theme of the unit", "vs": "lean",
    "vy": "lean", "vf": "lean", "vl": "lean", "lv": "long name, theme", "ls": "long name, lean",
    "lsf": "long name, lean", "lo": "long name, polarity", "dv": "definition, theme", "ds": "definition, lean",
    "dsf": "definition, lean",
}  # fmt: skip


def describe(feature: str) -> str:
    """A feature in words: `y:percent|rate` becomes "rate" with percent."""
    group, _, content = feature.partition(":")
    unit, bar, rest = content.partition("|")
    kind = _KINDS.get(group, "")
    text = f'"{rest}" with {unit}' if bar else f'"{content}"'
    return f"{kind} {text}".strip()


def _evidence(features: Sequence[str]) -> str:
    return ", ".join(map(describe, features)) or "no known word"


def family_reasoning(family: Family, runner_up: Family, features: Sequence[str]) -> str:
    """One sentence for the family stage."""
    return f"{family} rather than {runner_up}: {_evidence(features)}"[:_LONGEST]


def type_reasoning(pair: Pair, aggregation: TemporalAggregation, by_rule: bool, features: Sequence[str]) -> str:
    """One sentence for the type stage."""
    why = f"{aggregation} since values add up from January" if by_rule else aggregation
    return f"{pair[1]}, {why}: {_evidence(features)}"[:_LONGEST]


def settled_reasoning(rule: Verdict) -> str:
    """One sentence where a rule decided."""
    return f"settled case, {rule.rule}: {rule.family}/{rule.indicator_type}"[:_LONGEST]
