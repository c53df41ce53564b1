"""Pages to read: the flow, batches, indicators."""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from services.api.connections import Connections
from services.api.console.flow import Flow, StageFlow
from services.api.console.forms import SearchText
from services.api.console.page_route import PageRoute
from services.api.console.rendering import page
from services.api.console.visitors import PATH
from services.api.contract import BatchState
from services.api.problems import Problem
from services.api.recent import Recent
from shared.database import Database
from shared.database.ledger import batch, batches
from shared.database.results import ResultStatus, results, results_of
from shared.database.views import (
    LetterFilter,
    find_dead_letters,
    find_indicators,
    overall,
    stage_history,
    submissions,
    throughput,
    unresolved_dead_letters,
)
from shared.errors import TransientError, UsageError
from shared.reviewing import Reviews
from shared.runtime.declaration import Pipeline

FRESH_SECONDS = 1.0
LATELY_SECONDS = 60.0
BATCHES_SHOWN = 50
NEWEST_SHOWN = 8
ROWS_A_PAGE = 100
FOUND_SHOWN = 50
HISTORY_SHOWN = 200

Id = Annotated[str, Query(alias="id", max_length=1_024, pattern=r"^[^\x00]*$")]
Live = Annotated[bool, Query()]


class Reader:
    """What the pages show."""

    def __init__(self, pipeline: Pipeline, connections: Connections, flow: Flow, offered: Reviews | None) -> None:
        self._pipeline = pipeline.name
        self._connections = connections
        self._flow = flow
        self._offered = offered
        self._totals: Recent[str, dict[str, Any]] = Recent(self._count, FRESH_SECONDS)

    @property
    def database(self) -> Database:
        """Raises TransientError while it is away."""
        return self._connections.database

    async def standing(self) -> dict[str, Any]:
        """How everything stands. Without the broker, what the database knows."""
        totals, newest, (stages, away) = await asyncio.gather(
            self._totals.get(self._pipeline), self.batches(NEWEST_SHOWN), self._stages()
        )
        most = max((stage.lag for stage in stages), default=0)
        return {**totals, "batches": newest, "stages": stages, "most": max(most, 1), "away": away}

    async def batches(self, limit: int) -> list[BatchState]:
        """The newest batches."""
        return [BatchState.of(one, "") for one in await batches(self.database, limit, pipeline=self._pipeline)]

    async def batch(self, batch_id: str, status: ResultStatus | None, offset: int) -> dict[str, Any]:
        """One batch with a page of its rows. Raises Problem if there is none."""
        found = await batch(self.database, batch_id)
        if found is None or found.pipeline != self._pipeline:
            raise Problem(404, "there is no batch of this id", "The list of batches has the newest ones.")
        state = BatchState.of(found, "")
        rows = await results(self.database, batch_id, offset=offset, limit=ROWS_A_PAGE, status=status)
        total: int = getattr(state, status) if status else state.total
        after = offset + ROWS_A_PAGE if offset + len(rows) < total and rows else None
        return {
            "batch": state,
            "rows": rows,
            "total": total,
            "offset": offset,
            "before": max(0, offset - ROWS_A_PAGE) if offset else None,
            "after": after,
            "status": status,
            "statuses": [one.value for one in ResultStatus],
        }

    async def found(self, text: str) -> list[Any]:
        """Indicators that match a text; none for no text."""
        return await find_indicators(self.database, text, FOUND_SHOWN) if text else []

    async def indicator(self, indicator_id: str) -> dict[str, Any]:
        """Everything about one indicator. Raises Problem if nothing is known."""
        letters = find_dead_letters(self.database, ROWS_A_PAGE, LetterFilter(item_id=indicator_id))
        result, submitted, history, failures, known = await asyncio.gather(
            results_of(self.database, [indicator_id]),
            submissions(self.database, indicator_id),
            stage_history(self.database, indicator_id, HISTORY_SHOWN),
            letters,
            self._known(indicator_id),
        )
        if not (result or submitted or failures):
            raise Problem(404, f"nothing is known about {indicator_id!r}", "Look for a part of its name.")
        return {
            "indicator_id": indicator_id,
            "result": result[0]._asdict() if result else None,
            "submitted": submitted,
            "history": history,
            "letters": failures,
            "known": known,
            "choices": self._offered.choices() if self._offered and known else (),
        }

    async def _known(self, indicator_id: str) -> dict[str, Any] | None:
        if self._offered is None:
            return None
        try:
            return await self._offered.known(self.database, indicator_id)
        except UsageError:
            return None

    async def _stages(self) -> tuple[list[StageFlow], str]:
        try:
            return await self._flow.stages(), ""
        except TransientError as error:
            return [], str(error)

    async def _count(self, _: str) -> dict[str, Any]:
        totals, lately, letters = await asyncio.gather(
            overall(self.database), throughput(self.database, LATELY_SECONDS), unresolved_dead_letters(self.database)
        )
        return {"totals": totals, "lately": lately, "unresolved": letters}


def reading_routes(reader: Reader) -> APIRouter:
    """The pages that change nothing."""
    router = APIRouter(prefix=PATH, route_class=PageRoute)

    @router.get("")
    async def flow(request: Request, live: Live = True) -> Response:
        return page(request, "flow", live=live, **await reader.standing())

    @router.get("/batches")
    async def list_batches(request: Request, live: Live = True) -> Response:
        return page(request, "batches", live=live, batches=await reader.batches(BATCHES_SHOWN))

    @router.get("/batch")
    async def show_batch(
        request: Request,
        batch_id: Id,
        status: ResultStatus | None = None,
        offset: Annotated[int, Query(ge=0, le=2**31 - 1)] = 0,
        live: Live = True,
    ) -> Response:
        found = await reader.batch(batch_id, status, offset)
        return page(request, "batch", live=live and found["batch"].status == "running", **found)

    @router.get("/indicators")
    async def search(request: Request, text: SearchText = "") -> Response:
        return page(request, "indicators", text=text.strip(), found=await reader.found(text.strip()))

    @router.get("/indicator")
    async def show_indicator(request: Request, indicator_id: Id) -> Response:
        return page(request, "indicator", notice="", failed=False, **await reader.indicator(indicator_id))

    return router
