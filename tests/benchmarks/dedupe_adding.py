"""How long it takes until a new record is in its group: found, explained and kept in Postgres, one after the other."""

import random
import time
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from rich.table import Table

from services.deduplication.increments.additions import Adding
from services.deduplication.increments.placing import READ, NewRecord, Outcome, Placing
from services.deduplication.rules import Rules
from services.deduplication.runs.results import Made
from services.deduplication.runs.storage import Storage
from services.deduplication.runs.store import Run, outputs_by_shard
from shared.database import Database
from tests.companies import Companies

RECORDS, SEED = 1_000, 11
TARGET_MS = {100_000: 50.0, 1_000_000: 100.0}
"""For 95 % of them, by how many records there are."""


class Spent(NamedTuple):
    """Milliseconds that a record took, and of them what this process worked."""

    wall: float
    cpu: float


async def add_one_by_one(database: Database, storage: Storage, run: Run) -> Sequence[Spent]:
    """What each record took. Half are of accounts of the run with a letter left out, half of other companies."""
    made = Made(storage, await outputs_by_shard(database, run.run_id))
    tables = {artifact: made.table(artifact) for artifact in READ}
    adding = Adding(database, run, Placing(tables, Rules.model_validate_json(run.rules)))
    taken = []
    for record in _records(tables["survivors"]["name_raw"].to_pylist()):
        began, cpu = time.perf_counter(), time.process_time()
        (placed,) = await adding.add([record])
        taken.append(Spent(1000 * (time.perf_counter() - began), 1000 * (time.process_time() - cpu)))
        assert placed.outcome is Outcome.ADDED
    return taken


def _records(names: Sequence[str]) -> list[NewRecord]:
    rng = random.Random(SEED)
    known = [_misspelt(rng, name) for name in rng.sample(names, RECORDS // 2)]
    others = [row.cells[1] for row in Companies(SEED).rows(RECORDS // 2)]
    return [NewRecord(f"{number:018}", name, name) for number, name in enumerate([*known, *others])]


def _misspelt(rng: random.Random, name: str) -> str:
    place = rng.randrange(len(name))
    return name[:place] + name[place + 1 :]


def shown(taken: Sequence[Spent], rows: int) -> Table:
    """The times beside their target."""
    title = f"Added, {len(taken):,} records one by one"
    table = Table("", "ms", "target", "CPU ms", title=title, title_justify="left")
    walls, cpus = zip(*taken, strict=True)
    promised = next((target for most, target in TARGET_MS.items() if rows <= most), TARGET_MS[1_000_000])
    for percent in (50, 95, 99):
        target = f"{promised:.0f}" if percent == 95 else ""
        wall, cpu = (f"{np.percentile(times, percent):.1f}" for times in (walls, cpus))
        table.add_row(f"p{percent}", wall, target, cpu)
    return table
