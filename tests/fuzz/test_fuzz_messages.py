"""Records of any topic: each is understood or refused with a code, and none touches its neighbours."""

import contextlib
import re
from dataclasses import dataclass, field
from random import Random
from typing import Any

from pydantic import ValidationError

from schemas.classification import NormalizedIndicator
from schemas.delivery import Header
from schemas.indicator import Indicator
from services.classification.normalize import normalized
from shared.runtime.codec import Decoded, Decoder, encode
from shared.runtime.declaration import Pipeline
from shared.runtime.envelope import attempt_of, last_run, output_headers, parse_trail
from tests.fuzz.cases import fuzz
from tests.fuzz.material import HOSTILE_BYTES, Maker, characters, damaged, drawn, json_like, many, maybe
from tests.fuzz.samples import INDICATOR, INDICATORS

PIPELINE = Pipeline("fuzzed", key="indicator_id")
EDGE = Decoder(PIPELINE.topic("fuzzed.ingest", Indicator, "indicators"), "indicator_id", 512 * 1024)
INNER = Decoder(PIPELINE.topic("fuzzed.normalized", NormalizedIndicator, "items"), None, 1024 * 1024)
AS_IT_IS = Decoder(PIPELINE.topic("fuzzed.letters", None, "whatever"), None, 1024)


@dataclass(frozen=True)
class Arrived:
    """A record as a client library gives it."""

    value: bytes | None
    key: bytes | None = b"id"
    headers: list[tuple[str, Any]] = field(default_factory=list)
    timestamp: int = 1_700_000_000_000
    topic: str = "fuzzed.ingest"
    partition: int = 0
    offset: int = 0


GOOD = Arrived(encode(INDICATORS[0]))
GOOD_INNER = Arrived(encode(normalized(INDICATORS[0])))
STAGE_RUN = b'{"stage":"normalize","ms":1.5,"model":"rules"}'
VALUES = (
    b"batch-1", b"1700000000.123", b"cascade:openai", b"00-" + b"a" * 32 + b"-" + b"b" * 16 + b"-01", b"1", b"2",
    STAGE_RUN, b"x" * 70_000,
)  # fmt: skip
NAMES = [value for name, value in vars(Header).items() if name.isupper()]
KEYS = (None, b"", b"k" * 2_000, b"\xff", b"id", b"id")
TIMES = (1_700_000_000_000, 0, -1, 2**63 - 1, -(2**63))
NORMALIZED = normalized(INDICATORS[0]).model_dump(mode="json")


def _header(r: Random) -> tuple[str, Any]:
    name = r.choice(NAMES) if r.random() < 0.9 else characters(r)
    return name, r.choice((None, damaged(r.choice(VALUES), r), damaged(r.choice(VALUES), r), r.choice(HOSTILE_BYTES)))


def records(values: Maker[bytes]) -> Maker[Arrived]:
    headers = many(_header, 5)
    return lambda r: Arrived(maybe(0.95, values)(r), r.choice(KEYS), headers(r), r.choice(TIMES))


def _all_told(decoded: Decoded, count: int) -> None:
    assert len(decoded.messages) == len(decoded.envelopes)
    assert len(decoded.messages) + len(decoded.refused) == count
    for refused in decoded.refused:
        assert refused.reason.detail
        assert len(refused.reason.detail) < 2_000
        assert "\0" not in refused.reason.detail


@fuzz("messages: ingest", hostile=drawn(many(records(json_like(INDICATOR)), 3, 1)))
def test_indicators_are_understood_or_refused_alone(hostile: list[Arrived]) -> None:
    decoded = EDGE.decode([GOOD, *hostile, GOOD])
    _all_told(decoded, len(hostile) + 2)
    assert [one.record for one in decoded.envelopes].count(GOOD) == 2, "neighbours are unaffected"
    for message, envelope in zip(decoded.messages, decoded.envelopes, strict=True):
        item = normalized(message)
        assert "\0" not in item.model_dump_json().replace("\\\\", "").replace("\\u0000", "\0"), "it can be stored"
        again = INNER.decode([Arrived(encode(item), key=b"k")]).messages
        assert [encode(one) for one in again] == [encode(item)], "what we write we read; a NaN in context as null"
        for name, value in output_headers(envelope, [], STAGE_RUN):
            assert value is not None, name
        assert (envelope.ingested_at, envelope.attempt, envelope.provider) is not None
        assert envelope.batch_id


@fuzz("messages: between stages", hostile=drawn(records(json_like(NORMALIZED))))
def test_items_between_stages_are_understood_or_refused_alone(hostile: Arrived) -> None:
    decoded = INNER.decode([GOOD_INNER, hostile])
    _all_told(decoded, 2)
    assert decoded.envelopes[0].record is GOOD_INNER
    for message in decoded.messages:
        again = INNER.decode([Arrived(encode(message), key=b"k")])
        # A number that JSON cannot spell (1e999) is written as null, which the next stage refuses by name.
        assert again.messages == [message] or re.search(r"\b(inf|nan)\b", repr(message))


@fuzz("messages: headers", hostile=drawn(records(lambda r: r.randbytes(5))))
def test_a_record_that_may_be_anything_is_never_refused(hostile: Arrived) -> None:
    decoded = AS_IT_IS.decode([hostile])
    assert not decoded.refused
    (envelope,) = decoded.envelopes
    assert envelope.batch_id
    assert envelope.ingested_at >= 0
    assert 1 <= envelope.attempt <= 1_000
    assert 1 <= attempt_of(hostile.value) <= 1_000
    last_run(envelope.trail)
    with contextlib.suppress(ValidationError):
        parse_trail(envelope.trail)
