"""The whole of Sluice on this machine for as long as a command lasts: servers, tables, topics, stages."""

import asyncio
import fcntl
import sys
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from shared.broker.topics import TopicAdmin
from shared.database import Database, apply_migrations, missing_migrations
from shared.embedded.stack import BROKER, DATABASE, embedded_stack
from shared.errors import UsageError
from shared.runtime.declaration import Pipeline
from shared.service.supervisor import Supervisor
from shared.settings import Settings

Say = Callable[[str], None]

SLUICE = (sys.executable, "-m", "services.cli.main")
"""How a child process of this program is started."""
LOCK_POLL_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Local:
    """What runs. `settings` hold the addresses; `embedded` names the servers that are ours; `supervisor` our stages."""

    settings: Settings
    embedded: tuple[str, ...]
    supervisor: Supervisor | None


@asynccontextmanager
async def local_stack(
    settings: Settings, pipeline: Pipeline, command: Sequence[str], say: Say, *, stages: bool | None = None
) -> AsyncIterator[Local]:
    """Broker and database (configured or embedded) with tables and topics, and the stages of `pipeline` running.

    Stages are started here if any server is embedded, since nobody else could reach it; `stages` overrides that.
    Only one command of a state directory runs those of a pipeline; another one uses them, and takes over when it goes.
    """
    async with embedded_stack(settings, say) as servers, AsyncExitStack() as stack:
        wanted = bool(servers.embedded) if stages is None else stages
        if not wanted:
            await prepare(servers.settings, pipeline, servers.embedded)
            yield Local(servers.settings, servers.embedded, None)
            return
        supervisor = Supervisor(servers.settings, pipeline.stages, command, say)
        lock_file = settings.embedded.directory / f"{pipeline.name}.lock"
        lock = _try_lock(lock_file)
        if lock is None:
            say("the stages are already running here; using those")
            heir = asyncio.create_task(_take_over(lock_file, supervisor, stack, say))
            stack.callback(heir.cancel)
            yield Local(servers.settings, servers.embedded, None)
            return
        stack.callback(lock.close)
        _, _ = await asyncio.gather(
            prepare(servers.settings, pipeline, servers.embedded), stack.enter_async_context(supervisor)
        )
        yield Local(servers.settings, servers.embedded, supervisor)


async def prepare(settings: Settings, pipeline: Pipeline, embedded: Collection[str]) -> None:
    """Bring tables and topics of embedded servers to what this release needs; check those of configured servers.

    Raises UsageError if a configured server lacks something: what is not ours is changed by order only.
    """
    await asyncio.gather(
        _tables(settings, create=DATABASE in embedded), _topics(settings, pipeline, create=BROKER in embedded)
    )


async def _tables(settings: Settings, *, create: bool) -> None:
    async with Database(settings.database) as database:
        if create:
            await apply_migrations(database)
        elif missing := await missing_migrations(database):
            names = ", ".join(migration.name for migration in missing)
            raise UsageError(f"the configured database lacks migrations: {names}", remedy="run `sluice migrate`")


async def _topics(settings: Settings, pipeline: Pipeline, *, create: bool) -> None:
    names, partitions = pipeline.topic_names(), settings.kafka.partitions
    async with TopicAdmin(settings.kafka) as admin:
        if create:
            await admin.ensure(names, partitions, pipeline.keeping())
        elif wrong := [state.name for state in await admin.state(names, partitions) if state.actual != partitions]:
            listed = ", ".join(wrong)
            raise UsageError(f"these topics are not as they should be: {listed}", remedy="run `sluice topics`")


def _try_lock(path: Path) -> IO[bytes] | None:
    """An open, locked file; None if another process holds the lock. The kernel frees it when its holder dies."""
    file = path.open("ab")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        return None
    return file


async def _take_over(path: Path, supervisor: Supervisor, stack: AsyncExitStack, say: Say) -> None:
    while (lock := _try_lock(path)) is None:  # noqa: ASYNC110 -- a lock of another process has no event
        await asyncio.sleep(LOCK_POLL_SECONDS)
    stack.callback(lock.close)
    say("the command that ran the stages has ended; running them here now")
    await stack.enter_async_context(supervisor)
