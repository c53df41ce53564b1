"""From the records of a slice to rows: one a block. A line that is no record becomes a dead letter of its own."""

import asyncio
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from errno import ENODATA
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, NamedTuple

from schemas.correction import Extracted, FileSlice, Reference
from schemas.delivery import Header, RejectCode
from services.correction.reading import TOO_LONG, Line, Unreadable, lines_of
from services.correction.store import REPAIRED_ROWS, SliceCounts, close_slices
from services.correction.transcripts.formats import record_at, records_of
from services.correction.transcripts.records import RawRecord
from services.correction.transcripts.rows import Row, Skipped
from shared.database import Database
from shared.runtime.envelope import Envelope, Envelopes
from shared.runtime.outbox import Outbox, StoredRecord
from shared.runtime.outcome import Outcome, Reject, emit

INLINE_TYPED: Final = 16_384
"""Characters of a typed text that travel with its message; a longer one stays where it is."""
INLINE_OTHER: Final = 4_096
"""The same for whatever nobody has typed: most of the bytes, and no stage looks at it."""
_OF_ITS_RECORD: Final = frozenset({Header.ATTEMPT, Header.PRODUCED_AT})
SLICES_TOPIC: Final = "correction.slices"
REPAIRED: Final = "line:"
"""What the id of a slice begins with that is one line, sent in again once it was repaired."""


class Invalid(NamedTuple):
    """A line that is no record."""

    line: int
    start: int
    why: str


@dataclass(slots=True)
class ExtractedSlice:
    """What a slice holds."""

    rows: list[Extracted] = field(default_factory=list)
    counts: SliceCounts = field(default_factory=SliceCounts)
    invalid: list[Invalid] = field(default_factory=list)


async def extract(
    slices: Sequence[FileSlice], envelopes: Envelopes, database: Database, outbox: Outbox
) -> list[Outcome]:
    """The rows of each slice; what they are is counted with the run before they go on."""
    outcomes, counted = list[Outcome](), list[SliceCounts]()
    for one, envelope in zip(slices, envelopes, strict=True):
        try:
            found = await asyncio.to_thread(extracted, one)
        except OSError as error:
            found = ExtractedSlice(counts=SliceCounts(unreadable=1))
            outcomes.append(Reject(RejectCode.INCOMPLETE, f"{one.file} cannot be read any more: {error.strerror}"))
        else:
            if found.invalid:
                await outbox.bury([_letter(one, envelope, line) for line in found.invalid])
            outcomes.append(emit(*found.rows))
        counted.append(found.counts)
    places = [(envelope.batch_id, one.slice_id) for one, envelope in zip(slices, envelopes, strict=True)]
    await close_slices(database, places, counted)
    return outcomes


def extracted(one: FileSlice) -> ExtractedSlice:
    """Read a slice. Raises OSError."""
    found = ExtractedSlice()
    for line in lines_of(_records(one), one.format, one.session_id):
        found.counts.lines += 1
        if isinstance(line.found, Unreadable):
            found.invalid.append(Invalid(line.record.line, line.record.start, str(line.found)))
            found.counts.invalid += 1
        elif isinstance(line.found, Skipped):
            found.counts.skip(line.found.reason)
        else:
            found.counts.records += 1
            found.rows += _rows(one, line, line.found, one.first_row + len(found.rows))
    found.counts.rows = len(found.rows)
    return found


def _records(one: FileSlice) -> Iterable[RawRecord]:
    """A repaired line is found by its number: whoever repaired it, or others before it, has moved the bytes."""
    path = Path(one.path)
    if not one.slice_id.startswith(REPAIRED):
        return records_of(path, one.start, one.end, one.first_line)
    try:
        return [record_at(path, one.first_line)]
    except LookupError:
        raise OSError(ENODATA, "the line is not there any more") from None


def _rows(one: FileSlice, line: Line, rows: Sequence[Row], index: int) -> Iterator[Extracted]:
    record = line.record
    place = Reference(path=one.path, start=record.start, end=record.end, format=line.format, block=0)
    common = {"slice_id": one.slice_id, "file": one.file, "line": record.line, "session_id": line.session}
    return (_row(row, index + block, block, place, common) for block, row in enumerate(rows))


def _row(row: Row, index: int, block: int, place: Reference, common: Mapping[str, Any]) -> Extracted:
    inline = len(row.body) <= (INLINE_OTHER if row.not_typed else INLINE_TYPED)
    # Rows of a repaired line have ids of their own: nobody knows how many the lines beside it will give.
    origin = common["file"] if index < REPAIRED_ROWS else f"{common['file']}:{common['line']}"
    return Extracted(
        extraction_id=f"ext:{conversation(common['session_id'], origin)}:{index:08}",
        message_index=index,
        block=block,
        message_type=row.message_type,
        role=row.role,
        typed=not row.not_typed,
        not_typed=row.not_typed,
        text=row.body if inline else None,
        body=None if inline else place.model_copy(update={"block": block}),
        length=len(row.body),
        content_hash=sha256(row.body.encode(errors="replace")).hexdigest(),
        **common,
        **row.fields,
    )


def conversation(session: str, file: str) -> str:
    """Stands for a session in ids. Files may share one, such as side chains and backups; then each has its own."""
    return sha256(f"{session}\n{file}".encode(errors="surrogateescape")).hexdigest()[:16]


def _letter(one: FileSlice, envelope: Envelope, line: Invalid) -> tuple[StoredRecord, Reject]:
    """A dead letter says where the line is; the line itself stays in its file.

    It is a slice of that one line, however long: it can be replayed once the line is repaired, and its rows come after
    all others.
    """
    key = f"{REPAIRED}{one.slice_id.removeprefix(REPAIRED).partition(':')[0]}:{line.line}"
    place = {"slice_id": key, "start": line.start, "end": line.start + 1, "first_line": line.line}
    again = one.model_copy(update={**place, "first_row": REPAIRED_ROWS + line.line})
    value = json.dumps({**again.model_dump(), "line": line.line, "error": line.why}).encode()
    known = {name: value for name, value in envelope.headers.items() if name not in _OF_ITS_RECORD}
    headers = list({**known, Header.DLQ_WHOLE: b"1"}.items())
    record = StoredRecord(
        SLICES_TOPIC, envelope.record.partition, key, value, headers, int(envelope.ingested_at * 1000)
    )
    code = RejectCode.TOO_LARGE if line.why == TOO_LONG else RejectCode.NOT_JSON
    return record, Reject(code, f"{one.file}, line {line.line}: {line.why}")
