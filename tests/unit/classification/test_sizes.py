"""The largest item that the edge lets through, with the longest findings of every stage, is refused by none of them."""

from collections.abc import Sequence
from typing import Any

import pytest

from schemas.base import Contract
from schemas.classification import BooleanReview, Facet, FinalReview, NormalizedIndicator, Opinion
from schemas.delivery import RejectCode
from schemas.enums import FinalReviewStatus, ReviewField, TemporalAggregation
from schemas.indicator import MAX_MESSAGE_BYTES, Indicator
from services.classification.in_memory import classify_in_memory
from services.classification.normalize import normalized
from services.classification.pipeline import CLASSIFICATION
from shared.errors import PermanentError
from shared.runtime.codec import Decoder, encode
from shared.runtime.declaration import Stage, Topic
from shared.runtime.envelope import Envelope, OutRecord
from shared.runtime.outcome import emit
from shared.runtime.sizes import EDGE_OUTPUT_BYTES, INNER_INPUT_BYTES
from shared.runtime.writer import Writer
from tests.unit.runtime.harness import FakeRecord

LONG = "\x01" * 600
"""Six bytes a character in JSON."""
ENVELOPE = Envelope("id", FakeRecord(0, b""), {"batch_id": b"b", "ingested_at": b"1", "traceparent": b"t"})
EDGE, *INNER = CLASSIFICATION.stages


def indicator(numbers: int) -> Indicator:
    """With `numbers` numbers of four characters, each of which becomes eighteen."""
    return Indicator.model_validate({"indicator_id": "id", "name": "Debt", "units": "USD", "more": [1e15] * numbers})


def part(item: NormalizedIndicator) -> Facet:
    return Facet(indicator_id=item.subject.indicator_id, item=item)


def largest() -> Indicator:
    room = EDGE_OUTPUT_BYTES - len(encode(part(normalized(indicator(0)))))
    return indicator(room // len("1000000000000000.0,") - 1)


def written(stage: Stage, message: Contract) -> bytes:
    records: list[OutRecord] = []
    Writer(stage, 0.0, 1.0).write(ENVELOPE, emit(message), records)
    return records[0].value


def read(topic: Topic[Any], value: bytes) -> Any:
    """What the stages that read the topic make of it."""
    batch = Decoder(topic, None, INNER_INPUT_BYTES).decode([FakeRecord(0, value)])
    assert not batch.refused, batch.refused
    return batch.messages[0]


async def findings(item: Indicator) -> dict[str, Any]:
    """Everything that is ever found out about an item, in as many words as can be."""
    (reviewed,) = await classify_in_memory([item])
    found = dict(reviewed.__dict__)
    for name, value in found.items():
        if "reasoning" in getattr(type(value), "model_fields", {}):
            found[name] = value.model_copy(update={"reasoning": LONG})
    fields = tuple(ReviewField)
    found["boolean_review"] = BooleanReview(is_correct=False, incorrect_fields=fields, reasoning=LONG, confidence=1 / 3)
    found["final_review"] = FinalReview(
        review_makes_sense=True,
        status=FinalReviewStatus.CORRECTED,
        corrections_applied=dict.fromkeys(fields, LONG),
        final_reasoning=LONG,
        confidence=1 / 3,
    )
    said = dict.fromkeys(fields, max(TemporalAggregation, key=len))
    prior = Opinion(provider="embedded", model=LONG, values=said, confidence=1 / 3)
    return found | {"family_prior": prior, "type_prior": prior}


def outputs(stages: Sequence[Stage]) -> list[tuple[Stage, Topic[Any]]]:
    """The messages that hold the whole item."""
    return [
        (stage, topic)
        for stage in stages
        for topic in stage.writes
        if topic.model and "subject" in topic.model.model_fields
    ]


async def test_what_the_edge_lets_through_passes_every_stage() -> None:
    item = normalized(largest())
    for message, topic in zip((item, part(item)), EDGE.writes, strict=True):
        assert len(value := written(EDGE, message)) > EDGE_OUTPUT_BYTES - 1000
        assert read(topic, value) == message
    found = await findings(largest())
    assert len(outputs(INNER)) >= 6
    for stage, topic in outputs(INNER):
        assert topic.model
        message = topic.model(**{name: found[name] for name in topic.model.model_fields})
        assert read(topic, written(stage, message)) == message


def test_numbers_that_grow_too_much_are_refused_at_the_edge() -> None:
    grown = indicator(45_000)
    assert len("[1e15" + ",1e15" * 44_999) < MAX_MESSAGE_BYTES // 2
    with pytest.raises(PermanentError) as caught:
        written(EDGE, part(normalized(grown)))
    assert caught.value.code == RejectCode.TOO_LARGE
