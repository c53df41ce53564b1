"""The way of one item: what the topics still hold of it, and what the database knows."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from rich.console import RenderableType

from schemas.delivery import StageRun
from shared.broker.scan import Sighting, Trace
from shared.broker.scan import trace as scan_topics
from shared.database.results import ResultRecord, results_of
from shared.database.views import (
    LetterFilter,
    LetterRow,
    StageEntry,
    Submitted,
    find_dead_letters,
    stage_history,
    submissions,
)
from shared.errors import TransientError, UsageError
from shared.pipelines import pipelines
from shared.settings import Settings
from shared.terminal.connect import open_broker, open_database
from shared.terminal.printing import elapsed, facts, table

STAGE_COLUMNS = ("time", "stage", "status", "took", "attempt", "model", "error", "batch_id")
LETTER_COLUMNS = ("id", "failed_at", "stage", "error_code", "error_message", "resolution")


class Search(NamedTuple):
    """Where and how far to look."""

    pipeline: str
    limit: int
    minutes: float | None
    seconds: float


class Stored(NamedTuple):
    """What the database knows about an item."""

    result: ResultRecord | None
    batches: list[Submitted]
    stages: list[StageEntry]
    dead_letters: list[LetterRow]


@dataclass(frozen=True, slots=True)
class Found:
    """Everything about one item. `trace` None: the topics could not be searched, for the reason given."""

    indicator_id: str
    trace: Trace | None
    reason: str
    stored: Stored

    @property
    def known(self) -> bool:
        """Whether there is anything at all."""
        return bool((self.trace and self.trace.sightings) or any(self.stored))

    def warnings(self) -> list[str]:
        """What is missing from the answer."""
        if self.trace is None:
            return [f"the topics were not searched: {self.reason}"]
        if not self.trace.complete:
            return [f"time was up after {self.trace.scanned:,} records; give more --seconds or fewer --minutes"]
        return []

    def as_json(self) -> dict[str, Any]:
        """One object: records on the topics, then what is stored."""
        return {
            "indicator_id": self.indicator_id,
            "records": [_record(sighting) for sighting in self.trace.sightings] if self.trace else None,
            "scanned": self.trace.scanned if self.trace else 0,
            "complete": bool(self.trace and self.trace.complete),
            "result": self.stored.result._asdict() if self.stored.result else None,
            "batches": [row._asdict() for row in self.stored.batches],
            "stages": [row._asdict() for row in self.stored.stages],
            "dead_letters": [row._asdict() for row in self.stored.dead_letters],
        }

    def as_tables(self) -> list[RenderableType]:
        """The way over the topics first."""
        parts = [_way(self.trace)] if self.trace else []
        parts.append(table("Batches", Submitted._fields, self.stored.batches))
        if self.stored.stages:
            parts.append(table("Stage log", STAGE_COLUMNS, [_entry(row) for row in self.stored.stages]))
        if self.stored.dead_letters:
            rows = [[getattr(row, name) for name in LETTER_COLUMNS] for row in self.stored.dead_letters]
            parts.append(table("Dead letters", LETTER_COLUMNS, rows))
        if self.stored.result:
            parts.append(facts("Result", _decided(self.stored.result)))
        return parts


async def find(settings: Settings, indicator_id: str, search: Search) -> Found:
    """Look everywhere. Raises UsageError for an unknown pipeline."""
    if search.pipeline not in pipelines():
        raise UsageError(f"there is no pipeline {search.pipeline!r}", remedy=f"pipelines: {', '.join(pipelines())}")
    found, reason = await _search_topics(settings, indicator_id, search)
    return Found(indicator_id, found, reason, await _search_database(settings, indicator_id, search.limit))


async def _search_topics(settings: Settings, indicator_id: str, search: Search) -> tuple[Trace | None, str]:
    since = time.time() - search.minutes * 60 if search.minutes else 0.0
    pipeline = pipelines()[search.pipeline]
    try:
        async with open_broker(settings) as kafka:
            found = await scan_topics(
                kafka, pipeline, indicator_id, limit=search.limit, seconds=search.seconds, since=since
            )
            return found, ""
    except (UsageError, TransientError) as error:
        # What the database knows is still worth showing.
        return None, str(error)


async def _search_database(settings: Settings, indicator_id: str, limit: int) -> Stored:
    async with open_database(settings) as database:
        result = await results_of(database, [indicator_id])
        return Stored(
            result[0] if result else None,
            await submissions(database, indicator_id),
            await stage_history(database, indicator_id, limit),
            await find_dead_letters(database, limit, LetterFilter(item_id=indicator_id)),
        )


def _record(sighting: Sighting) -> dict[str, Any]:
    return {**sighting._asdict(), "trail": [run.model_dump() for run in sighting.trail]}


def _way(found: Trace) -> RenderableType:
    columns = ("time", "topic", "partition", "offset", "read by", "attempt", "stages before", "error", "batch")
    return table("Records on the topics", columns, [_sighting_row(one) for one in found.sightings])


def _sighting_row(one: Sighting) -> tuple[object, ...]:
    reader = one.stage if one.stage != one.topic else None
    moment = one.time.strftime("%Y-%m-%d %H:%M:%S.") + f"{one.time.microsecond // 1000:03}Z"
    return moment, one.topic, one.partition, one.offset, reader, one.attempt, _trail(one.trail), one.error, one.batch_id


def _trail(trail: tuple[StageRun, ...]) -> str:
    return " > ".join(f"{run.stage} {elapsed(run.duration_ms)}" for run in trail)


def _entry(row: StageEntry) -> tuple[object, ...]:
    took = elapsed(row.duration_ms)
    return row.time, row.stage, row.status, took, row.attempt, row.model, row.error, row.batch_id


def _decided(result: ResultRecord) -> Mapping[str, object]:
    return {name: value for name, value in result._asdict().items() if value is not None and name != "indicator_id"}
