"""What it took to correct texts: time, calls, tokens, and answers that were there already."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from services.correction.passages import CORRECTION
from shared.database import Database
from shared.llm.estimating import calls_since, moment
from shared.runtime.outcome import Usage
from shared.telemetry.metrics import REGISTRY

_TEXTS: Final = 1_000
"""Calls, tokens and dollars are told for so many."""
_KNOWN: Final[Sequence[tuple[str, Mapping[str, str]]]] = (
    ("sluice_llm_cache_hits_total", {"level": "memory"}),
    ("sluice_llm_cache_hits_total", {"level": "database"}),
    ("sluice_llm_coalesced_total", {}),
)
_ASKED: Final = "sluice_llm_cache_misses_total"


@dataclass(frozen=True, slots=True)
class Effort:
    """Begun with `begin`, told with `told`. `database`: where calls are booked; None: nobody is called."""

    database: Database | None
    since: datetime | None
    known: float
    asked: float
    began: float

    async def told(self, texts: int, usages: Sequence[Usage]) -> Mapping[str, Any]:
        """Figures of so many texts since the beginning; None where there is nothing to tell."""
        seconds = max(time.monotonic() - self.began, 1e-9)
        known, asked = _known() - self.known, _sample(_ASKED, {}) - self.asked
        used = {
            "tokens_in": sum(usage.tokens_in for usage in usages),
            "tokens_out": sum(usage.tokens_out for usage in usages),
            "cost_usd": sum(usage.cost_usd for usage in usages),
        }
        made = await calls_since(self.database, self.since) if self.database and self.since else None
        counts = {"calls": made.calls if made else 0, **used}
        return {
            **used,
            **{f"{name}_per_1000": count * _TEXTS / max(1, texts) for name, count in counts.items()},
            "known_share": known / (known + asked) if known + asked else None,
            "p50_seconds": made.p50_seconds if made else None,
            "p95_seconds": made.p95_seconds if made else None,
            "texts_per_second": texts / seconds,
        }


async def begin(database: Database | None) -> Effort:
    """From now on."""
    since = await moment(database) if database else None
    return Effort(database, since, _known(), _sample(_ASKED, {}), time.monotonic())


def _known() -> float:
    """Answers that were kept, or already being asked for."""
    return sum(_sample(name, labels) for name, labels in _KNOWN)


def _sample(name: str, labels: Mapping[str, str]) -> float:
    return REGISTRY.get_sample_value(name, {"question": CORRECTION.name, **labels}) or 0.0
