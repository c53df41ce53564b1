"""The handler of every stage: claim each announced shard, have it worked on by a process, and count it as done."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

import structlog

from schemas.deduplication import ShardReady
from schemas.delivery import RejectCode
from services.deduplication.runs.barrier import Claim, claim, finish, give_back
from services.deduplication.runs.shards import DamagedError, Done, Task, do, place_of
from services.deduplication.runs.workers import WorkerDiedError, workers
from shared.database import Database
from shared.database.outbox import Message, remove_from_outbox, waiting_in_outbox
from shared.errors import SluiceError, TransientError, UsageError
from shared.runtime.envelope import OutRecord
from shared.runtime.outbox import Outbox
from shared.runtime.outcome import Outcome, Reject, emit
from shared.runtime.worker import Publish
from shared.settings import Settings

log = structlog.get_logger()

MOST_ATTEMPTS = 5
"""At one shard that end without a word: whatever kills its workers will go on doing so."""
RELAYED_AT_ONCE = 500


async def work_shards(
    shards: Sequence[ShardReady], database: Database, outbox: Outbox, settings: Settings
) -> list[Outcome]:
    """Work on shards side by side. What is done already is not done again, however often it is announced."""
    wanted = {shard.shard_id: shard for shard in shards}
    work = [_work_shard(shard, database, outbox, settings) for shard in wanted.values()]
    found = dict(zip(wanted, await asyncio.gather(*work, return_exceptions=True), strict=True))
    return [_outcome(found[shard.shard_id]) for shard in shards]


def _outcome(found: Outcome | BaseException) -> Outcome:
    if isinstance(found, BaseException):
        raise found
    return found


async def _work_shard(ready: ShardReady, database: Database, outbox: Outbox, settings: Settings) -> Outcome:
    async with workers(settings.dedupe.workers).free() as worker, _claimed(database, ready) as claimed:
        if claimed is None:
            return emit()
        if claimed.attempts > MOST_ATTEMPTS:
            detail = f"{MOST_ATTEMPTS} workers ended over it; if memory was short, use more --shards"
            return _reject(ready, RejectCode.RETRIES_EXHAUSTED, detail)
        try:
            done = await worker.run(do, _task(ready, claimed, settings))
        except TransientError:
            raise
        except Exception as error:
            return _failed(ready, error)
        _tell(ready, claimed, done)
        if await finish(database, ready, done):
            await relay(database, outbox)
        return emit()


@asynccontextmanager
async def _claimed(database: Database, ready: ShardReady) -> AsyncIterator[Claim | None]:
    """Claim a shard. It does not count as attempted if its work ends for a reason that is not its own."""
    claimed = await claim(database, ready)
    try:
        yield claimed
    except WorkerDiedError:
        raise
    except (TransientError, asyncio.CancelledError):  # the latter: a restart, or a partition that others have now
        with suppress(SluiceError):
            await give_back(database, ready)
        raise


def _tell(ready: ShardReady, claimed: Claim, done: Done) -> None:
    files = [output.file for output in done.outputs]
    log.info(
        "shard done",
        **_named(ready),
        attempt=claimed.attempts,
        rows=sum(file.rows for file in files),
        bytes=sum(file.bytes for file in files),
        seconds=round(done.wall_seconds, 3),
        cpu_seconds=round(done.cpu_seconds, 3),
        peak_bytes=done.peak_bytes,
    )


def _failed(ready: ShardReady, error: Exception) -> Reject:
    """What to say of a step that fails, and will again."""
    if isinstance(error, DamagedError):
        return _reject(
            ready, RejectCode.INCOMPLETE, f"{error}; `sluice dedupe FILE --resume {ready.run_id}` repairs it"
        )
    if isinstance(error, UsageError):  # the input is at fault, and not a setting
        return _reject(ready, RejectCode.INVALID_VALUE, str(error))
    log.error("step failed", **_named(ready), exc_info=error)
    return _reject(ready, RejectCode.HANDLER_ERROR, f"{type(error).__name__}; the log of the stage tells more")


def _named(ready: ShardReady) -> dict[str, str | int]:
    """What every line of the log says of a shard."""
    return {
        "stage": f"dedupe.{ready.stage}",
        "run_id": ready.run_id,
        "config_digest": ready.config_digest,
        "shard": ready.shard,
    }


def _reject(ready: ShardReady, code: RejectCode, detail: str) -> Reject:
    return Reject(code, f"{ready.shard_id}: {detail}")


def _task(ready: ShardReady, claimed: Claim, settings: Settings) -> Task:
    place = place_of(settings), ready.run_id, ready.stage, ready.shard
    return Task(*place, claimed.slices, claimed.shards, claimed.inputs, claimed.rules)


async def relay(database: Database, outbox: Outbox) -> None:
    """Publish what transactions have left for topics of this stage; after a crash in between it is published again."""
    await publish_waiting(database, outbox.topics, outbox.forward)


async def publish_waiting(database: Database, topics: Sequence[str], publish: Publish) -> None:
    """Publish what waits in the outbox for these topics."""
    async with database.transaction() as transaction:
        waiting = await waiting_in_outbox(transaction, topics, RELAYED_AT_ONCE)
        if waiting:
            await publish([as_record(message) for message in waiting.values()])
            await remove_from_outbox(transaction, list(waiting))


def as_record(message: Message) -> OutRecord:
    """A message of the outbox, to be published."""
    headers = [(name, value.encode()) for name, value in message.headers.items()]
    return OutRecord(message.topic, message.key.encode(), message.payload.encode(), headers)
