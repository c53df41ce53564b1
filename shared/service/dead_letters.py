"""The last stage of every pipeline: what its dead-letter topic holds is kept and credited to its batch."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from schemas.delivery import Header
from schemas.enums import ItemStatus
from shared.database import Database
from shared.database.dead_letters import DeadLetter, record_dead_letters
from shared.database.ledger import ItemOutcome, finish_items
from shared.database.stage_log import StageLogRow, append_stage_log
from shared.runtime.envelope import Record, rolling_batch_id
from shared.runtime.outcome import Emit, emit

UNKNOWN = "unknown"


async def keep_dead_letters(records: Sequence[Record], database: Database) -> list[Emit]:
    """Store each dead letter once and give its item the status dead_lettered, in one transaction."""
    letters = [_letter(record) for record in records]
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


def _letter(record: Record) -> DeadLetter:
    headers = {name: value.decode(errors="replace") for name, value in record.headers}
    stage = headers.get(Header.DLQ_STAGE, UNKNOWN)
    origin = _origin(record, headers)
    batch_id = headers.get(Header.BATCH_ID) or rolling_batch_id(
        int(headers.get(Header.DLQ_TIMESTAMP, record.timestamp))
    )
    return DeadLetter(
        pipeline=stage.partition(".")[0],
        stage=stage,
        topic=origin[0],
        partition=origin[1],
        offset=origin[2],
        attempts=int(headers.get(Header.DLQ_ATTEMPTS, "1")),
        batch_id=_storable(batch_id),
        item_id=_item_id(record, origin),
        error_class=headers.get(Header.DLQ_ERROR_CLASS, UNKNOWN),
        error_code=headers.get(Header.DLQ_ERROR_CODE, UNKNOWN),
        error_message=_storable(headers.get(Header.DLQ_ERROR_MESSAGE, "")),
        failed_at=_time(headers, record),
        payload=record.value,
        headers=json.dumps({name: _storable(value) for name, value in headers.items()}),
    )


def _origin(record: Record, headers: Mapping[str, str]) -> tuple[str, int, int]:
    topic = headers.get(Header.DLQ_TOPIC, record.topic)
    partition = int(headers.get(Header.DLQ_PARTITION, record.partition))
    return topic, partition, int(headers.get(Header.DLQ_OFFSET, record.offset))


def _item_id(record: Record, origin: tuple[str, int, int]) -> str:
    """The key; a record that has none is an item of its own, known by its place."""
    key = _storable((record.key or b"").decode(errors="replace"))
    return key or "{}:{}:{}".format(*origin)


def _storable(text: str) -> str:
    """PostgreSQL text cannot hold NUL."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")


def _time(headers: Mapping[str, str], record: Record) -> datetime:
    return datetime.fromtimestamp(float(headers.get(Header.DLQ_FAILED_AT, record.timestamp / 1000)), UTC)


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
