"""Dead letters: rows, and one in full with its payload and its history."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from rich.console import RenderableType
from rich.text import Text

from shared.database import Database
from shared.database.dead_letters import dead_letters_by_id
from shared.database.views import LetterFilter, LetterRow, find_dead_letters
from shared.errors import UsageError
from shared.replaying import Replay, cycle_of, refusal
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
)
SHOWN_CHARACTERS = 4_000
SHOWN_BYTES = 256
BYTES_A_LINE = 16


class Letter(NamedTuple):
    """One dead letter in full. `history`: every failure of the same item in the same batch, the oldest first."""

    row: Mapping[str, Any]
    payload: bytes
    headers: dict[str, str]
    cycle: int
    history: list[LetterRow]

    def as_json(self) -> dict[str, Any]:
        """One object; the payload whole."""
        text = _text(self.payload)
        return {
            **self.row,
            "cycle": self.cycle,
            "payload": self.payload.hex() if text is None else text,
            "payload_encoding": "hex" if text is None else "utf-8",
            "headers": self.headers,
            "history": [entry._asdict() for entry in self.history],
        }

    def as_tables(self) -> list[RenderableType]:
        """What, headers, payload, history."""
        title = f"Payload, {len(self.payload):,} bytes"
        return [
            facts(f"Dead letter {self.row['id']}", {**self.row, "replayed_before": self.cycle}),
            facts("Headers", self.headers),
            Text(title, style="bold"),
            Text(_excerpt(self.payload)),
            table("History", HISTORY, [[getattr(entry, name) for name in HISTORY] for entry in self.history]),
        ]


def as_table(rows: Sequence[LetterRow]) -> RenderableType:
    """One line a dead letter."""
    columns = [name.replace("_", " ") for name in COLUMNS]
    return table("Dead letters", columns, [[getattr(row, name) for name in COLUMNS] for row in rows])


async def find(database: Database, letter_id: int) -> Letter:
    """One dead letter. Raises UsageError if there is none of that id."""
    await known(database, [letter_id])
    (record,) = await dead_letters_by_id(database, [letter_id])
    row = dict(record)
    payload, headers = row.pop("payload"), json.loads(row.pop("headers"))
    row["indicator_id"] = row.pop("item_id")
    same = LetterFilter(batch_id=row["batch_id"], item_id=row["indicator_id"])
    history = await find_dead_letters(database, None, same)
    return Letter(row, payload or b"", headers, cycle_of(record), history[::-1])


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


async def rehearse(database: Database, ids: Sequence[int]) -> Replay:
    """What a replay would do."""
    done = Replay()
    for letter in await dead_letters_by_id(database, ids):
        if reason := refusal(letter):
            done.refused[letter["id"]] = reason
        else:
            done.replayed.append(letter["id"])
    return done


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
