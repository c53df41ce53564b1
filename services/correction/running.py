"""One run of the pipeline for a command: servers and stages, a source handed in, and the wait for its last row."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final
from uuid import uuid4

from schemas.correction import TranscriptSource
from services.correction.store import PIPELINE, RunProgress, progress_of
from shared.broker.producer import Publisher
from shared.database import Database
from shared.database.ledger import NewBatch, open_batch
from shared.errors import SluiceError, UsageError
from shared.feeding import Feeder
from shared.pipelines import pipelines
from shared.runtime.codec import encode
from shared.service.local import SLUICE, Local, local_stack
from shared.settings import Settings

POLL_SECONDS: Final = 0.2
QUIET_POLLS: Final = 15
"""So many looks without progress, and we ask the stages whether one of them waits for something."""
GIVE_UP_POLLS: Final = 3_000
"""Ten minutes of looks."""

Say = Callable[[str], None]
Show = Callable[[RunProgress], None]


@dataclass(frozen=True, slots=True)
class Running:
    """Everything that a run needs, open."""

    local: Local
    database: Database
    feeder: Feeder
    say: Say

    async def run(self, source: TranscriptSource, provider: str, show: Show) -> str:
        """Hand in a source and wait until all of it is final; returns the id of the run.

        Raises UsageError if the source is refused, SluiceError if nothing moves for ten minutes.
        """
        run_id = f"{PIPELINE}-{uuid4()}"
        batch, _ = await open_batch(self.database, NewBatch(run_id, PIPELINE, None, provider, trace_id=uuid4().hex))
        await self.feeder.publish(batch, [(source.source_id, encode(source).decode())])
        await self._ended(run_id, source, show)
        return run_id

    async def _ended(self, run_id: str, source: TranscriptSource, show: Show) -> None:
        idle, told, last = 0, set[tuple[str, str]](), -1
        while not (seen := await progress_of(self.database, run_id, source.source_id)).ended:
            if seen.refused:
                raise UsageError(seen.refused, remedy="name a file or folder that the stages can read")
            show(seen)
            idle, last = (0 if seen.done != last else idle + 1), seen.done
            if idle and idle % QUIET_POLLS == 0:
                await self._say_who_waits(told)
            if idle >= GIVE_UP_POLLS:
                raise SluiceError(f"nothing has moved for ten minutes in run {run_id}; what is done is stored")
            await asyncio.sleep(POLL_SECONDS)
        show(seen)

    async def _say_who_waits(self, told: set[tuple[str, str]]) -> None:
        found: Mapping[str, str] = await self.local.supervisor.hindrances() if self.local.supervisor else {}
        for stage, reason in set(found.items()) - told:
            told.add((stage, reason))
            self.say(f"{stage} waits: {reason}")


@asynccontextmanager
async def running(settings: Settings, say: Say) -> AsyncIterator[Running]:
    """The configured servers with the stages that run there, else our own for as long as this lasts."""
    pipeline = pipelines()[PIPELINE]
    async with (
        local_stack(settings, pipeline, SLUICE, say) as local,
        Database(local.settings.database) as database,
        Publisher(local.settings.kafka, local.settings.kafka.partitions) as publisher,
    ):
        yield Running(local, database, Feeder(pipeline, database, publisher, local.settings.feed), say)
