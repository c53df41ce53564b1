"""How the stages stand: what waits at each, and how fast it went lately, by what their groups commit to Kafka."""

import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple

from services.api.recent import Recent
from shared.broker.lag import StageLag, stage_lags
from shared.runtime.declaration import Pipeline
from shared.settings import KafkaSettings

FRESH_SECONDS = 1.5
SPAN_SECONDS = 15.0
"""Over how long a rate is taken."""


class StageFlow(NamedTuple):
    """One stage. `rate` in records a second; None while it has been looked at once."""

    name: str
    topic: str
    lag: int
    retrying: int
    rate: float | None
    missing: tuple[str, ...]


class _Sample(NamedTuple):
    moment: float
    done: dict[str, int]


class Flow:
    """Looks at the groups when somebody asks; all who ask at once see the same look."""

    def __init__(self, kafka: KafkaSettings, pipeline: Pipeline, clock: Callable[[], float] = time.monotonic) -> None:
        self._kafka = kafka
        self._pipeline = pipeline
        self._clock = clock
        self._samples: deque[_Sample] = deque()
        self._recent: Recent[str, list[StageFlow]] = Recent(self._look, FRESH_SECONDS)

    async def stages(self) -> list[StageFlow]:
        """Every stage in the order of the flow. Raises TransientError while the broker is away."""
        return await self._recent.get(self._pipeline.name)

    async def _look(self, _: str) -> list[StageFlow]:
        return self.noted(await stage_lags(self._kafka, self._pipeline.stages))

    def noted(self, lags: Sequence[StageLag]) -> list[StageFlow]:
        """The stages, at the rates since earlier looks; this one counts for later ones."""
        now, done = self._clock(), {one.stage: _done(one) for one in lags}
        while self._samples and self._samples[0].moment < now - SPAN_SECONDS:
            self._samples.popleft()
        before = self._samples[0] if self._samples else None
        self._samples.append(_Sample(now, done))
        return [
            StageFlow(
                name=one.stage.partition(".")[2],
                topic=one.topic,
                lag=one.lag,
                retrying=one.retrying,
                rate=_rate(before, now, one.stage, done),
                missing=one.missing,
            )
            for one in lags
        ]


def _done(lag: StageLag) -> int:
    return sum(partition.position for partition in lag.partitions)


def _rate(before: _Sample | None, now: float, stage: str, done: dict[str, int]) -> float | None:
    if before is None or now <= before.moment:
        return None
    return max(0, done[stage] - before.done.get(stage, done[stage])) / (now - before.moment)
