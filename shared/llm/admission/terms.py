"""What a door is told: limits, budgets, and when to stop calling a vendor that fails."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Limits:
    """What the vendor allows a minute, over all replicas; 0: no limit. What it announces counts if it is less."""

    rpm: float = 0
    tpm: float = 0


@dataclass(frozen=True, slots=True)
class Budgets:
    """US dollars; 0: no limit. `tasks`: a day's limit of each question that has one of its own."""

    day_usd: float = 0
    total_usd: float = 0
    tasks: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BreakerPolicy:
    """When a vendor counts as away, and how often it is tried then.

    Probes come at short, equal distances first and at doubled ones later. Starting at half a minute would leave a
    vendor that is back after a minute unused for up to half a minute more; seven seconds find it within ten, at the
    price of eight calls a minute from the whole fleet.
    """

    failures_in_row: int = 5
    window: int = 20
    share: float = 0.5
    probe_seconds: float = 7.0
    longest_seconds: float = 300.0
