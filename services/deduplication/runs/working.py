"""What a worker process does: read what a shard is made of, run its step, keep what comes out."""

import resource
import time
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache

import pyarrow as pa

from services.deduplication.plan import PLAN
from services.deduplication.rules import Rules
from services.deduplication.runs.shards import Done, File, Output, Place, Task
from services.deduplication.runs.storage import Storage
from services.deduplication.work import Part, Parts, Reads, Step

READ_BY_ALL = 4
"""Tables that a worker keeps: as many as one step has that all its shards read."""
ONE_THREAD = 1
"""For Arrow: what works in parallel here is the processes."""


def work(task: Task) -> Done:
    """Do a shard. Doing it again leaves the same files. Raises DamagedError and TransientError."""
    wall, cpu = time.perf_counter(), time.process_time()
    pa.set_cpu_count(ONE_THREAD)
    storage, step = _storage(task.place), step_named(task.stage)
    tables = {artifact: _read(task.place, step, artifact, tuple(files)) for artifact, files in task.inputs.items()}
    part = Part(task.shard, task.slices, task.shards)
    produced = step.work(tables, part, _rules(task.rules))
    outputs = [
        Output(artifact, part, storage.write(_name(task, artifact, part), table))
        for artifact, made in produced.items()
        for part, table in _parts(made)
    ]
    del tables, produced
    pa.default_memory_pool().release_unused()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return Done(outputs, time.perf_counter() - wall, time.process_time() - cpu, peak)


def _read(place: Place, step: Step, artifact: str, files: tuple[File, ...]) -> pa.Table:
    """The tables of these files as one, in order."""
    every_shard = step.reads[artifact] is Reads.ALL and step.parts is not Parts.SINGLE
    return _kept(place, files) if every_shard else _gathered(place, files)


def _gathered(place: Place, files: tuple[File, ...]) -> pa.Table:
    return pa.concat_tables(_storage(place).read(file) for file in files)


@lru_cache(maxsize=READ_BY_ALL)
def _kept(place: Place, files: tuple[File, ...]) -> pa.Table:
    """What the next shard of the stage reads as well. It cannot change: the digests of its files are in the key."""
    return _gathered(place, files)


@cache
def step_named(name: str) -> Step:
    """The step of the plan."""
    return next(step for step in PLAN if step.name == name)


def _parts(made: pa.Table | Sequence[pa.Table]) -> Iterator[tuple[int | None, pa.Table]]:
    if isinstance(made, pa.Table):
        yield None, made
    else:
        yield from enumerate(made)


def _name(task: Task, artifact: str, part: int | None) -> str:
    name = f"{task.run_id}/{task.stage}/{artifact}-{task.shard:04}"
    return name if part is None else f"{name}-for-{part:04}"


@cache
def _storage(place: Place) -> Storage:
    return Storage(place)


@cache
def _rules(text: str) -> Rules:
    return Rules.model_validate_json(text)
