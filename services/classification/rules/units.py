"""Unit strings to facts: kind, scale, money, time span (classification spec 2.3).

parse_units("USD Hundred Million")  ->  currency-amount, hundred-millions, 1e8, USD
parse_units("BBL/D/1K")             ->  physical, thousands, 1e3, daily
"""

from functools import lru_cache
from typing import Final

from schemas.classification import Normalization
from schemas.enums import Scale, UnitType
from services.classification.rules import currencies, scales, unit_hints
from services.classification.rules.unit_kinds import UNKNOWN, Kind, classify
from services.classification.rules.unit_text import UnitText, read

_CONFLICT_PENALTY: Final = 0.7
_MONEY_FROM_FIELD: Final = frozenset(("scale-only", "unknown", "empty", "remark"))
_READ_NAME: Final = frozenset(("empty", "remark", "scale-only"))
_NO_SCALE: Final = {UnitType.PERCENTAGE: Scale.PERCENT, UnitType.INDEX: Scale.INDEX}


@lru_cache(maxsize=8_192)
def parse_units(units: str, *, name: str = "", scale: str = "", currency_code: str = "") -> Normalization:
    """Read a unit as published; structured `scale` and `currency_code` win over the text, disagreement is listed.

    Never raises. A unit that says nothing ("", "annual series") is read from `name`, with a lower confidence.
    """
    text = _parse_text(units)
    if name and text.matched_pattern in _READ_NAME:
        text = _with_name(text, name)
    if not scale and not currency_code:
        return text
    return _with_fields(text, scale, currency_code)


@lru_cache(maxsize=4_096)
def _parse_text(units: str) -> Normalization:
    text = read(units)
    kind = classify(text)
    if kind.unit_type is UnitType.UNKNOWN and kind.pattern == "unknown":
        kind = kind._replace(pattern="remark" if text.words else "empty")
    return _normalization(units, text, kind)


def _with_name(parsed: Normalization, name: str) -> Normalization:
    """What the name adds: everything to a unit that says nothing, the money to one that is only a scale."""
    text, kind = unit_hints.from_name(name)
    if kind is UNKNOWN or (parsed.matched_pattern == "scale-only" and kind.unit_type is not UnitType.CURRENCY_AMOUNT):
        return parsed
    if parsed.matched_pattern == "scale-only":
        text = text._replace(factor=parsed.multiplier)
    return _normalization(parsed.original_units, text, kind)


def _normalization(units: str, text: UnitText, kind: Kind) -> Normalization:
    is_money = kind.unit_type is UnitType.CURRENCY_AMOUNT
    factor = 1.0 if kind.unit_type in _NO_SCALE or text.factor is None else text.factor
    parsed = scales.named(factor)
    return Normalization(
        original_units=units,
        unit_type=kind.unit_type,
        parsed_scale=parsed,
        normalized_scale=_NO_SCALE.get(kind.unit_type) or scales.published(parsed),
        multiplier=factor,
        currency=text.money.code if is_money and text.money else None,
        is_currency=is_money,
        time_unit=text.time_unit,
        matched_pattern=kind.pattern,
        confidence=kind.confidence,
    )


def _with_fields(text: Normalization, scale: str, currency_code: str) -> Normalization:
    changes: dict[str, object] = {}
    conflicts: list[str] = []
    _apply_currency(text, currency_code, changes, conflicts)
    _apply_scale(text, scale, changes, conflicts)
    if conflicts:
        changes["conflicts"] = tuple(conflicts)
        changes["confidence"] = text.confidence * _CONFLICT_PENALTY
    return text.model_copy(update=changes) if changes else text


def _apply_currency(text: Normalization, field: str, changes: dict[str, object], conflicts: list[str]) -> None:
    """A code on a percentage, an index or a quantity names the country's currency, not the unit: it is no money."""
    code = currencies.code_of(field)
    if code is None:
        if field.strip():
            conflicts.append(f"currency_code: {field.strip()[:16]!r} is no ISO 4217 code")
        return
    if text.is_currency:
        changes["currency"] = code
        if text.currency not in (None, code):
            conflicts.append(f"currency_code: {code} in the field, {text.currency} in the units")
    elif text.matched_pattern in _MONEY_FROM_FIELD:
        changes |= {"currency": code, "is_currency": True, "unit_type": UnitType.CURRENCY_AMOUNT}
        changes |= {"matched_pattern": "currency-field", "confidence": 0.9}


def _apply_scale(text: Normalization, field: str, changes: dict[str, object], conflicts: list[str]) -> None:
    factor = scales.from_field(field)
    if factor is None:
        return
    if text.unit_type in _NO_SCALE:
        if factor != 1.0:
            conflicts.append(f"scale: {field.strip()[:32]} in the field, but {text.unit_type} has no scale")
        return
    if text.multiplier not in (1.0, factor):
        conflicts.append(f"scale: {field.strip()[:32]} in the field, {text.parsed_scale} in the units")
    parsed = scales.named(factor)
    changes |= {"multiplier": factor, "parsed_scale": parsed, "normalized_scale": scales.published(parsed)}
