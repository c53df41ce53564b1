"""The course of a run: items are fed as fast as they are done, and samples are taken on the way."""

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count, islice

from services.cli.session import classification
from shared.broker.lag import stage_lags
from shared.database import Database
from shared.errors import SluiceError, TransientError
from shared.feeding import Feeder, Submission
from shared.service.local import Local
from tests.benchmarks.running import cpu_seconds, memory_mb

REQUEST = 100
POLL_SECONDS = 0.5
STALL_SECONDS = 180.0
DONE = "SELECT sum(successful_indicators + needs_human_indicators + failed_indicators)::bigint FROM batches"

STAGES = "stage process "

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Sample:
    """One look. Seconds since the run began, records not yet worked by stage, MB and CPU seconds by process."""

    seconds: float
    done: int
    rate: float
    lag: Mapping[str, int]
    memory_mb: Mapping[str, float]
    cpu_seconds: Mapping[str, float]


@dataclass
class Course:
    """How many items there are, how many may wait, how often to look; and how far it is."""

    count: int
    waiting: int
    every: float
    submitted: int = 0
    done: int = 0
    samples: list[Sample] = field(default_factory=list)
    _advanced: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def seconds(self) -> float:
        """How long it took."""
        return self.samples[-1].seconds

    async def run(
        self, items: Iterator[tuple[str, str]], feeder: Feeder, database: Database, local: Local, say: Say
    ) -> None:
        """Until every item is done. Raises SluiceError when nothing moves any more."""
        began = time.monotonic()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._feed(items, feeder))
            watching = group.create_task(self._watch(local, began, say))
            await self._follow(database, local)
            watching.cancel()
        self.samples.append(await self._look(local, began))

    async def _feed(self, items: Iterator[tuple[str, str]], feeder: Feeder) -> None:
        while request := tuple(islice(items, REQUEST)):
            while self.submitted + len(request) > self.done + self.waiting:
                self._advanced.clear()
                await self._advanced.wait()
            await feeder.submit(Submission(request))
            self.submitted += len(request)

    async def _follow(self, database: Database, local: Local) -> None:
        moved = time.monotonic()
        while self.done < self.count:
            done = await database.fetchval(DONE) or 0
            if done > self.done:
                self.done, moved = done, time.monotonic()
                self._advanced.set()
            elif time.monotonic() - moved > STALL_SECONDS:
                reasons = await local.supervisor.hindrances() if local.supervisor else {}
                raise SluiceError(f"no item was done for {STALL_SECONDS:g} s, {self.done:,} before that; {reasons}")
            await asyncio.sleep(POLL_SECONDS)

    async def _watch(self, local: Local, began: float, say: Say) -> None:
        while True:
            await asyncio.sleep(self.every)
            try:
                self.samples.append(await self._look(local, began))
            except TransientError as error:
                say(f"no sample: {error}")
            else:
                say(self._progress())

    async def _look(self, local: Local, began: float) -> Sample:
        lags = await stage_lags(local.settings.kafka, classification().stages)
        lag = {stage.stage.rpartition(".")[2]: stage.lag for stage in lags}
        done, seconds = self.done, time.monotonic() - began
        last = self.samples[-1] if self.samples else Sample(0, 0, 0, {}, {}, {})
        rate = (done - last.done) / (seconds - last.seconds)
        return Sample(seconds, done, rate, lag, _numbered(memory_mb(local)), _numbered(cpu_seconds(local)))

    def _progress(self) -> str:
        sample = self.samples[-1]
        left = (self.count - sample.done) / max(sample.done / sample.seconds, 1)
        stages = " + ".join(f"{memory:.0f}" for memory in stage_processes(sample.memory_mb).values())
        return (
            f"{sample.done:,}/{self.count:,} ({sample.done / self.count:.0%}) - {sample.seconds:.0f}s elapsed, "
            f"{sample.rate:,.0f}/s, {sum(sample.lag.values()):,} records before the stages, "
            f"stages {stages} MB, ETA {left:.0f}s"
        )


def _numbered(figures: Mapping[str, float]) -> dict[str, float]:
    """The figures by process, with numbers for the stage processes, whose names are lists."""
    numbers = count(1)
    return {f"{STAGES}{next(numbers)}" if name.startswith("stages") else name: figures[name] for name in figures}


def stage_processes(figures: Mapping[str, float]) -> dict[str, float]:
    """Those of the figures by process that are of stage processes."""
    return {name: figure for name, figure in figures.items() if name.startswith(STAGES)}


def within(samples: Sequence[Sample], begin: float, end: float) -> list[Sample]:
    """The samples of a share of the run's time."""
    whole = samples[-1].seconds
    return [sample for sample in samples if begin * whole <= sample.seconds <= end * whole]
