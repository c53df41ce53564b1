"""Health and metrics."""

from datetime import UTC, datetime
from typing import Literal

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from services.api.connections import Connections
from services.api.contract import Health, Readiness
from services.api.problems import JSON
from services.api.recent import Recent
from shared.telemetry.metrics import REGISTRY

SERVICE = "sluice"
READY_SECONDS = 1.0

Status = Literal["ready", "not ready"]


def health_routes(connections: Connections) -> APIRouter:
    """The routes for whoever keeps this process running."""
    router = APIRouter(tags=["Health"])
    checks: Recent[None, dict[str, str]] = Recent(lambda _: connections.check(), READY_SECONDS)

    @router.get("/health", summary="It answers")
    @router.get("/health/live", summary="It answers; depends on nothing else")
    async def health() -> Health:
        """200 as long as this process can answer at all."""
        return Health(status="healthy", timestamp=datetime.now(UTC), service=SERVICE)

    @router.get(
        "/health/ready",
        summary="It can accept work",
        responses={200: {"model": Readiness}, 503: {"model": Readiness, "description": "what is away"}},
    )
    async def ready() -> Response:
        """200 when database and broker are there, with our tables and topics."""
        found = await checks.get(None)
        good = all(verdict == "ok" for verdict in found.values())
        body = Readiness(status="ready" if good else "not ready", checks=found)
        return Response(body.model_dump_json(), 200 if good else 503, media_type=JSON)

    @router.get("/metrics", summary="Metrics, for Prometheus", response_class=Response)
    async def metrics() -> Response:
        """Every metric of this process."""
        return Response(generate_latest(REGISTRY), headers={"Content-Type": CONTENT_TYPE_LATEST})

    return router
