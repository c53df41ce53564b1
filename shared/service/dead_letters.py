"""The last stage of every pipeline: what its dead-letter topic holds is kept and credited to its batch."""

import json
from collections.abc import Sequence
from datetime import datetime

from schemas.delivery import Header
from schemas.enums import ItemStatus
from shared.database import Database
from shared.database.dead_letters import DeadLetter, place_name, record_dead_letters
from shared.database.ledger import ItemOutcome, finish_items
from shared.database.stage_log import StageLogRow, append_stage_log
from shared.runtime.codec import MAX_KEY_BYTES
from shared.runtime.envelope import MEANINGFUL, Record, moment_of, rolling_batch_id
from shared.runtime.outcome import Emit, emit

UNKNOWN = "unknown"
MAX_NAME = 249
"""Of topics and stages as they are stored: the longest name of a Kafka topic."""
INT32, INT64 = 2**31 - 1, 2**63 - 1


async def keep_dead_letters(records: Sequence[Record], database: Database) -> list[Emit]:
    """Store each dead letter once and give its item the status dead_lettered, in one transaction."""
    letters = [letter_of(record) for record in records]
    outcomes = [
        ItemOutcome(letter.batch_id or "", letter.item_id or "", ItemStatus.DEAD_LETTERED, error=letter.error_message)
        for letter in letters
    ]
    for pipeline in {letter.pipeline for letter in letters}:
        places = [place for place, letter in enumerate(letters) if letter.pipeline == pipeline]
        async with database.transaction() as transaction:
            await record_dead_letters(transaction, [letters[place] for place in places])
            finish = await finish_items(transaction, pipeline, [outcomes[place] for place in places])
            await append_stage_log(transaction, [_log_row(letters[places[moved]]) for moved in finish.moved])
    return [emit() for _ in records]


def letter_of(record: Record) -> DeadLetter:
    """Whatever the record holds: there is no other place for a dead letter to go."""
    headers = _Headers(record)
    stage = headers.text(Header.DLQ_STAGE, UNKNOWN)[:MAX_NAME]
    topic = headers.text(Header.DLQ_TOPIC, record.topic)[:MAX_NAME]
    partition = headers.number(Header.DLQ_PARTITION, record.partition, INT32)
    offset = headers.number(Header.DLQ_OFFSET, record.offset, INT64)
    timestamp = headers.number(Header.DLQ_TIMESTAMP, record.timestamp, INT64)
    return DeadLetter(
        pipeline=stage.partition(".")[0],
        stage=stage,
        topic=topic,
        partition=partition,
        offset=offset,
        record_timestamp=timestamp,
        attempts=headers.number(Header.DLQ_ATTEMPTS, 1, INT32),
        batch_id=headers.batch_id(),
        item_id=_key(record) or place_name(topic, partition, offset, timestamp),
        error_class=headers.text(Header.DLQ_ERROR_CLASS, UNKNOWN),
        error_code=headers.text(Header.DLQ_ERROR_CODE, UNKNOWN),
        error_message=headers.text(Header.DLQ_ERROR_MESSAGE, ""),
        failed_at=headers.moment(Header.DLQ_FAILED_AT),
        payload=record.value,
        headers=headers.as_json(),
    )


class _Headers:
    """Headers of a record that may hold anything, as values that the database takes."""

    def __init__(self, record: Record) -> None:
        self._timestamp = record.timestamp
        self._given = {_storable(name): value for name, value in record.headers if value is not None}

    def text(self, name: str, default: str) -> str:
        return _storable(self._given[name].decode(errors="replace")) if name in self._given else default

    def number(self, name: str, default: int, largest: int) -> int:
        try:
            number = int(self._given.get(name, b""))
        except ValueError:
            return default
        return number if -largest <= number <= largest else default

    def batch_id(self) -> str:
        """The batch the item is accounted in; a name that no batch can have is that of none."""
        given = self._given.get(Header.BATCH_ID, b"")
        if MEANINGFUL[Header.BATCH_ID].fullmatch(given):
            return given.decode()
        return rolling_batch_id(self.number(Header.DLQ_TIMESTAMP, self._timestamp, INT64))

    def moment(self, name: str) -> datetime:
        seconds = self._given.get(name, b"")
        plausible = MEANINGFUL[Header.INGESTED_AT].fullmatch(seconds)
        return moment_of(float(seconds) * 1000 if plausible else self._timestamp)

    def as_json(self) -> str:
        return json.dumps({name: self.text(name, "") for name in self._given})


def _key(record: Record) -> str:
    """The item's id; empty if the record has none that could be one. Such a record is known by its place."""
    key = record.key or b""
    try:
        return _storable(key.decode()) if len(key) <= MAX_KEY_BYTES else ""
    except UnicodeDecodeError:
        return ""


def _storable(text: str) -> str:
    """PostgreSQL text cannot hold NUL."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")


def _log_row(letter: DeadLetter) -> StageLogRow:
    return StageLogRow(
        created_at=letter.failed_at,
        processing_time_ms=None,
        attempt=letter.attempts,
        tokens_in=0,
        tokens_out=0,
        cost_usd=0.0,
        batch_id=letter.batch_id or "",
        indicator_id=letter.item_id or "",
        stage=letter.stage.rpartition(".")[2],
        status="failed",
        error_message=letter.error_message,
    )
