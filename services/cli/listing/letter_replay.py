"""One run of `sluice dead-letters replay`: the servers it needs, its progress, and its end by Ctrl-C."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass

from rich.console import Console
from rich.progress import Progress

from services.cli.listing import letters
from shared.broker.originals import Originals
from shared.broker.producer import Publisher
from shared.database import Database
from shared.database.views import LetterFilter
from shared.replaying import Edit, Rehearsal, Replay, Replayer, Terms
from shared.replaying.letters import known_letters
from shared.runtime.envelope import Record
from shared.settings import Settings
from shared.terminal.connect import open_broker, open_database
from shared.terminal.interrupting import interruptible, wait


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody wants to be replayed, and how. Without ids: what matches `which`."""

    ids: Sequence[int]
    which: LetterFilter
    limit: int | None
    rate: float
    edit: Edit | None
    force: bool
    dry_run: bool


async def carry_out(settings: Settings, asked: Asked) -> Replay:
    """Replay or rehearse it. Raises UsageError for an unknown id."""
    terms = Terms(settings.runtime.dead_letter_replays, asked.force, asked.edit)
    async with open_database(settings) as database:
        if asked.ids:
            chosen = await known_letters(database, asked.ids)
        else:
            chosen = await letters.matching(database, asked.which, asked.limit)
        if asked.dry_run or not chosen:
            async with _BrokerIfNeeded(settings) as originals:
                return await Rehearsal(database, terms, originals).replay(chosen)
        return await _publish(settings, database, terms, asked.rate, chosen)


async def _publish(settings: Settings, database: Database, terms: Terms, rate: float, chosen: Sequence[int]) -> Replay:
    async with (
        open_broker(settings) as kafka,
        Publisher(kafka, kafka.partitions) as publisher,
        Originals(kafka) as originals,
    ):
        with interruptible() as stop, _progress(len(chosen)) as report:
            replayer = Replayer(
                database,
                terms,
                originals,
                publisher,
                per_second=rate,
                pause=lambda seconds: wait(stop, seconds),
                stopped=stop.is_set,
                report=report,
            )
            return await replayer.replay(chosen)


class _BrokerIfNeeded:
    """Originals for a rehearsal, which can do without a broker as long as no letter was cut."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._closing = AsyncExitStack()
        self._originals: Originals | None = None

    async def __aenter__(self) -> "_BrokerIfNeeded":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._closing.aclose()

    async def find(self, topic: str, partition: int, offset: int, timestamp: int) -> Record | None:
        """As `Originals.find`."""
        if self._originals is None:
            kafka = await self._closing.enter_async_context(open_broker(self._settings))
            self._originals = await self._closing.enter_async_context(Originals(kafka))
        return await self._originals.find(topic, partition, offset, timestamp)


@contextmanager
def _progress(total: int) -> Iterator[Callable[[Replay], None]]:
    """A bar on the terminal, gone when all is done; nothing where nobody watches."""
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("replaying", total=total)
        yield lambda done: bar.update(task, completed=done.seen)
