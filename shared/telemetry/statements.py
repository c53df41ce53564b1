"""Spans of statements to the database, named by the OpenTelemetry conventions for databases.

Only within a span that is recorded, so that elsewhere a statement costs nothing more. A span holds the statement's
name, never its text or values.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from opentelemetry import trace
from opentelemetry.trace import SpanKind, Status, StatusCode

SYSTEM = "db.system.name"
POSTGRESQL = "postgresql"
SUMMARY = "db.query.summary"
ERROR_TYPE = "error.type"

_tracer = trace.get_tracer("sluice.database")


def statement_span(summary: str) -> AbstractContextManager[None]:
    """The span of one statement, if anybody records what it is part of."""
    return _span(summary) if trace.get_current_span().is_recording() else nullcontext()


@contextmanager
def _span(summary: str) -> Iterator[None]:
    with _tracer.start_as_current_span(
        summary,
        kind=SpanKind.CLIENT,
        attributes={SYSTEM: POSTGRESQL, SUMMARY: summary},
        record_exception=False,
        set_status_on_exception=False,
    ) as span:
        try:
            yield
        except BaseException as error:
            span.set_attribute(ERROR_TYPE, type(error).__name__)
            span.set_status(Status(StatusCode.ERROR))
            raise
