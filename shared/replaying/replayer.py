"""Publishing dead letters again: in small steps, so that it can be slow, be stopped, and go on later."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from shared.broker.producer import Publisher
from shared.database import Database
from shared.database.dead_letters import dead_letters_by_id, note_edits, resolve_dead_letters
from shared.replaying.records import Place, RefusedError, Terms, rebuild
from shared.runtime.envelope import OutRecord

REPLAYED = "replayed"
CHUNK = 100


@dataclass(slots=True)
class Replay:
    """What became of the letters: those on their way again, and those that cannot be, with the reason."""

    replayed: list[int] = field(default_factory=list)
    refused: dict[int, str] = field(default_factory=dict)
    stopped: bool = False
    """Somebody wanted it to end before all were done. The others are as they were."""

    @property
    def seen(self) -> int:
        """How many have been decided on."""
        return len(self.replayed) + len(self.refused)


class Rehearsal:
    """Finds out what a replay would do, and does nothing."""

    def __init__(self, database: Database, terms: Terms, originals: Place) -> None:
        self._database = database
        self._terms = terms
        self._originals = originals

    async def replay(self, ids: Sequence[int]) -> Replay:
        """What would become of them."""
        done = Replay()
        for start in range(0, len(ids), CHUNK):
            await self._chunk(ids[start : start + CHUNK], done)
        return done

    async def _chunk(self, ids: Sequence[int], done: Replay) -> None:
        done.replayed += await self._rebuild(ids, done)

    async def _rebuild(self, ids: Sequence[int], done: Replay) -> dict[int, OutRecord]:
        """The records to publish; those that cannot be are noted as refused."""
        records: dict[int, OutRecord] = {}
        for letter in await dead_letters_by_id(self._database, ids):
            try:
                records[letter["id"]] = await rebuild(letter, self._terms, self._originals)
            except RefusedError as error:
                done.refused[letter["id"]] = str(error)
        return records


class Replayer(Rehearsal):
    """Publishes dead letters again, at most `per_second`.

    `pause` is how it waits; `stopped` is asked between two steps, `report` told after each.
    """

    def __init__(  # noqa: PLR0913 -- what a replay is made of; everything is injected
        self,
        database: Database,
        terms: Terms,
        originals: Place,
        publisher: Publisher,
        *,
        per_second: float,
        pause: Callable[[float], Awaitable[object]] = asyncio.sleep,
        stopped: Callable[[], bool] = lambda: False,
        report: Callable[[Replay], None] = lambda _: None,
    ) -> None:
        super().__init__(database, terms, originals)
        self._publisher = publisher
        self._per_second = per_second
        self._pause = pause
        self._stopped = stopped
        self._report = report

    async def replay(self, ids: Sequence[int]) -> Replay:
        """Publish and mark them, a chunk at a time. After a crash in between, one may be published twice: harmless."""
        done, size = Replay(), max(1, min(CHUNK, int(self._per_second)))
        for start in range(0, len(ids), size):
            if start:
                await self._pause(size / self._per_second)
            if self._stopped():
                done.stopped = True
                break
            await self._chunk(ids[start : start + size], done)
            self._report(done)
        return done

    async def _chunk(self, ids: Sequence[int], done: Replay) -> None:
        records = await self._rebuild(ids, done)
        edited = [record.value if self._terms.edit else None for record in records.values()]
        await note_edits(self._database, list(records), edited)
        await self._publisher.publish(list(records.values()))
        await resolve_dead_letters(self._database, list(records), REPLAYED)
        done.replayed += records
