"""W3C trace contexts, as records and requests carry them in a header."""

import re
import secrets
from contextlib import AbstractContextManager, nullcontext

from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, get_current_span, use_span

_SHAPE = re.compile(rb"(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")
_SAMPLED = frozenset({b"1", b"3", b"5", b"7", b"9", b"b", b"d", b"f"})
"""Last digits of the flags whose lowest bit is set."""
_HALF = 2**64
UNKNOWN_SPAN = 8


def read_traceparent(traceparent: bytes | None) -> SpanContext | None:
    """The context that a header names; None where it names none."""
    found = _SHAPE.fullmatch(traceparent) if traceparent else None
    if found is None:
        return None
    trace_id, span_id, flags = (int(part, 16) for part in found.groups())
    context = SpanContext(trace_id, span_id, is_remote=True, trace_flags=TraceFlags(flags))
    return context if context.is_valid else None


def is_sampled(traceparent: bytes | None) -> bool:
    """Whether whoever began the trace wants it recorded."""
    return traceparent is not None and traceparent[-1:] in _SAMPLED


def write_traceparent(context: SpanContext) -> bytes:
    """The header that names a context."""
    return b"00-%032x-%016x-%02x" % (context.trace_id, context.span_id, context.trace_flags)


def new_traceparent(ratio: float = 0.0, trace_id: str = "") -> bytes:
    """The context of a trace that begins here, without a span of ours; recorded from here on in `ratio` of the cases.

    What is recorded follows from the trace id, so that everybody who is asked comes to the same.
    """
    trace_id = trace_id or secrets.token_hex(16)
    recorded = int(trace_id[16:], 16) < ratio * _HALF
    return f"00-{trace_id}-{secrets.token_hex(UNKNOWN_SPAN)}-0{recorded:d}".encode()


def continuing(traceparent: bytes) -> AbstractContextManager[object]:
    """Be part of the caller's trace; for who records spans, being within one of ours says that already."""
    context = read_traceparent(traceparent)
    recorded = get_current_span().get_span_context().is_valid
    return nullcontext() if context is None or recorded else use_span(NonRecordingSpan(context))


def current_trace_id() -> str:
    """The trace that this call is part of; empty if it is in none."""
    context = get_current_span().get_span_context()
    return f"{context.trace_id:032x}" if context.is_valid else ""


def current_traceparent(trace_id: str) -> bytes | None:
    """The span that this call is part of, as a header; None if it is in none of this trace."""
    context = get_current_span().get_span_context()
    same = context.is_valid and f"{context.trace_id:032x}" == trace_id
    return write_traceparent(context) if same else None
