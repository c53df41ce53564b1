"""Rates of the stages, from what their groups commit."""

from collections.abc import Mapping

from services.api.console.flow import SPAN_SECONDS, Flow
from shared.broker.lag import PartitionLag, StageLag
from shared.runtime.declaration import Pipeline
from shared.settings import KafkaSettings


def lags(done: Mapping[str, int], end: int = 1_000) -> list[StageLag]:
    """Each stage at an offset of its only partition."""
    return [
        StageLag(f"shop.{name}", "in", "retry", (PartitionLag("in", 0, 0, offset, end),), ())
        for name, offset in done.items()
    ]


def test_a_rate_is_taken_over_what_was_seen_lately() -> None:
    now = [0.0]
    flow = Flow(KafkaSettings(), Pipeline("shop", key="id"), lambda: now[0])
    (first,) = flow.noted(lags({"price": 100}))
    assert (first.name, first.lag, first.rate) == ("price", 900, None)
    now[0] = 2.0
    assert flow.noted(lags({"price": 300}))[0].rate == 100
    now[0] = 4.0
    assert flow.noted(lags({"price": 300}))[0].rate == 50
    now[0] = 4.0 + SPAN_SECONDS
    assert flow.noted(lags({"price": 300}))[0].rate == 0


def test_offsets_that_go_back_and_stages_that_are_new_have_no_rate_below_nothing() -> None:
    now = [0.0]
    flow = Flow(KafkaSettings(), Pipeline("shop", key="id"), lambda: now[0])
    flow.noted(lags({"price": 500}))
    now[0] = 1.0
    assert [one.rate for one in flow.noted(lags({"price": 0, "parcel": 40}))] == [0, 0]
