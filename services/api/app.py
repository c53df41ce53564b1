"""The application: its routes, and what it holds open while it runs."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from fastapi import Depends, FastAPI
from fastapi.telemetry import TelemetryConfig

from services.api.accepting import Acceptance
from services.api.access import Access
from services.api.batches import BatchReader, batch_routes
from services.api.connections import Connections
from services.api.console import console_routes
from services.api.documentation import DESCRIPTION, TITLE, describe, submission
from services.api.health import health_routes
from services.api.indicators import IndicatorReader
from services.api.measuring import Measured
from services.api.problems import answer_problems
from services.api.submitting import submission_routes
from services.api.swagger_page import swagger_routes
from shared.runtime.declaration import Pipeline
from shared.settings import Settings

VERSION = "1"
UNTRACED = ("/health/", "/metrics", "/console")
"""They come every few seconds, or have in their address what somebody looks for."""
TELEMETRY: TelemetryConfig = {
    "metrics": False,  # they are our own
    "logs": False,  # they would hold what exceptions say
    "operation_spans": False,
    "auto_configure": False,
    "exclude": lambda scope: scope["path"].startswith(UNTRACED),
}
"""Of FastAPI's telemetry the span of each request, in its client's trace, is all that is wanted."""


def create_app(settings: Settings, pipeline: Pipeline, clock: Callable[[], float] = time.time) -> FastAPI:
    """The API in front of `pipeline`. Database and broker are opened when it starts and closed when it stops.

    Raises UsageError if a file of keys is configured that cannot be read.
    """
    connections = Connections(settings, pipeline.edge.name)
    model = pipeline.edge.model
    assert model is not None, "the edge of a pipeline has a schema"

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with connections:
            yield

    app = FastAPI(
        title=TITLE,
        version=VERSION,
        description=DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        telemetry=TELEMETRY,
    )
    access = Access(settings.api, clock)
    reader = IndicatorReader(model, pipeline.key, settings.api.max_indicators)
    acceptance = Acceptance(pipeline, connections, settings)
    body = submission(model, settings.api.max_indicators)
    app.include_router(submission_routes(settings, reader, acceptance, access, body))
    batches = BatchReader(pipeline.name, connections, settings.llm.provider)
    app.include_router(batch_routes(batches), dependencies=[Depends(access)])
    app.include_router(health_routes(connections))
    app.include_router(swagger_routes(TITLE))
    app.include_router(console_routes(settings, pipeline, connections, access))
    app.add_middleware(Measured)
    answer_problems(app)
    describe(app, model)
    return app
