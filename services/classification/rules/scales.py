"""Powers of ten in unit strings: words, abbreviations, products such as "Hundred Million" (classification spec 2.3).

A factor is the number that one unit of the value stands for: 1e6 for millions.
"""

import math
from typing import Final

from schemas.enums import ParsedScale, Scale

WORDS: Final[dict[str, float]] = {
    **dict.fromkeys(("ten", "tens"), 1e1),
    **dict.fromkeys(("hundred", "hundreds"), 1e2),
    **dict.fromkeys(("thousand", "thousands", "thous", "ths", "tsd", "k", "000", "000s"), 1e3),
    **dict.fromkeys(("million", "millions", "mn", "mln", "mio", "mil", "mill", "mlns"), 1e6),
    **dict.fromkeys(("billion", "billions", "bn", "bln", "bil", "bio", "milliard", "milliards"), 1e9),
    **dict.fromkeys(("trillion", "trillions", "tn", "trn", "tril", "trln"), 1e12),
    **dict.fromkeys(("quadrillion", "quadrillions"), 1e15),
    **dict.fromkeys(("lakh", "lakhs"), 1e5),
    **dict.fromkeys(("crore", "crores"), 1e7),
}
AFTER_MONEY: Final[dict[str, float]] = {"m": 1e6, "mm": 1e6, "b": 1e9, "t": 1e12}
"""Letters that mean a scale only next to a currency; elsewhere they are metres, bytes or tonnes."""

_FIGURES: Final = {"10": 1e1, "100": 1e2, "1000": 1e3, "1,000": 1e3}
"""Multiply the scale word that follows ("100 million yen")."""
_TEN: Final = 1e1
"""Alone it is no scale: "ten years"."""
_NAMED: Final = (
    (1e12, ParsedScale.TRILLIONS),
    (1e9, ParsedScale.BILLIONS),
    (1e6, ParsedScale.MILLIONS),
    (1e3, ParsedScale.THOUSANDS),
    (1e2, ParsedScale.HUNDREDS),
    (1.0, ParsedScale.RAW),
)
FACTORS: Final[dict[ParsedScale, float]] = {
    **{scale: factor for factor, scale in _NAMED},
    ParsedScale.HUNDRED_MILLIONS: 1e8,
}
_FIELD_RAW: Final = frozenset(("unit", "units", "raw", "raw-units", "ones", "one", "none", "1"))


def number_factor(number: str) -> float | None:
    """The factor of a figure that stands before the thing counted ("1000" in "1000 Hectares"), else None."""
    digits = number.replace(",", "")
    if digits.isdecimal() and digits[:1] == "1" and not digits[1:].strip("0") and len(digits) in (3, 4, 7, 10):
        return float(digits)
    return None


def factor_in(words: list[str], *, money: bool = False) -> float | None:
    """The factor that lower-case words state: adjacent words multiply, the largest product wins."""
    best: float | None = None
    group = 1.0
    for word in words:
        factor = WORDS.get(word) or (AFTER_MONEY.get(word) if money else None)
        if factor is not None:
            group *= factor
            best = group if best is None else max(best, group)
        elif word != "of":
            group = _FIGURES.get(word, 1.0)
    return None if best == _TEN else best


def named(factor: float) -> ParsedScale:
    """The largest scale not above `factor`; only exactly 1e8 is called hundred millions."""
    if factor == FACTORS[ParsedScale.HUNDRED_MILLIONS]:
        return ParsedScale.HUNDRED_MILLIONS
    return next((scale for floor, scale in _NAMED if factor >= floor), ParsedScale.RAW)


def published(scale: ParsedScale) -> Scale:
    """The scale of published values for a parsed one."""
    return Scale.RAW_UNITS if scale is ParsedScale.RAW else Scale(scale.value)


def from_field(text: str) -> float | None:
    """The factor a structured scale field names ("Millions", "Units", "1000"), else None. A bare "6" is none."""
    clean = text.strip().casefold()
    if not clean:
        return None
    if clean in _FIELD_RAW:
        return 1.0
    return factor_in(clean.replace("-", " ").replace("_", " ").split()) or _figure(clean)


def _figure(text: str) -> float | None:
    try:
        value = float(text.replace(",", ""))
    except ValueError:
        return None
    is_power = math.isfinite(value) and value >= 1 and float(f"1e{round(math.log10(value))}") == value
    return value if is_power else None
