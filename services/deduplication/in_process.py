"""The whole plan in this process: what evaluation and tests run, and the yardstick of every other way to run it."""

from collections.abc import Callable, Collection, Mapping, Sequence
from time import perf_counter
from typing import Any

import pyarrow as pa

from services.deduplication.given import Given
from services.deduplication.plan import PLAN
from services.deduplication.rules import Rules
from services.deduplication.work import Part, Reads, Step

RESULTS = ("review_ready", "group_stats", "group_details", "audit", "diagnostics", "review_meta", "perf_summary")

Artifacts = dict[str, list[pa.Table | Sequence[pa.Table]]]
"""By name: what each part made; where it is routed, a table for each part that reads it."""


def deduplicate(
    given: Given,
    rules: Rules,
    *,
    shards: int = 1,
    keep: Collection[str] = (),
    observe: Callable[[str, float], None] = lambda step, seconds: None,
) -> Mapping[str, pa.Table]:
    """Run every step; returns the results and the artifacts to keep. Others are dropped behind their last reader."""
    artifacts: Artifacts = {
        "input": list(given.inputs),
        "mapping": [given.mapping],
        "overrides": [given.overrides],
        "blacklist": [given.blacklist],
    }
    for place, step in enumerate(PLAN):
        start = perf_counter()
        _run(step, artifacts, rules, inputs=len(given.inputs), shards=shards)
        observe(step.name, perf_counter() - start)
        needed = {name for later in PLAN[place + 1 :] for name in later.reads} | {*RESULTS, *keep}
        artifacts = {name: made for name, made in artifacts.items() if name in needed}
    return {name: pa.concat_tables(made) for name, made in artifacts.items()}


def _run(step: Step, artifacts: Artifacts, rules: Rules, *, inputs: int, shards: int) -> None:
    for number in range(step.count(inputs, shards)):
        tables = {name: _read(artifacts[name], reads, number) for name, reads in step.reads.items()}
        produced = step.work(tables, Part(number, inputs, shards), rules)
        for name in step.makes:
            artifacts.setdefault(name, []).append(produced[name])


def _read(made: Sequence[Any], reads: Reads, number: int) -> pa.Table:
    if reads is Reads.ROUTED:
        return pa.concat_tables([tables[number] for tables in made])
    return made[number] if reads is Reads.SAME else pa.concat_tables(made)
