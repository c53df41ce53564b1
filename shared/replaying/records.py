"""A dead letter as the record that it was: whether it can come back, and what it is then."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from schemas.delivery import Header
from shared.broker.producer import BATCH_BYTES
from shared.database import Record as Row
from shared.database.dead_letters import place_name
from shared.errors import UsageError
from shared.pipelines import find_stage
from shared.replaying.editing import Edit, EditError, objection
from shared.runtime.envelope import OutRecord, Record

Letter = Mapping[str, Any] | Row
_PREFIX: Final = "x-dlq-"
_LOST: Final = "\N{REPLACEMENT CHARACTER}"
"""Stands in the database for bytes that are not UTF-8."""
_FRAMING_BYTES = 4_096
"""What a record batch and the headers that we add take, generously."""
_LETTERS_KEPT = 20


@dataclass(frozen=True, slots=True)
class Terms:
    """On which conditions dead letters come back."""

    cycles: int
    """How often at most; then the item is poison, and stays where it is."""
    force: bool = False
    """However often: a person answers for it."""
    edit: Edit | None = None


class Place(Protocol):
    """Where records can be found once more (shared.broker.originals)."""

    async def find(self, topic: str, partition: int, offset: int, timestamp: int) -> Record | None:
        """The record that was written there and then; None if it is gone."""


class RefusedError(Exception):
    """A dead letter cannot be replayed; says why."""


async def rebuild(letter: Letter, terms: Terms, originals: Place) -> OutRecord:
    """What to publish for a dead letter. Raises RefusedError."""
    if reason := refusal(letter, terms):
        raise RefusedError(reason)
    record = original(letter, await _whole(letter, originals) if is_cut(letter) else None)
    record = _edited(letter, record, terms.edit) if terms.edit else record
    size = len(record.key) + len(record.value) + sum(len(name) + len(value) for name, value in record.headers)
    if size > BATCH_BYTES - _FRAMING_BYTES:
        raise RefusedError(f"{size:,} bytes are more than can be published; send it again from its source, smaller")
    return record


def refusal(letter: Letter, terms: Terms) -> str:
    """Why a dead letter cannot be replayed, whatever is still on the topics; empty if it can."""
    if letter["resolution"] is not None:
        return f"it is {letter['resolution']} already"
    if cycle_of(letter) >= terms.cycles and not terms.force:
        return f"it has been replayed {cycle_of(letter)} times; repair the cause, then use --force with its id"
    if letter["offset"] < 0 and Header.DLQ_WHOLE not in headers_of(letter):
        return "it was put together from several records; use `sluice retry-failed`"
    if _LOST in (letter["item_id"] or ""):
        return "its key is not UTF-8 and was not kept; send it again from its source"
    return _unknown_place(letter)


def _unknown_place(letter: Letter) -> str:
    try:
        pipeline, stage = find_stage(letter["stage"])
    except UsageError:
        return f"there is no stage {letter['stage']} any more"
    if pipeline.again:
        command = pipeline.again.format(batch_id=letter["batch_id"] or "RUN")
        return f"its record alone would change nothing; repair the cause, then use `{command}`"
    if letter["topic"] not in {stage.reads.name, stage.retry_topic}:
        return f"{letter['topic']} is not its input any more"
    return ""


async def _whole(letter: Letter, originals: Place) -> Record:
    place = letter["topic"], letter["partition"], letter["offset"]
    found = await originals.find(*place, letter["record_timestamp"])
    if found is None:
        shown, kept = ":".join(map(str, place)), len(letter["payload"] or b"")
        raise RefusedError(
            f"it was too large to be kept whole ({kept:,} bytes are), and its record {shown} is gone; "
            "send it again from its source"
        )
    return found


def _edited(letter: Letter, record: OutRecord, edit: Edit) -> OutRecord:
    pipeline, stage = find_stage(letter["stage"])
    try:
        payload = edit(record.value)
    except EditError as error:
        raise RefusedError(str(error)) from None
    after = OutRecord(record.topic, record.key, payload, record.headers, record.partition)
    if reason := objection(pipeline, stage, record, after, letter["item_id"] if record.key else None):
        raise RefusedError(reason)
    return after


def original(letter: Letter, whole: Record | None = None) -> OutRecord:
    """The record as it was before the stage refused it, on the stage's input, as a first attempt.

    It names its batch even if it did not before, so that it is accounted where it failed. A header that is not UTF-8
    was not kept. `whole`: the record itself, where only a part of it was kept.
    """
    _, stage = find_stage(letter["stage"])
    # Ours come first: where a record has to be cut, it is the last headers that go.
    headers = {
        Header.DLQ_CYCLE: b"%d" % (cycle_of(letter) + 1),
        Header.DLQ_LETTERS: ",".join(map(str, [*earlier(letter)[1 - _LETTERS_KEPT :], letter["id"]])).encode(),
        Header.ATTEMPT: b"1",
    }
    if letter["batch_id"]:
        headers[Header.BATCH_ID] = letter["batch_id"].encode()
    given = dict(whole.headers) if whole else _kept_headers(letter)
    for name, value in given.items():
        if not name.startswith(_PREFIX) and name != Header.NOT_BEFORE and value is not None:
            headers.setdefault(name, value)
    key = (whole.key or b"") if whole else _key(letter)
    payload = whole.value if whole else letter["payload"]
    return OutRecord(stage.reads.name, key, payload or b"", list(headers.items()), letter["partition"])


def is_cut(letter: Letter) -> bool:
    """Whether the record was too large for its dead letter, which has only the beginning of it."""
    return Header.DLQ_ORIGINAL_BYTES in headers_of(letter)


def cycle_of(letter: Letter) -> int:
    """How often the record had been replayed before this failure."""
    cycle = headers_of(letter).get(Header.DLQ_CYCLE, "0")
    return int(cycle) if _is_number(cycle) else 0


def earlier(letter: Letter) -> list[int]:
    """The dead letters that the record was before, the oldest first."""
    named = headers_of(letter).get(Header.DLQ_LETTERS, "").split(",")
    return [int(number) for number in named if _is_number(number)]


def headers_of(letter: Letter) -> dict[str, str]:
    """Its headers, as text."""
    headers: dict[str, str] = json.loads(letter["headers"])
    return headers


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 18


def _kept_headers(letter: Letter) -> dict[str, bytes]:
    return {name: value.encode() for name, value in headers_of(letter).items() if _LOST not in value}


def _key(letter: Letter) -> bytes:
    """The key; a record without one is kept under the name of its place."""
    place = place_name(letter["topic"], letter["partition"], letter["offset"], letter["record_timestamp"])
    return b"" if letter["item_id"] == place else (letter["item_id"] or "").encode()
