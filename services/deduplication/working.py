"""What a worker process does: read what a shard is made of, run its step, keep what comes out."""

import resource
import time
from collections.abc import Iterator, Sequence
from functools import cache

import pyarrow as pa

from services.deduplication.plan import PLAN
from services.deduplication.rules import Rules
from services.deduplication.shards import Done, File, Output, Place, Task
from services.deduplication.storage import Storage
from services.deduplication.work import Part, Step

ONE_THREAD = 1
"""For Arrow: what works in parallel here is the processes."""


def work(task: Task) -> Done:
    """Do a shard. Doing it again leaves the same files. Raises DamagedError and TransientError."""
    wall, cpu = time.perf_counter(), time.process_time()
    pa.set_cpu_count(ONE_THREAD)
    storage = _storage(task.place)
    tables = {artifact: gathered(storage, files) for artifact, files in task.inputs.items()}
    part = Part(task.shard, task.slices, task.shards)
    produced = step_named(task.stage).work(tables, part, _rules(task.rules))
    outputs = [
        Output(artifact, part, storage.write(_name(task, artifact, part), table))
        for artifact, made in produced.items()
        for part, table in _parts(made)
    ]
    del tables, produced
    pa.default_memory_pool().release_unused()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return Done(outputs, time.perf_counter() - wall, time.process_time() - cpu, peak)


def gathered(storage: Storage, files: Sequence[File]) -> pa.Table:
    """The tables of these files as one, in order."""
    return pa.concat_tables(storage.read(file) for file in files)


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
