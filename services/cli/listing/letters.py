"""Dead letters: rows, and one in full with its payload and its history."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from rich.console import RenderableType
from rich.text import Text

from shared.database import Database, Record
from shared.database.dead_letters import dead_letters_by_id, purge_dead_letters
from shared.database.views import LetterFilter, LetterRow, StageEntry, find_dead_letters, stage_history
from shared.errors import UsageError
from shared.replaying import cycle_of, earlier
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
STAGES_SHOWN = 50
PURGED_AT_ONCE = 1_000
SHOWN_CHARACTERS = 4_000
SHOWN_BYTES = 256
BYTES_A_LINE = 16


class Letter(NamedTuple):
    """One dead letter in full.

    `history`: every failure of the same item in the same batch, and whatever else the record was before, the oldest
    first. `stages`: what the stages did to the item. `edited`: the payload that it was replayed with instead.
    """

    row: Mapping[str, Any]
    payload: bytes
    edited: bytes | None
    headers: dict[str, str]
    cycle: int
    history: list[LetterRow]
    stages: list[StageEntry]

    def as_json(self) -> dict[str, Any]:
        """One object; the payload whole."""
        edited = {"payload": None, "payload_encoding": None} if self.edited is None else _encoded(self.edited)
        return {
            **self.row,
            "cycle": self.cycle,
            **_encoded(self.payload),
            "replayed_payload": edited["payload"],
            "replayed_payload_encoding": edited["payload_encoding"],
            "headers": self.headers,
            "history": [entry._asdict() for entry in self.history],
            "stages": [entry._asdict() for entry in self.stages],
        }

    def as_tables(self) -> list[RenderableType]:
        """What, headers, payload, history."""
        parts = [
            facts(f"Dead letter {self.row['id']}", {**self.row, "replayed_before": self.cycle}),
            facts("Headers", self.headers),
            *_shown("Payload", self.payload),
        ]
        if self.edited is not None:
            parts += _shown("Replayed with", self.edited)
        rows = [[getattr(entry, name) for name in HISTORY] for entry in self.history]
        parts.append(table("History", [name.replace("_", " ") for name in HISTORY], rows))
        if self.stages:
            parts.append(table("Stage log", STAGES, [[getattr(one, name) for name in STAGES] for one in self.stages]))
        return parts


def _shown(title: str, payload: bytes) -> list[RenderableType]:
    return [Text(f"{title}, {len(payload):,} bytes", style="bold"), Text(_excerpt(payload))]


def _encoded(payload: bytes) -> dict[str, str]:
    text = _text(payload)
    return {
        "payload": payload.hex() if text is None else text,
        "payload_encoding": "hex" if text is None else "utf-8",
    }


def as_table(rows: Sequence[LetterRow]) -> RenderableType:
    """One line a dead letter."""
    columns = [name.replace("_", " ") for name in COLUMNS]
    return table("Dead letters", columns, [[getattr(row, name) for name in COLUMNS] for row in rows])


async def find(database: Database, letter_id: int) -> Letter:
    """One dead letter. Raises UsageError if there is none of that id."""
    await known(database, [letter_id])
    (record,) = await dead_letters_by_id(database, [letter_id])
    row = dict(record)
    payload, edited, headers = row.pop("payload"), row.pop("replayed_payload"), json.loads(row.pop("headers"))
    row["indicator_id"] = item = row.pop("item_id")
    history = await _history(database, record)
    stages = [one for one in await stage_history(database, item or "", STAGES_SHOWN) if one.batch_id == row["batch_id"]]
    return Letter(row, payload or b"", edited, headers, cycle_of(record), history, stages)


async def _history(database: Database, letter: Record) -> list[LetterRow]:
    same = LetterFilter(batch_id=letter["batch_id"], item_id=letter["item_id"])
    found = [*await find_dead_letters(database, None, same)]
    if before := earlier(letter):
        found += await find_dead_letters(database, None, LetterFilter(ids=before))
    return [row for _, row in sorted({row.id: row for row in found}.items())]


async def known(database: Database, ids: Sequence[int]) -> list[int]:
    """The ids, each once and in order. Raises UsageError if one does not exist."""
    found = [row["id"] for row in await dead_letters_by_id(database, ids)]
    if missing := sorted(set(ids) - set(found)):
        listed = ", ".join(map(str, missing))
        raise UsageError(f"there is no dead letter {listed}", remedy="`sluice dead-letters list` lists them")
    return found


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
        which = LetterFilter(ids=await known(database, ids))
    rows = await find_dead_letters(database, None, which)
    return Doomed(sorted(row.id for row in rows), sum(row.resolution is None for row in rows))


async def purge(database: Database, ids: Sequence[int]) -> list[int]:
    """Remove them, some at a time: nobody waits long for the rows. Returns those that were there."""
    purged: list[int] = []
    for start in range(0, len(ids), PURGED_AT_ONCE):
        purged += await purge_dead_letters(database, ids[start : start + PURGED_AT_ONCE])
    return sorted(purged)


def _text(payload: bytes) -> str | None:
    try:
        return payload.decode()
    except UnicodeDecodeError:
        return None


def _excerpt(payload: bytes) -> str:
    """The beginning as text in which nothing steers the terminal, or as bytes in hexadecimal."""
    text = _text(payload)
    if text is not None:
        return "\n".join(printable(line, SHOWN_CHARACTERS) for line in text[:SHOWN_CHARACTERS].splitlines())
    lines = [payload[at : at + BYTES_A_LINE] for at in range(0, min(len(payload), SHOWN_BYTES), BYTES_A_LINE)]
    shown = "\n".join(f"{number * BYTES_A_LINE:08x}  {line.hex(' ')}" for number, line in enumerate(lines))
    return f"{shown}\n… {len(payload) - SHOWN_BYTES:,} more bytes" if len(payload) > SHOWN_BYTES else shown
