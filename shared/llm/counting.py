"""Counters of what a stage asks a vendor's model, at 0 before it asks.

A series that begins with its first event hides that event from rates, and the first one of a stage is often a big one.
"""

from shared.llm.calls import CallOutcome
from shared.telemetry import metrics

TOKEN_TYPES = ("input", "cached", "output")
CACHE_LEVELS = ("memory", "database")


def count_from_zero(provider: str, model: str, question: str) -> None:
    """Begin the counters of one question by one model."""
    asked = (provider, model, question)
    metrics.LLM_COST.labels(*asked)
    metrics.LLM_CALL_DURATION.labels(*asked)
    for kind in TOKEN_TYPES:
        metrics.LLM_TOKENS.labels(*asked, kind)
    for outcome in CallOutcome:
        metrics.LLM_CALLS.labels(*asked, outcome.value)
    for level in CACHE_LEVELS:
        metrics.LLM_CACHE_HITS.labels(question, level)
    for counter in (metrics.LLM_CACHE_MISSES, metrics.LLM_COALESCED, metrics.LLM_REASKS):
        counter.labels(question)
