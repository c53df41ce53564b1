"""The door's metrics, with their labels bound."""

from collections.abc import Sequence

import structlog

from shared.llm.admission.books import Lost, SpentBudget, Verdict
from shared.llm.calls import CallOutcome, Plan, Result
from shared.telemetry import metrics

log = structlog.get_logger()

BREAKER_STATES = ("closed", "open", "probing")


class DoorMetrics:
    """Of one model."""

    def __init__(self, provider: str, model: str) -> None:
        self._model = (provider, model)
        self.wait = metrics.LLM_WAIT.labels(*self._model)
        self.in_flight = metrics.LLM_IN_FLIGHT.labels(*self._model)
        self._leases = metrics.LLM_LEASES.labels(*self._model)
        self._over_budget = metrics.LLM_BUDGET_REFUSALS.labels(*self._model)
        self._rate_limited = metrics.LLM_RATE_LIMITED.labels(*self._model)
        self._factor = metrics.LLM_FACTOR.labels(*self._model)
        self._switched_off = metrics.LLM_SWITCHED_OFF.labels(*self._model)
        self._breaker = {state: metrics.LLM_BREAKER.labels(*self._model, state) for state in BREAKER_STATES}

    def verdict(self, verdict: Verdict) -> None:
        """Note what a lease brought."""
        if any(turn.delay is not None for turn in verdict.turns):
            self._leases.inc()
        self._over_budget.inc(sum(turn.refused is not None for turn in verdict.turns))
        self._switched_off.set(verdict.switched_off)
        if not verdict.switched_off:
            self._factor.set(verdict.factor)
            for state, gauge in self._breaker.items():
                gauge.set(state == verdict.breaker)

    def ended(self, plan: Plan, result: Result) -> None:
        """Note the end of a call."""
        labels = (*self._model, plan.question)
        metrics.LLM_CALLS.labels(*labels, result.outcome.value).inc()
        metrics.LLM_CALL_DURATION.labels(*labels).observe(result.latency_seconds)
        metrics.LLM_COST.labels(*labels).inc(result.cost_usd)
        tokens = result.tokens
        parts = {"input": tokens.input - tokens.cached, "cached": tokens.cached, "output": tokens.output}
        for kind, count in parts.items():
            metrics.LLM_TOKENS.labels(*labels, kind).inc(max(count, 0))
        if result.outcome is CallOutcome.RATE_LIMITED:
            self._rate_limited.inc()


def note_lost(lost: Sequence[Lost]) -> None:
    """Calls whose process died, of whichever model."""
    for row in lost:
        metrics.LLM_CALLS.labels(row.provider, row.model, row.question, CallOutcome.LOST.value).inc(row.calls)
        log.warning("calls without an end are booked at their estimate", **row._asdict())


def note_budgets(budgets: Sequence[SpentBudget]) -> None:
    """Say how much of each budget is gone, aloud when 80 % are."""
    for row in budgets:
        labels = (row.scope, "total" if row.period == "total" else "day")
        if row.limit_usd > 0:
            metrics.LLM_BUDGET_SPENT.labels(*labels).set(row.spent_usd / row.limit_usd)
        if row.warned:
            metrics.LLM_BUDGET_WARNINGS.labels(*labels).inc()
            log.warning("a budget of language models is nearly spent", **row._asdict())
