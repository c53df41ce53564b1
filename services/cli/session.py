"""What the commands that run the pipeline share: the local stack, a feeder, a display."""

import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from rich.console import Console

from services.cli.classification_run import ClassificationRun
from services.cli.progress import Progress, progress_for
from shared.broker.producer import Publisher
from shared.database import Database
from shared.database.ledger import Item
from shared.embedded.stack import DATABASE
from shared.feeding import Feeder
from shared.pipelines import pipelines
from shared.runtime.declaration import Pipeline
from shared.service.local import SLUICE, Local, local_stack
from shared.settings import Settings
from shared.telemetry.exporting import exporting


def classification() -> Pipeline:
    """The pipeline that `classify` feeds."""
    return pipelines()["classification"]


@dataclass(frozen=True, slots=True)
class Session:
    """An open connection to everything a run needs."""

    local: Local
    database: Database
    feeder: Feeder
    console: Console
    quiet: bool

    def place(self) -> str:
        """Where results lie, without the password."""
        settings = self.local.settings
        if DATABASE in self.local.embedded:
            return f"classifications, in the embedded database under {settings.embedded.directory}"
        url = settings.database.url.get_secret_value() if settings.database.url else ""
        return f"classifications, at {url.rpartition('@')[2].partition('?')[0]}"

    def progress(self) -> Progress:
        """A display for one run."""
        return progress_for(self.console, time.monotonic, self.quiet)

    def new_run(self, progress: Progress, *, provider: str = "", key: str | None = None) -> ClassificationRun:
        """A run that shows itself on `progress`."""
        settings = self.local.settings.feed
        return ClassificationRun(
            self.feeder,
            self.database,
            settings,
            progress,
            self._last_seen,
            self._hindrances,
            provider=provider,
            key=key,
        )

    async def _hindrances(self) -> Mapping[str, str]:
        """Stages of this command that wait, and why; those that run elsewhere say it under /health/ready."""
        supervisor = self.local.supervisor
        return await supervisor.hindrances() if supervisor else {}

    async def _last_seen(self, items: Sequence[Item]) -> Mapping[str, str]:
        """Stage on whose input each item was last seen, from Kafka itself."""
        from shared.broker.scan import last_seen

        oldest = min((item.created_at.timestamp() for item in items), default=0.0)
        found = await last_seen(self.local.settings.kafka, classification(), [item.item_id for item in items], oldest)
        return {item_id: seen.stage for item_id, seen in found.items()}


@asynccontextmanager
async def session(settings: Settings, console: Console, *, quiet: bool = False) -> AsyncIterator[Session]:
    """Open everything; what was started is stopped afterwards. Messages go to `console`."""

    def say(message: str) -> None:
        if not quiet:
            console.print(message, style="dim", highlight=False, markup=False)

    pipeline = classification()
    with exporting(settings.tracing, "sluice-cli", begins_traces=True):
        async with (
            local_stack(settings, pipeline, SLUICE, say) as local,
            Database(local.settings.database) as database,
            Publisher(local.settings.kafka, local.settings.kafka.partitions) as publisher,
        ):
            feeder = Feeder(pipeline, database, publisher, local.settings.feed, settings.tracing.ratio)
            yield Session(local, database, feeder, console, quiet)
