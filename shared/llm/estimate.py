"""What asking language models would take, told before anything is spent; each pipeline knows how to work it out."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points

from schemas.base import Contract
from shared.database import Database
from shared.errors import UsageError
from shared.settings import LlmSettings

GROUP = "sluice.estimators"


@dataclass(frozen=True, slots=True)
class StageEstimate:
    """One question at one model."""

    question: str
    provider: str
    model: str
    items: int
    """Asked about, repeated or not."""
    distinct: int
    """Different questions among them."""
    cached: int
    """Of these, answered before."""
    calls: int
    tokens_in: int
    tokens_cached: int
    """Part of tokens_in: what the vendor has in its prompt cache."""
    tokens_out: int
    cost_usd: float
    measured: bool
    """Corrected by what earlier calls really took."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A whole run."""

    indicators: int
    stages: tuple[StageEstimate, ...]
    seconds: float
    """The time that the calls take at least, at the limits that are set."""
    cache_looked_at: bool
    """Whether the answers that are kept were taken into account."""

    @property
    def calls(self) -> int:
        """Of all questions."""
        return sum(stage.calls for stage in self.stages)

    @property
    def tokens_in(self) -> int:
        """Of all questions."""
        return sum(stage.tokens_in for stage in self.stages)

    @property
    def tokens_out(self) -> int:
        """Of all questions."""
        return sum(stage.tokens_out for stage in self.stages)

    @property
    def cost_usd(self) -> float:
        """Of all questions."""
        return sum(stage.cost_usd for stage in self.stages)


Estimator = Callable[[Sequence[Contract], LlmSettings, str, Database | None], Awaitable[Estimate]]
"""(items as submitted, settings, the provider that travels with them, a database if there is one) → what it takes."""


def estimator(pipeline: str) -> Estimator:
    """How a pipeline estimates. Raises UsageError if it does not."""
    for point in entry_points(group=GROUP):
        if point.name == pipeline:
            found: Estimator = point.load()
            return found
    raise UsageError(f"the pipeline {pipeline!r} makes no estimates")
