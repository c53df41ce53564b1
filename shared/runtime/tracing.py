"""The spans of a batch: one for all of it, and one for each item whose trace is recorded. The others cost nothing.

Where no spans are recorded at all, a batch costs a look at that, and its items nothing.
"""

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext

from opentelemetry.trace import Span, SpanContext
from opentelemetry.util.types import AttributeValue

from schemas.delivery import Header
from shared.runtime.declaration import Stage
from shared.runtime.envelope import Envelope, OutRecord, Record
from shared.runtime.outcome import Emit, Reject
from shared.telemetry import messaging
from shared.telemetry.trace_context import is_sampled, read_traceparent, write_traceparent

MOST_LINKS = 128
"""As many as OpenTelemetry keeps."""


class BatchTrace:
    """What is recorded of one batch. Its items' outputs belong to their spans, as headers say."""

    def __init__(self, stage: Stage, span: Span, continued: bool) -> None:
        self._stage = stage
        self._span = span
        self._continued = continued
        self._recorded = span.is_recording()
        self._started = time.time_ns()
        self._items: dict[int, Span] = {}

    def follow(self, envelopes: Sequence[Envelope]) -> None:
        """Begin a span for each item whose trace is recorded."""
        if not self._recorded:
            return
        for index, envelope in enumerate(envelopes):
            if is_sampled(envelope.headers.get(Header.TRACEPARENT)):
                span = self._item(envelope)
                envelope.headers[Header.TRACEPARENT] = write_traceparent(span.get_span_context())
                self._items[index] = span

    def sending(self, outputs: Sequence[OutRecord]) -> AbstractContextManager[None]:
        """The spans of publishing."""
        return messaging.send_batch(Counter(record.topic for record in outputs)) if self._recorded else nullcontext()

    def note(self, outcomes: Sequence[object]) -> None:
        """Say how each item that has a span has ended."""
        for index, span in self._items.items():
            outcome = outcomes[index]
            if isinstance(outcome, Reject):
                messaging.failed(span, outcome.code.value)
            span.set_attribute(messaging.OUTCOME, _in_a_word(outcome))

    def end(self, failure: BaseException | None = None) -> None:
        """End the spans of the items."""
        for span in self._items.values():
            if span is not self._span:
                if failure is not None:
                    messaging.failed(span, type(failure).__name__)
                span.end()

    def _item(self, envelope: Envelope) -> Span:
        record = envelope.record
        about: dict[str, AttributeValue] = {
            messaging.PARTITION: str(record.partition),
            messaging.OFFSET: record.offset,
            messaging.KEY: envelope.item_id,
            messaging.BATCH_ID: envelope.batch_id,
            messaging.ATTEMPT: envelope.attempt,
        }
        if self._continued:  # the batch is the item
            self._span.set_attributes(about)
            return self._span
        # From the record: where it names no trace, the one that the envelope has begins with this span.
        parent = read_traceparent(_traceparent(record))
        return messaging.process_item(self._stage.full_name, record.topic, parent, self._span, self._started, about)


@contextmanager
def batch_trace(stage: Stage, records: Sequence[Record]) -> Iterator[BatchTrace]:
    """The trace of one batch. That of a single message is the message's own, if it is recorded."""
    parent = _only_context(records)
    with messaging.process_batch(stage.full_name, records[0].topic, len(records), parent) as span:
        traced = BatchTrace(stage, span, continued=parent is not None)
        if span.is_recording() and parent is None:
            messaging.link_all(span, _contexts(records))
        try:
            yield traced
        except BaseException as error:
            traced.end(error)
            raise
        traced.end()


def _only_context(records: Sequence[Record]) -> SpanContext | None:
    if len(records) > 1:
        return None
    given = _traceparent(records[0])
    return read_traceparent(given) if is_sampled(given) else None


def _contexts(records: Sequence[Record]) -> list[SpanContext]:
    """Where the messages of a batch come from, each place once, those that are recorded first."""
    given = dict.fromkeys(filter(None, map(_traceparent, records)))
    chosen = sorted(given, key=is_sampled, reverse=True)[:MOST_LINKS]
    return [context for context in map(read_traceparent, chosen) if context]


def _traceparent(record: Record) -> bytes | None:
    for name, value in record.headers:
        if name == Header.TRACEPARENT:
            return value
    return None


def _in_a_word(outcome: object) -> str:
    if isinstance(outcome, Emit):
        return "emitted" if outcome.messages else "absorbed"
    return "rejected" if isinstance(outcome, Reject) else "postponed"
