"""The spans of a batch: which there are, how they hang together, what outputs carry on."""

from collections.abc import Iterator, Sequence

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from schemas.delivery import Header, RejectCode
from shared.errors import TransientError
from shared.runtime.outcome import Outcome, Reject, emit
from shared.telemetry import messaging
from shared.telemetry.trace_context import is_sampled, read_traceparent, write_traceparent
from tests.unit.runtime.harness import FakeRecord, Order, Priced, Shop, order, price_all

TRACE = "0af7651916cd43dd8448eb211c80319c"
PRODUCER = "b7ad6b7169203331"


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    """Every span that has ended."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(messaging, "_tracer", provider.get_tracer("test"))
    yield exporter
    provider.shutdown()


def context(number: int = 0, flags: str = "01") -> list[tuple[str, bytes]]:
    """The headers of a record that the span `number` of the trace has sent."""
    span = int(PRODUCER, 16) + number
    return [(Header.BATCH_ID, b"b1"), (Header.TRACEPARENT, f"00-{TRACE}-{span:016x}-{flags}".encode())]


def by_name(spans: InMemorySpanExporter, name: str) -> list[ReadableSpan]:
    return [span for span in spans.get_finished_spans() if span.name == name]


def items_of(spans: InMemorySpanExporter) -> list[ReadableSpan]:
    """The spans of single messages."""
    found = [span for span in spans.get_finished_spans() if messaging.KEY in (span.attributes or {})]
    return sorted(found, key=lambda span: str((span.attributes or {})[messaging.OFFSET]))


def trace_of(span: ReadableSpan) -> str:
    assert span.context
    return f"{span.context.trace_id:032x}"


async def test_a_batch_links_to_its_producers_and_a_sampled_item_has_a_span_in_its_own_trace(
    spans: InMemorySpanExporter,
) -> None:
    shop = Shop()
    await shop.process(order(0, headers=context(0)), order(1, headers=context(1, "00")), order(2, headers=context(2)))
    (batch,) = [span for span in by_name(spans, "process shop.orders") if span.parent is None]
    assert batch.context
    assert trace_of(batch) != TRACE
    linked = {f"{link.context.span_id:016x}" for link in batch.links}
    assert linked == {f"{int(PRODUCER, 16) + number:016x}" for number in range(3)}
    assert (batch.attributes or {})[messaging.BATCH_COUNT] == 3

    first, third = items_of(spans)
    assert {trace_of(first), trace_of(third)} == {TRACE}
    assert first.parent
    assert f"{first.parent.span_id:016x}" == PRODUCER
    assert [link.context.span_id for link in first.links] == [batch.context.span_id]
    assert (first.attributes or {})[messaging.OUTCOME] == "emitted"

    carried = [dict(record.headers)[Header.TRACEPARENT] for record in shop.published]
    assert first.context
    assert third.context
    assert carried == [
        write_traceparent(first.context),
        dict(context(1, "00"))[Header.TRACEPARENT],
        write_traceparent(third.context),
    ]
    (sent,) = by_name(spans, "send shop.priced")
    assert sent.parent
    assert sent.parent.span_id == batch.context.span_id


async def test_a_batch_of_one_sampled_message_is_that_messages_span(spans: InMemorySpanExporter) -> None:
    shop = Shop()
    await shop.process(order(7, headers=context()))
    (span,) = by_name(spans, "process shop.orders")
    assert span.parent
    assert span.context
    assert (trace_of(span), f"{span.parent.span_id:016x}") == (TRACE, PRODUCER)
    assert (span.attributes or {})[messaging.KEY] == "o7"
    assert dict(shop.published[0].headers)[Header.TRACEPARENT] == write_traceparent(span.context)


@pytest.mark.parametrize("count", [1, 50])
async def test_items_that_are_not_sampled_make_no_span_however_many_they_are(
    spans: InMemorySpanExporter, count: int
) -> None:
    await Shop().process(*(order(n, headers=context(n, "00")) for n in range(count)))
    assert sorted(span.name for span in spans.get_finished_spans()) == ["process shop.orders", "send shop.priced"]


async def test_links_are_bounded_and_those_that_are_recorded_come_first(spans: InMemorySpanExporter) -> None:
    await Shop(slice_size=1000).process(*(order(n, headers=context(n, "00" if n < 299 else "01")) for n in range(300)))
    (batch,) = [span for span in by_name(spans, "process shop.orders") if span.parent is None]
    assert len(batch.links) == 128
    assert batch.links[0].context.trace_flags.sampled


async def test_a_failure_is_told_by_its_kind_and_never_by_its_words(spans: InMemorySpanExporter) -> None:
    async def handler(orders: Sequence[Order]) -> list[Outcome]:
        return [Reject(RejectCode.INVALID_VALUE, "secret words"), *[emit(Priced(id=o.id, price=1)) for o in orders[1:]]]

    shop = Shop(handler)
    shop.publish_failures = [TransientError("secret broker")]
    await shop.process(order(0, headers=context(0)), order(1, headers=context(1)))
    await shop.process(order(0, headers=context(0)), order(1, headers=context(1)))
    ended = [(span.attributes or {}).get(messaging.ERROR_TYPE) for span in items_of(spans)]
    assert sorted(map(str, ended)) == ["None", "TransientError", "TransientError", "invalid-value"]
    assert "secret" not in "".join(span.to_json() for span in spans.get_finished_spans())


async def test_a_message_without_a_context_begins_a_trace_at_the_edge(spans: InMemorySpanExporter) -> None:
    shop = Shop(edge=True, trace_ratio=1.0)
    await shop.process(
        FakeRecord(0, order(0).value), FakeRecord(1, order(1).value, headers=[(Header.TRACEPARENT, b"?")])
    )
    first, second = items_of(spans)
    assert first.parent is None
    assert second.parent is None
    assert [read_traceparent(dict(record.headers)[Header.TRACEPARENT]) for record in shop.published] == [
        read_traceparent(write_traceparent(span.context)) for span in (first, second) if span.context
    ]


async def test_without_a_recorder_headers_pass_as_they_came() -> None:
    shop = Shop(price_all)
    await shop.process(order(0, headers=context(0)), order(1, headers=context(1)))
    await shop.process(order(2, headers=context(2)))
    carried = [dict(record.headers)[Header.TRACEPARENT] for record in shop.published]
    assert carried == [dict(context(number))[Header.TRACEPARENT] for number in range(3)]
    assert all(map(is_sampled, carried))
