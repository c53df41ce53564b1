"""What the answers of a handler took, as its outcome reports it."""

from collections.abc import Sequence
from typing import Any

from schemas.classification import Opinion
from shared.llm.question import Answer
from shared.runtime.outcome import NO_USAGE, Usage
from shared.settings import EMBEDDED_PROVIDER


def is_by_rules(answer: Answer[Any]) -> bool:
    """Whether our own rules gave the answer, where a stage has rules and no model of ours."""
    return answer.usage.provider == EMBEDDED_PROVIDER and answer.value is not None


def asked(*answers: Answer[Any] | None) -> Usage:
    """The sum of what a language model took. Rules cost nothing and are no model: they leave no trace in a row."""
    return total([answer.usage for answer in answers if answer is not None and not _is_free(answer.usage)])


def total(usages: Sequence[Usage]) -> Usage:
    """The sum; provider and model are the last one's."""
    if not usages:
        return NO_USAGE
    return Usage(
        provider=usages[-1].provider,
        model=usages[-1].model,
        tokens_in=sum(usage.tokens_in for usage in usages),
        tokens_out=sum(usage.tokens_out for usage in usages),
        cost_usd=sum(usage.cost_usd for usage in usages),
    )


def _is_free(usage: Usage) -> bool:
    return usage.provider in ("", EMBEDDED_PROVIDER) and not (usage.tokens_in or usage.tokens_out or usage.cost_usd)


def opinion(prior: Answer[Any] | None, *fields: str) -> Opinion | None:
    """What the embedded model said first, in a cascade; None without one."""
    if prior is None or prior.value is None:
        return None
    return Opinion(
        provider=prior.usage.provider,
        model=prior.usage.model,
        values={field: str(getattr(prior.value, field)) for field in fields},
        confidence=prior.value.confidence,
    )
