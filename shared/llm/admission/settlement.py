"""The ends of calls, and what they tell about the vendor."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from shared.llm.admission.breaker import passed
from shared.llm.calls import CallOutcome, Permit, Result, limited_tokens

DEFAULT_HOLD_SECONDS = (0.5, 1.5)
"""After a 429 that does not say how long; one second on average, so that replicas do not come back all at once."""
LONGEST_PAUSE_SECONDS = 1.0
"""With nothing remaining. The reset that vendors name is when *everything* is there again, too long to wait for."""


@dataclass(frozen=True, slots=True, eq=False)
class Settlement:
    """The end of a call; without a result it was let in and never made. `written` is done when it is durable."""

    permit: Permit
    result: Result | None
    written: "asyncio.Future[None]"
    tripped: bool = False
    """It opens the breaker."""


def what_they_tell(
    group: Sequence[Settlement],
    *,
    limited_tokens: bool,
    announced: tuple[float | None, float | None],
    probe: str,
    jitter: Random,
) -> dict[str, Any]:
    """The signals of `group` (see llm_heed), only those that say something new. `probe`: the id of one, or empty."""
    results = [one.result for one in group if one.result]
    change = sum(_token_change(one) for one in group) if limited_tokens else 0
    signals: dict[str, Any] = {"token_change": change} if change else {}
    signals |= _new_limits(results, announced)
    if (pause := max(map(_pause, results), default=0)) > 0:
        signals["pause"] = pause
    if limited := [result for result in results if result.outcome is CallOutcome.RATE_LIMITED]:
        signals["retry_after"] = max(_hold(result, jitter) for result in limited)
        signals["limited_age"] = min(result.latency_seconds for result in limited)
    if tripping := [one.result.latency_seconds for one in group if one.tripped and one.result]:
        signals["trip_age"] = min(tripping)
    for one in group:
        if one.permit.id == probe:
            signals["probe"] = {"id": probe, "passed": passed(one.result.outcome if one.result else None)}
    return signals


def _token_change(settlement: Settlement) -> int:
    """Real tokens minus estimated ones, as the vendor counts them."""
    result, plan = settlement.result, settlement.permit.plan
    if result is None:
        return -plan.tokens
    taken = limited_tokens(plan.provider, result.tokens)
    if not taken and result.outcome in {CallOutcome.TIMEOUT, CallOutcome.LOST}:
        return 0  # nobody told us what it took; the vendor may well have worked
    return taken - plan.tokens


def _new_limits(results: Sequence[Result], known: tuple[float | None, float | None]) -> dict[str, float]:
    """The newest limits that headers named, if they are not those that the row has."""
    rpm = [limit for result in results if (limit := result.announced.requests_limit or 0) >= 1]
    tpm = [limit for result in results if (limit := result.announced.tokens_limit or 0) >= 1]
    newest = {"announced_rpm": (rpm, known[0]), "announced_tpm": (tpm, known[1])}
    return {name: found[-1] for name, (found, old) in newest.items() if found and found[-1] != old}


def _pause(result: Result) -> float:
    """How long from now to begin nothing, since nothing remains. The headers are as old as the call at most."""
    told = result.announced
    pairs = ((told.requests_remaining, told.requests_reset), (told.tokens_remaining, told.tokens_reset))
    resets = [reset for remaining, reset in pairs if remaining is not None and remaining <= 0 and reset is not None]
    return min(max(resets), LONGEST_PAUSE_SECONDS) - result.latency_seconds if resets else 0.0


def _hold(result: Result, jitter: Random) -> float:
    return jitter.uniform(*DEFAULT_HOLD_SECONDS) if result.retry_after is None else max(result.retry_after, 0.0)
