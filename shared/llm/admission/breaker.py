"""Whether a vendor fails so often that calling it makes no sense. Counted by each process; being open is shared."""

from collections import deque

from shared.llm.admission.terms import BreakerPolicy
from shared.llm.calls import CallOutcome

FAILURES = frozenset({CallOutcome.TIMEOUT, CallOutcome.UNREACHABLE, CallOutcome.SERVER_ERROR})
ANSWERS = frozenset(
    {CallOutcome.OK, CallOutcome.INVALID, CallOutcome.TRUNCATED, CallOutcome.REFUSED, CallOutcome.BAD_REQUEST}
)
"""The vendor is there, whatever it says. All other outcomes prove neither."""


def passed(outcome: CallOutcome | None) -> bool | None:
    """Whether a probe that ended so shows that the vendor is back; None: it shows nothing."""
    if outcome in FAILURES:
        return False
    return True if outcome in ANSWERS else None


class Breaker:
    """Counts the outcomes of one process's calls."""

    def __init__(self, policy: BreakerPolicy) -> None:
        self._policy = policy
        self._recent: deque[bool] = deque(maxlen=policy.window)
        self._in_row = 0
        self._blind_before = float("-inf")

    def record(self, outcome: CallOutcome, began: float, now: float) -> bool:
        """Note the end of a call. True if the breaker has to open; the count begins anew then."""
        answered = passed(outcome)
        if answered is None or began < self._blind_before:
            return False
        self._in_row = 0 if answered else self._in_row + 1
        self._recent.append(not answered)
        if self._in_row < self._policy.failures_in_row and sum(self._recent) < self._policy.share * self._policy.window:
            return False
        self.forget(now)
        return True

    def forget(self, now: float) -> None:
        """The breaker is open: calls that began before this say nothing about a vendor that comes back."""
        self._recent.clear()
        self._in_row = 0
        self._blind_before = now
