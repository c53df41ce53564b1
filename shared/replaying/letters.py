"""One dead letter in full: the record, why it failed, and everything that led to it."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from shared.database import Database, Record
from shared.database.dead_letters import dead_letters_by_id
from shared.database.views import LetterFilter, LetterRow, StageEntry, find_dead_letters, stage_history
from shared.errors import UsageError
from shared.replaying.records import cycle_of, earlier

STAGES_SHOWN = 50


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


async def find_letter(database: Database, letter_id: int) -> Letter:
    """One dead letter. Raises UsageError if there is none of that id."""
    await known_letters(database, [letter_id])
    (record,) = await dead_letters_by_id(database, [letter_id])
    row = dict(record)
    payload, edited, headers = row.pop("payload"), row.pop("replayed_payload"), json.loads(row.pop("headers"))
    row["indicator_id"] = item = row.pop("item_id")
    history = await _history(database, record)
    stages = [one for one in await stage_history(database, item or "", STAGES_SHOWN) if one.batch_id == row["batch_id"]]
    return Letter(row, payload or b"", edited, headers, cycle_of(record), history, stages)


async def known_letters(database: Database, ids: Sequence[int]) -> list[int]:
    """The ids, each once and in order. Raises UsageError if one does not exist."""
    found = [row["id"] for row in await dead_letters_by_id(database, ids)]
    if missing := sorted(set(ids) - set(found)):
        listed = ", ".join(map(str, missing))
        raise UsageError(f"there is no dead letter {listed}", remedy="`sluice dead-letters list` lists them")
    return found


def payload_text(payload: bytes) -> str | None:
    """The payload if it is text."""
    try:
        return payload.decode()
    except UnicodeDecodeError:
        return None


async def _history(database: Database, letter: Record) -> list[LetterRow]:
    same = LetterFilter(batch_id=letter["batch_id"], item_id=letter["item_id"])
    found = [*await find_dead_letters(database, None, same)]
    if before := earlier(letter):
        found += await find_dead_letters(database, None, LetterFilter(ids=before))
    return [row for _, row in sorted({row.id: row for row in found}.items())]


def _encoded(payload: bytes) -> dict[str, str]:
    text = payload_text(payload)
    return {
        "payload": payload.hex() if text is None else text,
        "payload_encoding": "hex" if text is None else "utf-8",
    }
