"""Giving dead letters another chance: the record as it was, back on the input of the stage that refused it.

What stands for the record is the row in the database. A record that comes back that way carries the number of its
round, and after the last one it stays where it is: a poisoned item can never go round for ever.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from schemas.delivery import Header
from shared.broker.producer import Publisher
from shared.database import Database, Record
from shared.database.dead_letters import dead_letters_by_id, place_name, resolve_dead_letters
from shared.errors import UsageError
from shared.pipelines import find_stage
from shared.runtime.envelope import OutRecord

CYCLE_HEADER: Final = "x-dlq-cycle"
MAX_CYCLES = 3
REPLAYED = "replayed"
CHUNK = 100
_PREFIX = "x-dlq-"
_LOST = "\N{REPLACEMENT CHARACTER}"
"""Stands in the database for bytes that are not UTF-8."""


@dataclass(slots=True)
class Replay:
    """What became of the letters: those on their way again, and those that cannot be, with the reason."""

    replayed: list[int] = field(default_factory=list)
    refused: dict[int, str] = field(default_factory=dict)


class Replayer:
    """Publishes dead letters again, at most `per_second`. `pause` is how it waits."""

    def __init__(
        self,
        database: Database,
        publisher: Publisher,
        *,
        per_second: float,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._database = database
        self._publisher = publisher
        self._per_second = per_second
        self._pause = pause

    async def replay(self, ids: Sequence[int]) -> Replay:
        """Publish and mark them, a chunk at a time. After a crash in between, one may be published twice: harmless."""
        done, size = Replay(), max(1, min(CHUNK, int(self._per_second)))
        for start in range(0, len(ids), size):
            if start:
                await self._pause(size / self._per_second)
            await self._chunk(ids[start : start + size], done)
        return done

    async def _chunk(self, ids: Sequence[int], done: Replay) -> None:
        records: dict[int, OutRecord] = {}
        for letter in await dead_letters_by_id(self._database, ids):
            if reason := refusal(letter):
                done.refused[letter["id"]] = reason
            else:
                records[letter["id"]] = original(letter)
        await self._publisher.publish(list(records.values()))
        await resolve_dead_letters(self._database, list(records), REPLAYED)
        done.replayed += records


def refusal(letter: Mapping[str, Any] | Record) -> str:
    """Why a dead letter cannot be replayed; empty if it can."""
    if letter["resolution"] is not None:
        return f"it is {letter['resolution']} already"
    if cycle_of(letter) >= MAX_CYCLES:
        return f"it has been replayed {MAX_CYCLES} times; repair the cause, then use `sluice retry-failed`"
    if letter["offset"] < 0:
        return "it was put together from several records; use `sluice retry-failed`"
    if _LOST in (letter["item_id"] or ""):
        return "its key is not UTF-8 and was not kept; send it again from its source"
    return _unknown_place(letter)


def _unknown_place(letter: Mapping[str, Any] | Record) -> str:
    try:
        _, stage = find_stage(letter["stage"])
    except UsageError:
        return f"there is no stage {letter['stage']} any more"
    return (
        ""
        if letter["topic"] in {stage.reads.name, stage.retry_topic}
        else f"{letter['topic']} is not its input any more"
    )


def original(letter: Mapping[str, Any] | Record) -> OutRecord:
    """The record as it was before the stage refused it, on the stage's input, as a first attempt.

    It names its batch even if it did not before, so that it is accounted where it failed. A header that is not UTF-8
    was not kept.
    """
    _, stage = find_stage(letter["stage"])
    kept = {
        name: value.encode()
        for name, value in _headers(letter).items()
        if not name.startswith(_PREFIX) and name != Header.NOT_BEFORE and _LOST not in value
    }
    kept.setdefault(Header.BATCH_ID, (letter["batch_id"] or "").encode())
    kept[Header.ATTEMPT] = b"1"
    kept[CYCLE_HEADER] = b"%d" % (cycle_of(letter) + 1)
    return OutRecord(stage.reads.name, _key(letter), letter["payload"] or b"", list(kept.items()), letter["partition"])


def cycle_of(letter: Mapping[str, Any] | Record) -> int:
    """How often the record had been replayed before this failure."""
    cycle = _headers(letter).get(CYCLE_HEADER, "0")
    return int(cycle) if cycle.isascii() and cycle.isdigit() else 0


def _headers(letter: Mapping[str, Any] | Record) -> dict[str, str]:
    headers: dict[str, str] = json.loads(letter["headers"])
    return headers


def _key(letter: Mapping[str, Any] | Record) -> bytes:
    """The key; a record without one is kept under the name of its place."""
    place = place_name(letter["topic"], letter["partition"], letter["offset"], letter["record_timestamp"])
    return b"" if letter["item_id"] == place else (letter["item_id"] or "").encode()
