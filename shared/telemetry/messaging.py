"""Spans of work on messages, named by the OpenTelemetry conventions for messaging.

Their status is still "development", so all names stand here and nowhere else. A span holds no text of a message: its
key, which is the item's id, is all it tells of one.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager

from opentelemetry import trace
from opentelemetry.context import Context, get_current
from opentelemetry.trace import Link, NonRecordingSpan, Span, SpanContext, SpanKind, Status, StatusCode
from opentelemetry.util.types import AttributeValue

SYSTEM = "messaging.system"
KAFKA = "kafka"
OPERATION_NAME = "messaging.operation.name"
OPERATION_TYPE = "messaging.operation.type"
DESTINATION = "messaging.destination.name"
PARTITION = "messaging.destination.partition.id"
GROUP = "messaging.consumer.group.name"
BATCH_COUNT = "messaging.batch.message_count"
OFFSET = "messaging.kafka.offset"
KEY = "messaging.kafka.message.key"
ERROR_TYPE = "error.type"
STAGE = "sluice.stage"
BATCH_ID = "sluice.batch.id"
ATTEMPT = "sluice.attempt"
OUTCOME = "sluice.outcome"

PROCESS = "process"
CREATE = "create"
SEND = "send"

_tracer = trace.get_tracer("sluice.messaging")


@contextmanager
def process_batch(stage: str, topic: str, count: int, parent: SpanContext | None) -> Iterator[Span]:
    """The span of a stage's work on `count` messages; with no `parent` it begins a trace of its own."""
    span = _tracer.start_span(
        f"{PROCESS} {topic}",
        context=_within(parent),
        kind=SpanKind.CONSUMER,
        attributes={**_process(stage, topic), BATCH_COUNT: count},
    )
    with _current(span):
        yield span


def process_item(
    stage: str, topic: str, parent: SpanContext | None, batch: Span, started: int, about: Mapping[str, AttributeValue]
) -> Span:
    """The span of one message within that work, in the message's own trace; `started` in ns. The caller ends it."""
    return _tracer.start_span(
        f"{PROCESS} {topic}",
        context=_within(parent),
        kind=SpanKind.CONSUMER,
        attributes={**_process(stage, topic), **about},
        links=[Link(batch.get_span_context())],
        start_time=started,
    )


@contextmanager
def create_batch(topic: str, count: int) -> Iterator[None]:
    """The span of making messages and everything that goes with it; where nothing is current it begins their trace."""
    with _current(_produce(CREATE, topic, count)):
        yield


@contextmanager
def send_batch(counts: Mapping[str, int]) -> Iterator[None]:
    """The spans of publishing so many messages to each topic, side by side; the last one is current."""
    parent = get_current()
    with ExitStack() as ended:
        for topic, count in counts.items():
            ended.enter_context(_current(_produce(SEND, topic, count, parent)))
        yield


def failed(span: Span, kind: str) -> None:
    """The work did not succeed, and in which way."""
    span.set_attribute(ERROR_TYPE, kind)
    span.set_status(Status(StatusCode.ERROR))


def link_all(span: Span, contexts: Sequence[SpanContext]) -> None:
    """Say of a batch from which spans its messages came."""
    for context in contexts:
        span.add_link(context)


@contextmanager
def _current(span: Span) -> Iterator[None]:
    """Make the span the current one, then end it; an exception that leaves it is noted by its type alone."""
    with trace.use_span(span, end_on_exit=True, record_exception=False, set_status_on_exception=False):
        try:
            yield
        except BaseException as error:
            failed(span, type(error).__name__)
            raise


def _produce(operation: str, topic: str, count: int, within: Context | None = None) -> Span:
    return _tracer.start_span(
        f"{operation} {topic}",
        context=within,
        kind=SpanKind.PRODUCER,
        attributes={
            SYSTEM: KAFKA,
            OPERATION_NAME: operation,
            OPERATION_TYPE: operation,
            DESTINATION: topic,
            BATCH_COUNT: count,
        },
    )


def _process(stage: str, topic: str) -> dict[str, AttributeValue]:
    return {
        SYSTEM: KAFKA,
        OPERATION_NAME: PROCESS,
        OPERATION_TYPE: PROCESS,
        DESTINATION: topic,
        GROUP: stage,
        STAGE: stage,
    }


def _within(parent: SpanContext | None) -> Context:
    """A context in which nothing is current but `parent`."""
    return trace.set_span_in_context(NonRecordingSpan(parent), Context()) if parent else Context()
