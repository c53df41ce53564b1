"""The barrier between stages: what is done is counted, and the last shard of a stage starts what waits for it.

Every step forward is one transaction that holds the row of its run: so no wake-up is lost and nothing starts twice,
however many processes work on a run and however often a message comes.
"""

import json
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from schemas.base import SCHEMA_VERSION, Contract
from schemas.deduplication import RunCompleted, ShardReady
from schemas.delivery import Header
from services.deduplication.runs.flow import StagePlan, digest_of, files_for
from services.deduplication.runs.shards import Done, File, Output
from services.deduplication.statements import queries
from shared.database import Database, Executor, Record, Transaction
from shared.database.outbox import Message, add_to_outbox
from shared.runtime.codec import encode
from shared.telemetry.trace_context import new_traceparent

RUNNING = "running"


class Claim(NamedTuple):
    """A shard that is ours to work on, and how often somebody has begun it."""

    slices: int
    shards: int
    inputs: Mapping[str, Sequence[File]]
    rules: str
    attempts: int


def ready_topic(stage: str) -> str:
    """Topic that announces the shards of a stage."""
    return f"dedupe.{stage}.ready"


COMPLETED_TOPIC = "dedupe.run-completed"


async def claim(executor: Executor, ready: ShardReady) -> Claim | None:
    """The shard that a message announces; None if it is done, overtaken, or of a run that does not run."""
    row = await executor.fetchrow(queries()["claim_shard"], ready.run_id, ready.stage, ready.shard, ready.sha256)
    if row is None:
        return None
    inputs = {name: [File(*file) for file in files] for name, files in json.loads(row["inputs"]).items()}
    return Claim(row["slices"], row["shards"], inputs, row["rules"], row["attempts"])


async def give_back(executor: Executor, ready: ShardReady) -> None:
    """The shard was not done, through no fault of its own."""
    await executor.execute(queries()["give_back_shard"], ready.run_id, ready.stage, ready.shard)


async def finish(database: Database, ready: ShardReady, done: Done) -> bool:
    """A shard is done. It counts the first time; the last one of a stage announces those that wait for it alone.

    Returns whether that has left something in the outbox.
    """
    async with database.transaction() as transaction:
        run = await transaction.fetchrow(queries()["lock_run"], ready.run_id)
        if run is None or run["status"] != RUNNING or not await _is_first(transaction, ready, done):
            return False
        if not await transaction.fetchval(queries()["count_shard"], ready.run_id, ready.stage):
            return False
        released = await transaction.fetch(queries()["release_stages"], ready.run_id, ready.stage)
        await proceed(transaction, run, [row["stage"] for row in released if row["stage"]])
        return True


async def _is_first(transaction: Transaction, ready: ShardReady, done: Done) -> bool:
    files = [output.file for output in done.outputs]
    return bool(
        await transaction.fetchval(
            queries()["finish_shard"],
            *(ready.run_id, ready.stage, ready.shard, ready.sha256),
            json.dumps(done.outputs),
            sum(file.rows for file in files),
            sum(file.bytes for file in files),
            *(done.wall_seconds, done.cpu_seconds, done.peak_bytes),
        )
    )


async def proceed(transaction: Transaction, run: Record, stages: Sequence[str] | None = None) -> None:
    """Announce those of `stages` that wait for nothing (None: of all), and that the run is complete if it is."""
    await _announce(transaction, run, stages)
    completed = await transaction.fetchrow(queries()["complete_run"], run["run_id"])
    if completed:
        event = RunCompleted(run_id=run["run_id"], uri=run["run_id"], **dict(completed))
        await add_to_outbox(transaction, [_message(COMPLETED_TOPIC, run["run_id"], event, run)])


async def _announce(transaction: Transaction, run: Record, stages: Sequence[str] | None) -> None:
    """Have the shards worked on that are not done."""
    for row in await transaction.fetch(queries()["stages_to_announce"], run["run_id"], stages):
        stage = stage_of(row)
        made = await made_by(transaction, run["run_id"], stage.needs)
        read = [files_for(stage, shard, made) for shard in range(stage.shards)]
        digests = [digest_of(files, run["config_digest"]) for files in read]
        columns = list(range(stage.shards)), [json.dumps(files) for files in read], digests
        rows = await transaction.fetch(queries()["announce_shards"], run["run_id"], stage.stage, *columns)
        messages = [_ready(run, stage, one["shard"], read[one["shard"]], digests[one["shard"]]) for one in rows]
        topic = ready_topic(stage.stage)
        await add_to_outbox(transaction, [_message(topic, message.shard_id, message, run) for message in messages])


async def made_by(executor: Executor, run_id: str, stages: Sequence[str]) -> dict[str, list[list[Output]]]:
    """What these stages of a run have made, by stage and shard."""
    made: dict[str, list[list[Output]]] = {stage: [] for stage in stages}
    for row in await executor.fetch(queries()["outputs_of_stages"], run_id, stages):
        made[row["stage"]].append(outputs_of(row))
    return made


def outputs_of(row: Record) -> list[Output]:
    """The outputs of a shard's row."""
    return [Output(artifact, part, File(*file)) for artifact, part, file in json.loads(row["outputs"])]


def stage_of(row: Record) -> StagePlan:
    """The stage of a row."""
    reads = {name: (maker, how) for name, (maker, how) in json.loads(row["reads"]).items()}
    return StagePlan(row["stage"], row["shards"], reads)


def _ready(run: Record, stage: StagePlan, shard: int, read: Mapping[str, Sequence[File]], digest: str) -> ShardReady:
    files = [file for those in read.values() for file in those]
    return ShardReady(
        run_id=run["run_id"],
        stage=stage.stage,
        shard=shard,
        shards=stage.shards,
        uri=run["run_id"],
        sha256=digest,
        rows=sum(file.rows for file in files),
        bytes=sum(file.bytes for file in files),
        config_digest=run["config_digest"],
    )


def _message(topic: str, key: str, message: Contract, run: Record) -> Message:
    """A message in the trace of its run."""
    headers = {
        Header.SCHEMA_VERSION: str(SCHEMA_VERSION),
        Header.ATTEMPT: "1",
        Header.BATCH_ID: run["run_id"],
        Header.TRACEPARENT: new_traceparent(trace_id=run["trace_id"]).decode(),
    }
    return Message(topic, key, encode(message).decode(), headers)
