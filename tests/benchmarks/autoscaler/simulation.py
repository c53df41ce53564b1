"""A pipeline over a day: queues as long as replicas are too few, along the topics that are declared.

Items are a fluid. Time a record takes is what was recorded for its stage, and differs from step to step by a fifth.
Broker and database are never the limit here; in production they may be.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from deployment.scaling import records_a_second
from shared.pipelines import pipelines
from shared.runtime.declaration import Pipeline, Stage
from tests.benchmarks.autoscaler.scaler import SYNC_SECONDS, Replicas, Rules, Scaler
from tests.benchmarks.autoscaler.traffic import STEP_SECONDS, Series

NOISE = 0.2
COMMIT_SECONDS = 1.0
"""Records count as lag until their batch is committed, however quick the stage is."""
COMPLETED = "classification.completed"
CONTESTED = 0.03
"""Of all items, those that the boolean review objects to."""

MakeRules = Callable[[float], Rules]
"""Records a second that one replica works → rules of its stage."""


@dataclass(frozen=True)
class Course:
    """What happened. One row a stage, one column a step."""

    stages: Sequence[str]
    lag: Series
    replicas: Series
    arrived: Series
    completed: Series
    pauses: int

    @property
    def pod_hours(self) -> float:
        """What had to be paid for."""
        return float(self.replicas.sum()) * STEP_SECONDS / 3600

    def ages(self) -> Series:
        """Seconds that the items completed in each step have taken, the first to come being the first to go."""
        times = np.arange(1, self.arrived.size + 1) * float(STEP_SECONDS)
        came = np.concatenate([[0.0], np.cumsum(self.arrived)])
        middle = np.cumsum(self.completed) - self.completed / 2
        began: Series = np.interp(middle, came, np.concatenate([[0.0], times]))
        return times - began

    def age(self, share: float) -> float:
        """The age that so many of the items were completed below."""
        ages, weights = self.ages(), self.completed
        order = np.argsort(ages)
        place = np.searchsorted(np.cumsum(weights[order]), share * weights.sum())
        return float(ages[order][min(place, ages.size - 1)])


class _Station:
    """A stage with the records that wait for it and the replicas that work on them."""

    def __init__(self, stage: Stage, pipeline: Pipeline, rules: MakeRules) -> None:
        self.stage = stage
        self.writes = _shares(stage, pipeline)
        self.waiting = 0.0
        self._rate = records_a_second(stage.full_name)
        self._scaler = Scaler(rules(self._rate))
        self.replicas = Replicas(self._scaler.wanted)

    def work(self, now: float, came: float, ease: float) -> float:
        """Take what came, and return how many records are done in a step; `ease` 1 is what was measured."""
        self.waiting += came
        done = min(self.waiting, self.replicas.capacity(now, STEP_SECONDS) * self._rate * ease)
        self.waiting -= done
        if now % SYNC_SECONDS == 0:
            uncommitted = came / STEP_SECONDS * COMMIT_SECONDS
            self.replicas.scale_to(self._scaler.look(now, self.waiting + uncommitted), now)
        return done


def simulate(arriving: Series, rules: MakeRules, seed: int) -> Course:
    """Let the time pass in which these items arrive."""
    pipeline = pipelines()["classification"]
    stations = [_Station(stage, pipeline, rules) for stage in pipeline.stages if stage.writes]
    ease = np.random.default_rng(seed).lognormal(0, NOISE, (len(stations), arriving.size))
    lag, replicas, completed = np.zeros_like(ease), np.zeros_like(ease), np.zeros_like(arriving)
    for step, items in enumerate(arriving):
        topics: dict[str, float] = defaultdict(float, {pipeline.edge.name: float(items)})
        for index, station in enumerate(stations):
            done = station.work(float(step * STEP_SECONDS), topics[station.stage.reads.name], ease[index, step])
            for topic, share in station.writes.items():
                topics[topic] += done * share
            lag[index, step], replicas[index, step] = station.waiting, station.replicas.running
        completed[step] = topics[COMPLETED]
    names = [station.stage.name for station in stations]
    return Course(names, lag, replicas, arriving, completed, sum(station.replicas.pauses for station in stations))


def _shares(stage: Stage, pipeline: Pipeline) -> Mapping[str, float]:
    """Topic → records written for each one read."""
    if stage.name == "join":
        parts = sum(stage.reads in other.writes for other in pipeline.stages)
        return {topic.name: 1 / parts for topic in stage.writes}
    if stage.name == "boolean-review":
        return {"classification.reviewed": 1 - CONTESTED, "classification.contested": CONTESTED}
    return {topic.name: 1.0 for topic in stage.writes}
