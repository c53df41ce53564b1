"""Whether spans are recorded at all: an entry point says so once. Without a collector nothing of this is loaded."""

from collections.abc import Iterator
from contextlib import contextmanager

from shared.settings import TracingSettings


@contextmanager
def exporting(settings: TracingSettings, service: str, *, begins_traces: bool) -> Iterator[None]:
    """Record spans and send them to the collector until the context ends, if one is configured.

    Who `begins_traces` records as many as the settings say, and what a caller wants recorded. A stage goes by its
    messages, and records every batch: of those there are few.
    """
    if settings.endpoint is None:
        yield
        return
    from shared.telemetry.otlp import exporter_running  # noqa: PLC0415 -- the SDK takes a moment to load

    with exporter_running(settings, service, settings.ratio if begins_traces else 1.0):
        yield
