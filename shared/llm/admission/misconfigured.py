"""A key or a model name that the vendor refuses: a person has to act, so only one call tries now and then."""

from shared.llm.admission.breaker import ANSWERS
from shared.llm.calls import CallOutcome, Closed

SHORTEST_SECONDS, LONGEST_SECONDS = 30.0, 300.0
REFUSALS = {
    CallOutcome.UNAUTHORIZED: "{provider} refuses the key",
    CallOutcome.NOT_FOUND: "{provider} does not know the model {model}, or the address is wrong",
}


class Misconfiguration:
    """This process's own reason to call nobody: other replicas may have other settings."""

    def __init__(self, provider: str, model: str) -> None:
        self._names = {"provider": provider, "model": model}
        self.reason = ""
        """Empty if nothing is wrong."""
        self._until = 0.0
        self._seconds = 0.0
        self._since = float("-inf")

    def check(self, now: float) -> None:
        """Raises Closed. Once the time is up the caller may try, and nobody else until that shows something."""
        if not self.reason:
            return
        if now < self._until:
            raise self.closed(now)
        self._until = now + self._seconds

    def closed(self, now: float) -> Closed:
        """What callers are told."""
        return Closed(self.reason, max(self._until - now, 0.0))

    def record(self, outcome: CallOutcome, error: str, began: float, now: float) -> bool:
        """Note the end of a call. True if the door closes for it."""
        if outcome in ANSWERS:
            self.reason, self._seconds = "", 0.0
            return False
        if outcome not in REFUSALS or began < self._since:
            return False
        refusal = REFUSALS[outcome].format_map(self._names)
        self.reason = f"{refusal}: {error}" if error else refusal
        self._seconds = min(max(2 * self._seconds, SHORTEST_SECONDS), LONGEST_SECONDS)
        self._since, self._until = now, now + self._seconds
        return True
