"""A collector of our own: takes OTLP over HTTP as protobuf, and keeps what it is sent."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span as SentSpan
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

PROTOBUF = "application/x-protobuf"


@dataclass(frozen=True, slots=True)
class Span:
    """A span, with ids in hexadecimal and times in seconds since the epoch."""

    service: str
    name: str
    kind: str
    trace_id: str
    span_id: str
    parent_id: str
    begin: float
    end: float
    attributes: dict[str, Any]
    links: tuple[tuple[str, str], ...]
    """(trace, span)."""
    failed: bool


@dataclass
class Receiver:
    """What has arrived, as it was sent and read."""

    url: str = ""
    bodies: list[bytes] = field(default_factory=list)
    by_id: dict[str, Span] = field(default_factory=dict)
    """A span may be sent twice, like everything that is sent at least once."""

    async def take(self, request: Request) -> Response:
        """POST /v1/traces."""
        if request.headers["content-type"] != PROTOBUF:
            return Response(status_code=415)
        body = await request.body()
        self.bodies.append(body)
        self.by_id |= {span.span_id: span for span in _read(ExportTraceServiceRequest.FromString(body))}
        return Response(b"", media_type=PROTOBUF)

    @property
    def spans(self) -> list[Span]:
        """All of them."""
        return list(self.by_id.values())

    def trace(self, trace_id: str) -> list[Span]:
        """The spans of a trace in the order of their beginnings."""
        return sorted((span for span in self.spans if span.trace_id == trace_id), key=lambda span: span.begin)


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    """A receiver that listens for as long as the context lasts."""
    receiver = Receiver()
    app = Starlette(routes=[Route("/v1/traces", receiver.take, methods=["POST"])])
    listener = socket.create_server(("127.0.0.1", 0))
    receiver.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, timeout_graceful_shutdown=2))
    serving = asyncio.create_task(server._serve([listener]))
    try:
        yield receiver
    finally:
        server.should_exit = True
        await serving


def _read(request: ExportTraceServiceRequest) -> Iterable[Span]:
    for resource in request.resource_spans:
        service = _values(resource.resource.attributes)["service.name"]
        for scope in resource.scope_spans:
            for span in scope.spans:
                yield _span(service, span)


def _span(service: str, span: SentSpan) -> Span:
    return Span(
        service=service,
        name=span.name,
        kind=SentSpan.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_"),
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_id=span.parent_span_id.hex(),
        begin=span.start_time_unix_nano / 1e9,
        end=span.end_time_unix_nano / 1e9,
        attributes=_values(span.attributes),
        links=tuple((link.trace_id.hex(), link.span_id.hex()) for link in span.links),
        failed=span.status.code == span.status.STATUS_CODE_ERROR,
    )


def _values(pairs: Iterable[KeyValue]) -> dict[str, Any]:
    return {pair.key: _value(pair.value) for pair in pairs}


def _value(value: AnyValue) -> Any:
    kind = value.WhichOneof("value")
    return getattr(value, kind) if kind else None
