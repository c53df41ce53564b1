"""A run without servers, writes and calls: what would come of it, and what language models would take."""

from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from schemas.correction import Corrected, CorrectionStatus, FileSlice, Identified, TranscriptSource
from services.correction.clean import cleaned_row
from services.correction.correct import correct
from services.correction.discover import look_through
from services.correction.extract import extracted
from services.correction.identify import identified
from services.correction.manifest import Discovery
from shared.database import Database
from shared.llm.estimate import Estimate
from shared.llm.estimating import measured_calls, summed_up
from shared.llm.gateway import Ask, EmbeddedProvider, Provider
from shared.llm.rehearsal import Rehearsal
from shared.runtime.outcome import Emit
from shared.settings import EMBEDDED_PROVIDER, Settings

AT_ONCE = 1_000


@dataclass(slots=True)
class Rehearsed:
    """What would come of a run. Where a model would be asked, the dictionary has stood in for it."""

    found: Discovery
    estimate: Estimate | None = None
    statuses: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(status, reason) → rows."""
    seen: set[bytes] = field(default_factory=set)


async def rehearse(
    source: TranscriptSource, settings: Settings, wish: str, database: Database | None
) -> AsyncIterator[tuple[Rehearsed, list[Corrected]]]:
    """The result so far, with rows that people typed, a portion at a time; the last portion is empty."""
    found, slices = look_through(source)
    result = Rehearsed(found)
    rehearsals = _rehearsals(settings, database)
    providers: dict[str, Provider] = {EMBEDDED_PROVIDER: EmbeddedProvider()}
    providers |= {rehearsal.provider: rehearsal for rehearsal in rehearsals}
    rows, typed = _rows(slices, result), 0
    while some := list(islice(rows, AT_ONCE)):
        ask = Ask(providers, [wish] * len(some), settings.llm, "correct")
        outcomes = await correct(some, ask, settings.correction)
        portion: list[Any] = [outcome.messages[0] for outcome in outcomes if isinstance(outcome, Emit)]
        for row in portion:
            _count(result, row, row.status, row.reason)
        typed += len(some)
        yield result, portion
    measured = await measured_calls(database) if database else {}
    result.estimate = summed_up(typed, rehearsals, settings.llm, measured, cache_looked_at=database is not None)
    yield result, []


def _rehearsals(settings: Settings, database: Database | None) -> list[Rehearsal]:
    llm = settings.llm
    return [
        Rehearsal(
            name,
            llm.model_of(name),
            temperature=llm.temperature,
            coalesce=llm.coalesce,
            database=database if llm.cache else None,
            place=llm.place_of(name),
        )
        for name in llm.configured()
        if name != EMBEDDED_PROVIDER
    ]


def _rows(slices: list[FileSlice], result: Rehearsed) -> Iterator[Identified]:
    """What people typed; all else is counted here."""
    for one in slices:
        for row in extracted(one).rows:
            item = identified(cleaned_row(row))
            if item.typed:
                yield item
            else:
                _count(result, item, CorrectionStatus.PASSED, item.not_typed)


def _count(result: Rehearsed, item: Identified, status: CorrectionStatus, reason: str) -> None:
    fingerprint = bytes.fromhex(item.fingerprint)[:16]
    known = fingerprint in result.seen
    result.seen.add(fingerprint)
    result.statuses["duplicate" if known else status.value, "" if known else reason] += 1
