"""A run of deduplication in this process: every shard is worked on as a stage would, and no broker is needed."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from schemas.deduplication import ShardReady
from services.deduplication.pipeline import DEDUPE
from services.deduplication.rules import Rules
from services.deduplication.runs.barrier import claim, finish
from services.deduplication.runs.preparing import Source, Wanted
from services.deduplication.runs.results import Made
from services.deduplication.runs.shards import Place, Task, do
from services.deduplication.runs.starting import Decided, start
from services.deduplication.runs.storage import Storage
from services.deduplication.runs.store import Run, find, outputs_by_shard
from shared.database import Database
from shared.database.outbox import remove_from_outbox, waiting_in_outbox
from tests.companies import HEADERS, Companies, account_id

ROWS = 2_000
MARKUP = '<script>alert(1)</script> & "Sons" {{7*7}} Inc'
FORMULA = "=HYPERLINK(1) Holdings LLC"


@dataclass(frozen=True)
class Here:
    """Where runs are, and the one that tests look at."""

    place: Place
    run: Run
    made: Made

    def table(self, artifact: str) -> pa.Table:
        return self.made.table(artifact)


def companies(rows: int = ROWS) -> Source:
    """An export with names that are markup, or a formula to a spreadsheet."""
    cells = [row.cells for row in Companies(5).rows(rows)]
    odd = [MARKUP, MARKUP.upper(), FORMULA, FORMULA]
    blank = [""] * (len(HEADERS) - 3)
    cells += [(account_id(rows + place), name, "2024-01-01", *blank) for place, name in enumerate(odd)]
    return as_source(cells)


def as_source(cells: Sequence[Sequence[str]]) -> Source:
    text = io.StringIO()
    csv.writer(text).writerows([HEADERS, *cells])
    return Source.read("companies <b>.csv", text.getvalue().encode())


async def begin_run(database: Database, place: Place, source: Source, run_type: str = "prod") -> str:
    """A run that nobody works on yet."""
    return await start(database, Storage(place), source, Wanted(Rules(), {}, 2, run_type), Decided())


async def complete_run(database: Database, place: Place, source: Source, run_type: str = "prod") -> Here:
    """A run from its beginning to its end."""
    run_id = await begin_run(database, place, source, run_type)
    while waiting := await _announced(database, run_id):
        for ready in waiting:
            claimed = await claim(database, ready)
            assert claimed
            shard = place, run_id, ready.stage, ready.shard
            task = Task(*shard, claimed.slices, claimed.shards, claimed.inputs, claimed.rules)
            await finish(database, ready, do(task))
    return Here(place, await find(database, run_id), Made(Storage(place), await outputs_by_shard(database, run_id)))


async def _announced(database: Database, run_id: str) -> list[ShardReady]:
    """What a broker would bring to the stages."""
    async with database.transaction() as transaction:
        waiting = await waiting_in_outbox(transaction, DEDUPE.topic_names(), 1_000)
        ready = {number: one for number, one in waiting.items() if one.topic.endswith(".ready") and run_id in one.key}
        await remove_from_outbox(transaction, list(ready))
    return [ShardReady.model_validate_json(one.payload) for one in ready.values()]
