"""Spans of model calls, named by the OpenTelemetry conventions for generative AI.

Their status is still "development" (they live in a repository of their own), so all names stand
here and nowhere else.
A span holds no text of a message.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode

OPERATION = "gen_ai.operation.name"
PROVIDER = "gen_ai.provider.name"
REQUEST_MODEL = "gen_ai.request.model"
RESPONSE_MODEL = "gen_ai.response.model"
RESPONSE_ID = "gen_ai.response.id"
INPUT_TOKENS = "gen_ai.usage.input_tokens"
OUTPUT_TOKENS = "gen_ai.usage.output_tokens"
ERROR_TYPE = "error.type"
QUESTION = "sluice.llm.question"
ITEMS = "sluice.llm.items"

CHAT = "chat"

_tracer = trace.get_tracer("sluice.llm")


@contextmanager
def call_span(provider: str, model: str, question: str, items: int) -> Iterator[Span]:
    """The span of one call; an exception that leaves it is recorded by its type alone."""
    attributes: dict[str, str | int] = {
        OPERATION: CHAT,
        PROVIDER: provider,
        REQUEST_MODEL: model,
        QUESTION: question,
        ITEMS: items,
    }
    with _tracer.start_as_current_span(
        f"{CHAT} {model}",
        kind=SpanKind.CLIENT,
        attributes=attributes,
        record_exception=False,
        set_status_on_exception=False,
    ) as span:
        try:
            yield span
        except BaseException as error:
            failed(span, getattr(error, "outcome", type(error).__name__))
            raise


def failed(span: Span, kind: str) -> None:
    """The call brought nothing."""
    span.set_attribute(ERROR_TYPE, str(kind))
    span.set_status(Status(StatusCode.ERROR))


def answered(span: Span, *, model: str, response_id: str, input_tokens: int, output_tokens: int) -> None:
    """The call brought a completion."""
    span.set_attribute(RESPONSE_MODEL, model)
    if response_id:
        span.set_attribute(RESPONSE_ID, response_id)
    span.set_attribute(INPUT_TOKENS, input_tokens)
    span.set_attribute(OUTPUT_TOKENS, output_tokens)
