"""The claim check of a shard: small, strict about what it names."""

import pytest
from pydantic import ValidationError

from schemas.deduplication import ShardReady
from shared.runtime.codec import encode

LARGEST = ShardReady(
    run_id="r" * 64,
    stage="s" * 40,
    shard=511,
    shards=512,
    uri="u" * 200,
    sha256="a" * 64,
    rows=10**12,
    bytes=10**15,
    config_digest="b" * 8,
)


def test_a_message_is_never_larger_than_a_kilobyte() -> None:
    assert len(encode(LARGEST)) < 1024
    assert ShardReady.model_validate_json(encode(LARGEST)) == LARGEST


@pytest.mark.parametrize(
    "wrong", [{"run_id": "../etc"}, {"stage": "a/b"}, {"sha256": "x"}, {"shard": -1}, {"config_digest": "B" * 8}]
)
def test_names_that_lead_elsewhere_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        ShardReady.model_validate({**LARGEST.model_dump(), **wrong})
