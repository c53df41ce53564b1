"""Deduplication, the whole flow in order: each stage starts when the one before it is complete.

ingest ─ normalize ─ index ─ keys ─ pairs ─ score ─ group ─ membership ─┐
    ┌───────────────────────────────────────────────────────────────────┘
    └─ survivorship ─ alias ─ disposition ─┬─ statistics
                                           └─ export              whatever fails ─ dead-letter

What the stages do is said in `plan.py`, which is not imported here: every process reads the declarations, few of them
need what the steps need.
"""

from typing import NamedTuple

from schemas.deduplication import RunCompleted, ShardReady
from services.deduplication.runs.barrier import COMPLETED_TOPIC, ready_topic
from services.deduplication.runs.failing import fail_runs
from services.deduplication.runs.stage import relay, work_shards
from services.deduplication.runs.workers import warm_up
from shared.runtime.declaration import EVIDENCE, BatchLimits, Pipeline


class Declared(NamedTuple):
    """A stage: its name, the stages that it may start, what its shards wait for to be announced."""

    name: str
    starts: tuple[str, ...]
    meaning: str


FLOW = (
    Declared("ingest", ("normalize",), "Slices of the input"),
    Declared("normalize", ("index",), "Records with their ids and dates read"),
    Declared("index", ("keys",), "Normalised names and aliases"),
    Declared("keys", ("pairs",), "Distinct names and the frequencies of their tokens"),
    Declared("pairs", ("score",), "Names by the keys they share"),
    Declared("score", ("group",), "Pairs of names to compare"),
    Declared("group", ("membership",), "Pairs that are alike enough"),
    Declared("membership", ("survivorship",), "Groups of names"),
    Declared("survivorship", ("alias",), "Records with their groups"),
    Declared("alias", ("disposition",), "Groups with their primary records"),
    Declared("disposition", ("statistics", "export"), "Aliases with the groups they name"),
    Declared("statistics", (), "Records with what is to become of them, for the tables of a run"),
    Declared("export", (), "The same, for the rows of the input"),
)
TOGETHER = BatchLimits(records=16)
"""Shards that a stage process takes at once; its worker processes share them."""
RELAY_SECONDS = 5.0
"""Only what a crash left behind waits for it: whoever completes a stage publishes at once."""

DEDUPE = Pipeline("dedupe", key="shard_id", again="sluice dedupe --output DIR --resume {batch_id}")
READY = {stage.name: DEDUPE.topic(ready_topic(stage.name), ShardReady, stage.meaning) for stage in FLOW}
COMPLETED = DEDUPE.topic(COMPLETED_TOPIC, RunCompleted, "Every stage of a run is complete", EVIDENCE)

for place, declared in enumerate(FLOW):
    DEDUPE.stage(
        declared.name,
        work_shards,
        reads=READY[declared.name],
        writes=[READY[name] for name in declared.starts] or [COMPLETED],
        batch=TOGETHER,
        edge=place == 0,
        waits=True,
        sweeps=[(RELAY_SECONDS, relay)],
        prepare=warm_up,
    )
DEDUPE.stage("dead-letter", fail_runs, reads=DEDUPE.dead_letters, waits=True)
