"""How a simulated model reviews: by the label where there is one, else by the rules."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from schemas.enums import CumulativePattern, ReviewField
from services.classification.prompts.final_review import COUPLED, NO_CURRENCY
from services.classification.review_row import objections
from services.classification.rules.review import VOCABULARIES, Row
from services.classification.rules.units import parse_units

Values = dict[str, str | bool | None]
"""Value by the name of a field that a review may name."""
Facts = Mapping[str, Any]
Reply = dict[str, Any]

CERTAIN: Final = 0.95
_MONEY, _CODE = ReviewField.IS_CURRENCY_DENOMINATED.value, ReviewField.DETECTED_CURRENCY.value


class Reviewer:
    """Both reviews."""

    def verdict(self, facts: Facts, right: Values | None) -> Reply:
        """Exactly the fields that are not right; without a label, those that rules object to."""
        current: Values = dict(facts.get("current") or {})
        if right is None:
            right = _expected(facts, current)
        wrong = _differing(current, right)
        return {
            "is_correct": not wrong,
            "incorrect_fields": wrong,
            "confidence": CERTAIN,
            "reasoning": f"These values do not fit: {', '.join(wrong)}." if wrong else "All values fit the facts.",
        }

    def settlement(self, facts: Facts, right: Values | None) -> Reply:
        """Right values for the contested fields and what hangs on them; an objection to what is right is rejected."""
        current: Values = dict(facts.get("current") or {})
        contested = [str(name) for name in facts.get("contested") or ()]
        if right is None:
            right = _expected(facts, current)
        holds = any(name in contested for name in _differing(current, right))
        corrections = _corrections(current, right, contested, facts.get("unit_currency")) if holds else {}
        reasoning = "The objection holds." if holds else "The objection does not hold; the values stay."
        return {
            "review_makes_sense": holds,
            "corrections_applied": [{"field": name, "value": value} for name, value in corrections.items()],
            "confidence": CERTAIN,
            "final_reasoning": reasoning,
        }


def _differing(current: Values, right: Values) -> list[str]:
    """Fields whose current value, as far as it is shown, is another than the right one."""
    return [name for name, value in right.items() if name in current and current[name] != value]


def _corrections(current: Values, right: Values, contested: Sequence[str], unit_code: Any) -> dict[str, str]:
    fields = [ReviewField(name) for name in contested]
    allowed = {field.value for name in fields for field in (name, *COUPLED.get(name, ()))}
    found: Values = {name: right[name] for name in _differing(current, right) if name in allowed}
    if _MONEY in found:
        code = (unit_code or None) if found[_MONEY] else None
        if code != current.get(_CODE):
            found[_CODE] = code
    return {name: _written(value) for name, value in found.items()}


def _written(value: str | bool | None) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return NO_CURRENCY if value is None else value


def _expected(facts: Facts, current: Values) -> Values:
    """What the rules expect instead of the current values."""
    row = _row(facts, current)
    merged: Values = {}
    for violation in reversed(objections(row) if row else ()):
        merged |= {field.value: value for field, value in violation.expected.items()}
    return merged


def _row(facts: Facts, current: Values) -> Row | None:
    """The row as the rules look at it; None if the request does not show one."""
    name, units = str(facts.get("name", "")), str(facts.get("units") or "")
    seen = facts.get("cumulative") or {}
    try:
        values = {field.value: kind(str(current[field.value])) for field, kind in VOCABULARIES.items()}
        pattern = CumulativePattern(seen.get("pattern", CumulativePattern.UNKNOWN))
    except (KeyError, ValueError):
        return None
    return Row(
        name=name,
        units=units,
        unit=parse_units(units, name=name),
        description=str(facts.get("description") or ""),
        is_currency_denominated=bool(current.get(_MONEY)),
        detected_currency=str(current[_CODE]) if current.get(_CODE) else None,
        cumulative=pattern,
        cumulative_confidence=float(seen.get("confidence") or 0.0),
        **values,  # type: ignore[arg-type]  # each vocabulary has read its own field
    )
