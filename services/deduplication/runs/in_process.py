"""The whole plan in this process: what evaluation and tests run, and the yardstick of every other way to run it."""

from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Executor
from time import perf_counter
from typing import Any

import pyarrow as pa

from services.deduplication.inputs.given import Given
from services.deduplication.plan import PLAN
from services.deduplication.rules import Rules
from services.deduplication.work import Part, Reads

RESULTS = ("review_ready", "group_stats", "group_details", "audit", "diagnostics", "review_meta", "perf_summary")

Artifacts = dict[str, list[pa.Table | Sequence[pa.Table]]]
"""By name: what each part made; where it is routed, a table for each part that reads it."""


def deduplicate(
    given: Given,
    rules: Rules,
    *,
    shards: int = 1,
    keep: Collection[str] = (),
    executor: Executor | None = None,
    observe: Callable[[str, float], None] = lambda step, seconds: None,
) -> Mapping[str, pa.Table]:
    """Run every step; returns the results and the artifacts to keep. Others are dropped behind their last reader.

    An executor runs the parts of a step beside each other.
    """
    artifacts: Artifacts = {
        "input": list(given.inputs),
        "mapping": [given.mapping],
        "overrides": [given.overrides],
        "blacklist": [given.blacklist],
        "previous": [given.previous],
    }
    for place, step in enumerate(PLAN):
        start = perf_counter()
        parts = [Part(number, len(given.inputs), shards) for number in range(step.count(len(given.inputs), shards))]
        tables = [
            {name: _read(artifacts[name], how, part.number) for name, how in step.reads.items()} for part in parts
        ]
        run = executor.map if executor and len(parts) > 1 else map
        for produced in run(step.work, tables, parts, [rules] * len(parts)):
            for name in step.makes:
                artifacts.setdefault(name, []).append(produced[name])
        observe(step.name, perf_counter() - start)
        needed = {name for later in PLAN[place + 1 :] for name in later.reads} | {*RESULTS, *keep}
        artifacts = {name: made for name, made in artifacts.items() if name in needed}
    return {name: pa.concat_tables(made) for name, made in artifacts.items()}


def _read(made: Sequence[Any], reads: Reads, number: int) -> pa.Table:
    if reads is Reads.ROUTED:
        return pa.concat_tables([tables[number] for tables in made])
    return made[number] if reads is Reads.SAME else pa.concat_tables(made)
