"""Dead letters: rows, and one in full with its payload and its history."""

from collections.abc import Sequence
from typing import NamedTuple

from rich.console import RenderableType
from rich.text import Text

from shared.database import Database
from shared.database.dead_letters import purge_dead_letters
from shared.database.views import LetterFilter, LetterRow, find_dead_letters
from shared.replaying.letters import Letter, known_letters, payload_text
from shared.terminal.printing import facts, table
from shared.terminal.shown import printable

COLUMNS = (
    "id",
    "failed_at",
    "stage",
    "indicator_id",
    "batch_id",
    "attempts",
    "error_code",
    "error_message",
    "resolution",
)
HISTORY = (
    "id",
    "failed_at",
    "stage",
    "topic",
    "partition",
    "offset",
    "attempts",
    "error_code",
    "resolution",
    "replayed_at",
    "edited",
)
STAGES = ("time", "stage", "status", "attempt", "model", "error")
PURGED_AT_ONCE = 1_000
SHOWN_CHARACTERS = 4_000
SHOWN_BYTES = 256
BYTES_A_LINE = 16


def as_tables(letter: Letter) -> list[RenderableType]:
    """One in full: what, headers, payload, history."""
    parts = [
        facts(f"Dead letter {letter.row['id']}", {**letter.row, "replayed_before": letter.cycle}),
        facts("Headers", letter.headers),
        *_shown("Payload", letter.payload),
    ]
    if letter.edited is not None:
        parts += _shown("Replayed with", letter.edited)
    rows = [[getattr(entry, name) for name in HISTORY] for entry in letter.history]
    parts.append(table("History", [name.replace("_", " ") for name in HISTORY], rows))
    if letter.stages:
        parts.append(table("Stage log", STAGES, [[getattr(one, name) for name in STAGES] for one in letter.stages]))
    return parts


def _shown(title: str, payload: bytes) -> list[RenderableType]:
    return [Text(f"{title}, {len(payload):,} bytes", style="bold"), Text(_excerpt(payload))]


def as_table(rows: Sequence[LetterRow]) -> RenderableType:
    """One line a dead letter."""
    columns = [name.replace("_", " ") for name in COLUMNS]
    return table("Dead letters", columns, [[getattr(row, name) for name in COLUMNS] for row in rows])


async def matching(database: Database, which: LetterFilter, limit: int | None) -> list[int]:
    """Ids of the dead letters that match, the oldest first."""
    return [row.id for row in await find_dead_letters(database, None, which)][::-1][:limit]


class Doomed(NamedTuple):
    """Dead letters that somebody wants to be gone."""

    ids: list[int]
    unresolved: int
    """How many of them nobody has replayed."""

    def question(self) -> str:
        """What to ask before it is done."""
        still = f", {self.unresolved:,} of them never replayed" if self.unresolved else ""
        return f"Remove {len(self.ids):,} dead letter(s) for good{still}?"


async def to_purge(database: Database, ids: Sequence[int], which: LetterFilter) -> Doomed:
    """The dead letters of these ids, else those that match. Raises UsageError for an unknown id."""
    if ids:
        which = LetterFilter(ids=await known_letters(database, ids))
    rows = await find_dead_letters(database, None, which)
    return Doomed(sorted(row.id for row in rows), sum(row.resolution is None for row in rows))


async def purge(database: Database, ids: Sequence[int]) -> list[int]:
    """Remove them, some at a time: nobody waits long for the rows. Returns those that were there."""
    purged: list[int] = []
    for start in range(0, len(ids), PURGED_AT_ONCE):
        purged += await purge_dead_letters(database, ids[start : start + PURGED_AT_ONCE])
    return sorted(purged)


def _excerpt(payload: bytes) -> str:
    """The beginning as text in which nothing steers the terminal, or as bytes in hexadecimal."""
    text = payload_text(payload)
    if text is not None:
        return "\n".join(printable(line, SHOWN_CHARACTERS) for line in text[:SHOWN_CHARACTERS].splitlines())
    lines = [payload[at : at + BYTES_A_LINE] for at in range(0, min(len(payload), SHOWN_BYTES), BYTES_A_LINE)]
    shown = "\n".join(f"{number * BYTES_A_LINE:08x}  {line.hex(' ')}" for number, line in enumerate(lines))
    return f"{shown}\n… {len(payload) - SHOWN_BYTES:,} more bytes" if len(payload) > SHOWN_BYTES else shown
