"""What a simulated vendor is like."""

import math
from dataclasses import dataclass, field
from pathlib import Path

from services.simulator.faults import Faults

OPENAI_MODELS = ("gpt-4o-mini", "gpt-4o", "gpt-4.1", "gpt-4.1-mini", "gpt-4.1-nano", "gpt-5", "gpt-5-mini")
ANTHROPIC_MODELS = ("claude-haiku-4-5", "claude-sonnet-4-5", "claude-opus-4-5", "claude-3-5-haiku-latest")
OTHER_MODELS = ("gemini-2.5-flash", "gemini-2.5-pro", "mistral-7b-instruct-v0.3")


@dataclass(frozen=True, slots=True)
class SimulatorOptions:
    """Rates and times are those of the vendor imitated; `time_scale` makes the simulator live so many times faster."""

    rpm: float = 3000.0
    """Requests a minute; 0: no limit."""
    tpm: float = 4_000_000.0
    """Tokens a minute, of Anthropic only those that come in; 0: no limit."""
    output_tpm: float = 0.0
    """Anthropic's limit of tokens that go out, a minute; 0: no limit."""
    burst_seconds: float = 1.0
    """A bucket holds what its rate yields in this time."""
    latency_mean: float | None = 2.0
    """Seconds to an answer on average. `latency_median` wins over it."""
    latency_median: float | None = None
    latency_sigma: float = 0.6
    """Of the logarithm: 0.6 puts one call in a hundred beyond four times the median."""
    time_scale: float = 1.0
    seed: int = 0
    key: str = ""
    """The API key to demand; empty: any key will do."""
    models: tuple[str, ...] = (*OPENAI_MODELS, *ANTHROPIC_MODELS, *OTHER_MODELS)
    labels: Path | None = None
    """Answers come from this file instead of the labels that a pipeline ships with."""
    faults: Faults = field(default_factory=Faults)
    hang_seconds: float = 600.0
    """How long a call that hangs is held open."""
    refuse_text: str = ""
    """A call is refused if this is in one of its items; empty: none is."""
    down: bool = False
    announce: bool = True
    """Headers tell the limits; a 429 says how long to wait in any case."""

    @property
    def median_seconds(self) -> float:
        """Median latency in real seconds."""
        median = self.latency_median
        if median is None:
            median = (self.latency_mean or 0.0) * math.exp(-(self.latency_sigma**2) / 2)
        return median / self.time_scale
