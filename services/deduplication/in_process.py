"""The whole plan in this process: what evaluation and tests run, and the yardstick of every other way to run it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from time import perf_counter

import pyarrow as pa

from services.deduplication.given import BLACKLIST, OVERRIDES
from services.deduplication.plan import PLAN
from services.deduplication.rules import Rules
from services.deduplication.work import Part, Reads, Step

Artifacts = dict[str, list[pa.Table] | list[list[pa.Table]]]
"""By name: a table for each part that made it, or, where it is routed, a list of tables for each."""

Observe = Callable[[str, float], None]


def deduplicate(
    inputs: Sequence[pa.Table],
    mapping: pa.Table,
    rules: Rules,
    *,
    shards: int = 1,
    overrides: pa.Table | None = None,
    blacklist: pa.Table | None = None,
    observe: Observe = lambda step, seconds: None,
) -> Mapping[str, pa.Table]:
    """Run every step; returns what the last ones make, and all other artifacts that are not routed."""
    artifacts: Artifacts = {
        "input": list(inputs),
        "mapping": [mapping],
        "overrides": [overrides or OVERRIDES.empty_table()],
        "blacklist": [blacklist or BLACKLIST.empty_table()],
    }
    for step in PLAN:
        start = perf_counter()
        _run(step, artifacts, rules, inputs=len(inputs), shards=shards)
        observe(step.name, perf_counter() - start)
    return {name: pa.concat_tables(made) for name, made in artifacts.items() if isinstance(made[0], pa.Table)}


def _run(step: Step, artifacts: Artifacts, rules: Rules, *, inputs: int, shards: int) -> None:
    for number in range(step.count(inputs, shards)):
        tables = {name: _read(artifacts[name], reads, number) for name, reads in step.reads.items()}
        produced = step.work(tables, Part(number, inputs, shards), rules)
        for name in step.makes:
            artifacts.setdefault(name, []).append(produced[name])


def _read(made: Iterable, reads: Reads, number: int) -> pa.Table:
    if reads is Reads.ROUTED:
        return pa.concat_tables([tables[number] for tables in made])
    return made[number] if reads is Reads.SAME else pa.concat_tables(made)
