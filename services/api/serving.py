"""The process: uvicorn on uvloop, until a signal; then requests in work are answered, streams end, exit code 0."""

import signal

import structlog
import uvicorn
import uvloop
from fastapi import FastAPI

from services.api.app import create_app
from shared.broker.connection import bootstrap_servers
from shared.errors import UsageError
from shared.pipelines import pipelines
from shared.service.process import spare_garbage_collection
from shared.settings import Settings
from shared.telemetry.exporting import exporting

log = structlog.get_logger()

PIPELINE = "classification"
KEEP_ALIVE_SECONDS = 75
"""Longer than load balancers keep idle connections, so that it is never ours that closes under a request."""
MAX_CONNECTIONS = 256
"""Beyond them the answer is 503 at once: each may hold a request body in memory while the database is slow."""
MAX_HEADER_BYTES = 16_384
"""Of a request line with all headers. A longer one is refused."""


def run_api(settings: Settings, host: str, port: int) -> None:
    """Serve until SIGTERM or SIGINT. Raises UsageError if no broker or no database is configured."""
    bootstrap_servers(settings.kafka)
    if settings.database.url is None:
        raise UsageError("no database is configured", remedy="set SLUICE_DATABASE_URL, or start `sluice up`")
    # uvicorn raises the signal again once it has shut down; by then it has done its work.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    with exporting(settings.tracing, "sluice-api", begins_traces=True):
        uvloop.run(_serve(settings, host, port))


def server_config(app: FastAPI, settings: Settings, host: str, port: int) -> uvicorn.Config:
    """How HTTP is spoken. Whose X-Forwarded-For is believed, uvicorn reads from FORWARDED_ALLOW_IPS."""
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        http="h11",  # the one that has the limit of headers
        h11_max_incomplete_event_size=MAX_HEADER_BYTES,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        limit_concurrency=MAX_CONNECTIONS,
        timeout_graceful_shutdown=int(settings.runtime.drain_seconds),
    )


async def _serve(settings: Settings, host: str, port: int) -> None:
    app = create_app(settings, pipelines()[PIPELINE])
    spare_garbage_collection()
    log.info("serving", host=host, port=port, open=not (settings.api.keys or settings.api.keys_file))
    await uvicorn.Server(server_config(app, settings, host, port)).serve()
    log.info("stopped")
