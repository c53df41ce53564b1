"""Sends spans to a collector over OTLP. The only module that knows the OpenTelemetry SDK; all others use its API."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version

import structlog
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ParentBasedTraceIdRatio

from shared.settings import TracingSettings

EXPORT_SECONDS = 5.0
"""Longest that a group of spans is tried to be sent. A process that ends waits for that once at most."""

log = structlog.get_logger()


class Collector(SpanExporter):
    """The collector, which may be away: that is said once, costs the spans, and holds nobody up."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self._away = False
        self._closing = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send, unless this process ends and the collector is known to be away."""
        if self._closing and self._away:
            return SpanExportResult.FAILURE
        result = self._exporter.export(spans)
        self._note(result is not SpanExportResult.SUCCESS)
        return result

    def close(self) -> None:
        """Send what is left if it can be sent. A collector that is away is not waited for."""
        self._closing = True
        if self._away:
            self._exporter.shutdown()  # ends the attempt in hand

    def shutdown(self) -> None:
        """End the connection."""
        if not self._away:
            self._exporter.shutdown()

    def _note(self, away: bool) -> None:
        if away and not self._away:
            log.warning("the collector takes no spans; they are lost until it does")
        elif self._away and not away:
            log.info("the collector takes spans again")
        self._away = away


@contextmanager
def exporter_running(settings: TracingSettings, service: str, ratio: float) -> Iterator[None]:
    """Record spans in this process and send them in the background, until the context ends."""
    logging.getLogger("opentelemetry.exporter").setLevel(logging.CRITICAL)  # a line for each attempt; Collector tells
    collector = Collector(
        OTLPSpanExporter(settings.traces_url(), headers=settings.headers_sent(), timeout=EXPORT_SECONDS)
    )
    resource = Resource.create({SERVICE_NAME: service, SERVICE_VERSION: version("sluice")})
    provider = TracerProvider(sampler=ParentBasedTraceIdRatio(ratio), resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(collector))
    trace.set_tracer_provider(provider)
    try:
        yield
    finally:
        collector.close()
        provider.shutdown()
