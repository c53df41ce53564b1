"""Whose money: whether values are amounts of money, and in which currency."""

from collections.abc import Sequence

from schemas.classification import CurrencyCheck, Facet, NormalizedIndicator
from services.classification.facets import RULES, facet_outcomes
from services.classification.prompts.facets import CURRENCY_PROMPT
from services.classification.rules.currency import check_currency
from shared.llm.gateway import Ask
from shared.llm.question import Question
from shared.runtime.outcome import Outcome


def _by_rules(items: Sequence[NormalizedIndicator]) -> tuple[list[CurrencyCheck], str]:
    return [check_currency(item.unit, item.subject.name, item.subject.units) for item in items], RULES


CURRENCY = Question("currency", lambda: _by_rules, CURRENCY_PROMPT, optional=True)


async def check_currencies(items: Sequence[NormalizedIndicator], ask: Ask) -> list[Outcome]:
    """By rule: an exchange rate names a currency but is no amount of it. By a model where one is set."""
    answers = await ask(CURRENCY, items)
    return facet_outcomes(answers, [item.subject.indicator_id for item in items], _facet)


def _facet(indicator_id: str, currency: CurrencyCheck) -> Facet:
    return Facet(indicator_id=indicator_id, currency=currency)
