"""GET /batches and what is below it."""

from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Query, Response
from pydantic_core import to_json
from sse_starlette import EventSourceResponse

from services.api.connections import Connections
from services.api.contract import BatchList, BatchState, ProblemBody, ResultPage
from services.api.events import INTERVAL_SECONDS, event_id, follow
from services.api.problems import JSON, Problem
from services.api.recent import Recent
from shared.database.ledger import batch, batches
from shared.database.results import ResultStatus, results

BatchId = Annotated[str, Path(description="as the submission's answer had it", max_length=200)]

REFUSALS: dict[int | str, dict[str, Any]] = {
    status: {"model": ProblemBody, "description": meaning}
    for status, meaning in {
        400: "wrong parameter",
        401: "no valid key",
        429: "too many requests; Retry-After says when to come back",
        503: "the database is away; Retry-After says when to come back",
    }.items()
}
NOT_FOUND: dict[int | str, dict[str, Any]] = {404: {"model": ProblemBody, "description": "there is no such batch"}}


class BatchReader:
    """Batches of one pipeline as clients see them."""

    def __init__(self, pipeline: str, connections: Connections, default_provider: str) -> None:
        self._pipeline = pipeline
        self._connections = connections
        self._default_provider = default_provider
        self._shared: Recent[str, BatchState | None] = Recent(self.find, INTERVAL_SECONDS / 2)

    async def newest(self, limit: int) -> list[BatchState]:
        """The newest batches."""
        found = await batches(self._connections.database, limit, pipeline=self._pipeline)
        return [BatchState.of(one, self._default_provider) for one in found]

    async def find(self, batch_id: str) -> BatchState | None:
        """A batch, None if there is none of that id."""
        found = await batch(self._connections.database, batch_id) if "\0" not in batch_id else None
        if found is None or found.pipeline != self._pipeline:
            return None
        return BatchState.of(found, self._default_provider)

    async def get(self, batch_id: str) -> BatchState:
        """A batch. Raises Problem if there is none of that id."""
        found = await self.find(batch_id)
        if found is None:
            raise Problem(404, "there is no batch of this id", "See /batches for the newest ones.")
        return found

    async def watch(self, batch_id: str) -> BatchState | None:
        """A batch as it was a moment ago: all who follow it share the query."""
        return await self._shared.get(batch_id)

    async def page(self, state: BatchState, offset: int, limit: int, status: ResultStatus | None) -> Response:
        """A page of results of a batch."""
        rows = await results(self._connections.database, state.batch_id, offset=offset, limit=limit, status=status)
        total: int = getattr(state, status) if status else state.total
        body = {
            "batch_id": state.batch_id,
            "total": total,
            "offset": offset,
            "limit": limit,
            "next_offset": offset + len(rows) if rows and offset + len(rows) < total else None,
            "results": [row._asdict() for row in rows],
        }
        return Response(to_json(body), media_type=JSON)


def batch_routes(reader: BatchReader) -> APIRouter:
    """The routes that show batches."""
    router = APIRouter(prefix="/batches", tags=["Batches"], responses=REFUSALS)

    @router.get("", summary="The newest batches", responses={200: {"model": BatchList}})
    async def list_batches(limit: Annotated[int, Query(ge=1, le=1_000)] = 10) -> Response:
        """Newest first."""
        return _json(BatchList(batches=await reader.newest(limit)))

    @router.get("/{batch_id}", summary="One batch", responses={200: {"model": BatchState}, **NOT_FOUND})
    async def show_batch(batch_id: BatchId) -> Response:
        """How far it is, how long it takes, what it cost."""
        return _json(await reader.get(batch_id))

    @router.get("/{batch_id}/results", summary="Results", responses={200: {"model": ResultPage}, **NOT_FOUND})
    async def show_results(
        batch_id: BatchId,
        status: Annotated[ResultStatus | None, Query(description="only rows of this status")] = None,
        offset: Annotated[int, Query(ge=0, le=2**31 - 1)] = 0,
        limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
    ) -> Response:
        """A row for every indicator, in the order of submission; failed ones with the reason."""
        return await reader.page(await reader.get(batch_id), offset, limit, status)

    _add_events(router, reader)
    return router


def _add_events(router: APIRouter, reader: BatchReader) -> None:
    @router.get(
        "/{batch_id}/events",
        summary="Progress, as server-sent events",
        response_class=EventSourceResponse,
        responses={204: {"description": "Last-Event-ID was the last event: nothing more will come"}, **NOT_FOUND},
    )
    async def follow_batch(
        batch_id: BatchId,
        last_event_id: Annotated[str | None, Header(description="where a client that reconnects had been")] = None,
    ) -> Response:
        """`progress` whenever the counts have changed, at most four times a second, then `completed`, and the stream
        ends. The data is the batch as `/batches/{batch_id}` shows it.
        """
        state = await reader.get(batch_id)
        if state.status == "completed" and last_event_id == event_id(state):
            return Response(status_code=204)  # which tells an EventSource not to come back
        return EventSourceResponse(follow(lambda: reader.watch(batch_id), last_event_id))


def _json(body: BatchList | BatchState) -> Response:
    return Response(body.model_dump_json(), media_type=JSON)
