"""What the commands that run deduplication share: the local stack, the storage, and following a run to its end."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from services.deduplication.pipeline import DEDUPE
from services.deduplication.runs.shards import place_of
from services.deduplication.runs.stage import publish_waiting
from services.deduplication.runs.storage import Storage
from services.deduplication.runs.store import Run, StageState, Status, end, find, stages_of
from shared.broker.producer import Publisher
from shared.database import Database
from shared.service.local import SLUICE, Local, Say, local_stack
from shared.settings import Settings
from shared.telemetry.exporting import exporting
from shared.terminal.interrupting import wait

POLL_SECONDS = 0.25
QUIET_SECONDS = 2.0
"""After this without progress we ask the stages whether one of them waits for something."""
ABANDONED_SECONDS = 20.0
"""After this without progress we ask whether stages that are not ours run at all."""
GIVE_UP_SECONDS = 600.0
NO_STAGES = "do its stages run? `sluice up --pipeline dedupe` runs them, `sluice lag` shows how far they are"

Show = Callable[[Sequence[StageState]], None]


@dataclass(frozen=True, slots=True)
class Session:
    """An open connection to everything a run needs."""

    local: Local
    database: Database
    storage: Storage
    publisher: Publisher
    say: Say

    async def announce(self) -> None:
        """Publish the first messages of a run; all others are the stages' own."""
        await publish_waiting(self.database, [DEDUPE.edge.name], self.publisher.publish)

    async def follow(self, run_id: str, show: Show, stop: asyncio.Event) -> Run:
        """Wait for the end of a run. It is interrupted if `stop` is set, and if nothing moves for ten minutes."""
        seen, told, moved = -1, set[tuple[str, str]](), time.monotonic()
        while True:
            run, stages = await find(self.database, run_id), await stages_of(self.database, run_id)
            show(stages)
            if run.status is not Status.RUNNING:
                return run
            if (done := sum(stage.done for stage in stages)) != seen:
                seen, moved = done, time.monotonic()
            idle = time.monotonic() - moved
            if stop.is_set() or idle > GIVE_UP_SECONDS:
                reason = "interrupted" if stop.is_set() else "nothing has moved for ten minutes"
                await end(self.database, run_id, Status.INTERRUPTED, reason)
                continue
            if idle > (QUIET_SECONDS if self.local.supervisor else ABANDONED_SECONDS):
                await self._say_who_waits(told)
            await wait(stop, POLL_SECONDS)

    async def _say_who_waits(self, told: set[tuple[str, str]]) -> None:
        supervisor = self.local.supervisor
        hindrances = await supervisor.hindrances() if supervisor else {"the run": NO_STAGES}
        for stage, reason in hindrances.items():
            if (stage, reason) not in told:
                told.add((stage, reason))
                self.say(f"{stage} waits: {reason}")


@asynccontextmanager
async def session(settings: Settings, say: Say) -> AsyncIterator[Session]:
    """Open everything; what was started is stopped afterwards.

    Stages that are started here share one process: what is heavy is done by its workers.
    """
    runtime = settings.runtime.model_copy(update={"worker_processes": 1})
    settings = settings.model_copy(update={"runtime": runtime})
    with exporting(settings.tracing, "sluice-cli", begins_traces=True):
        async with (
            local_stack(settings, DEDUPE, SLUICE, say) as local,
            Database(local.settings.database) as database,
            Publisher(local.settings.kafka, local.settings.kafka.partitions) as publisher,
        ):
            yield Session(local, database, Storage(place_of(local.settings)), publisher, say)
