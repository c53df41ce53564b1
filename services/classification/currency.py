"""Whose money: whether values are amounts of money, and in which currency."""

from collections.abc import Sequence

from schemas.classification import Facet, NormalizedIndicator
from services.classification.rules.currency import check_currency
from shared.runtime.outcome import Emit, emit


async def check_currencies(items: Sequence[NormalizedIndicator]) -> list[Emit]:
    """By rule: an exchange rate names a currency but is no amount of it."""
    return [
        emit(
            Facet(
                indicator_id=item.subject.indicator_id,
                currency=check_currency(item.unit, item.subject.name, item.subject.units),
            )
        )
        for item in items
    ]
