"""What a stage reports of its batches."""

import pytest

from schemas.delivery import Header, RejectCode
from shared.runtime.measure import OUTCOMES
from shared.telemetry.metrics import REGISTRY
from tests.unit.runtime.harness import FakeRecord, Shop, order

STAGE = {"pipeline": "shop", "stage": "price"}
TRACE = "0af7651916cd43dd8448eb211c80319c"
TRACEPARENT = f"00-{TRACE}-b7ad6b7169203331-01".encode()


def value(series: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(series, {**STAGE, **labels})


def test_counters_are_there_before_anything_happens() -> None:
    """A series that began with its first event would hide that event from rates."""
    Shop()
    for outcome in OUTCOMES:
        assert value("sluice_stage_records_total", outcome=outcome) is not None
    for code in RejectCode:
        assert value("sluice_stage_dead_letters_total", reason=code.value) is not None


async def test_a_batch_names_the_trace_of_its_first_record() -> None:
    record = order(0)
    await Shop().process(FakeRecord(0, record.value, key=record.key, headers=[(Header.TRACEPARENT, TRACEPARENT)]))
    metrics = {metric.name: metric for metric in REGISTRY.collect()}
    found = [sample.exemplar for sample in metrics["sluice_stage_batch_duration_seconds"].samples if sample.exemplar]
    assert {"trace_id": TRACE} in [exemplar.labels for exemplar in found]


@pytest.mark.parametrize("given", [None, b"", b"\xff\xfe", b"00-short-01", TRACEPARENT + b"\n", b"x" * 10_000])
async def test_a_trace_that_is_none_costs_no_record(given: bytes | None) -> None:
    shop, record = Shop(), order(0)
    headers = [(Header.TRACEPARENT, given)]
    await shop.process(FakeRecord(0, record.value, key=record.key, headers=headers))  # type: ignore[arg-type]  # null
    assert shop.input.committed == {("shop.orders", 0): 1}
