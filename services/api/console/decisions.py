"""What waits for a person: the queue, accepting and correcting, as `sluice review` has it."""

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, Request, Response

from services.api.connections import Connections
from services.api.console.forms import Form, read_form, value
from services.api.console.page_route import PageRoute
from services.api.console.reading import Reader
from services.api.console.rendering import page
from services.api.console.visitors import PATH
from services.api.problems import Problem
from shared.errors import UsageError
from shared.reviewing import Reviews, Ruling

WAITING_SHOWN = 100
WAS = "was."
"""Before the name of a field: the value that the person saw."""


class Decisions:
    """What a pipeline offers to be decided."""

    def __init__(self, connections: Connections, offered: Reviews | None) -> None:
        self._connections = connections
        self._offered = offered

    @property
    def offered(self) -> Reviews:
        """Raises Problem if nobody decides about items of this pipeline."""
        if self._offered is None:
            raise Problem(404, "nothing of this pipeline waits for a person")
        return self._offered

    async def queue(self, request: Request, status: int = 200, notice: str = "") -> Response:
        """What waits, and what came of the last decision."""
        waiting: list[dict[str, Any]] = await self.offered.waiting(self._connections.database, WAITING_SHOWN)
        about = {"most": WAITING_SHOWN, "notice": notice, "failed": status != 200}
        return page(request, "reviews", status, waiting=waiting, **about)

    async def decide(self, ruling: Ruling) -> tuple[int, str]:
        """What a decision came to, or why it was not made; with the status of the answer."""
        try:
            return 200, await self.offered.decide(self._connections.database, ruling)
        except UsageError as error:
            return 422, str(error)


def decision_routes(decisions: Decisions, reader: Reader) -> APIRouter:
    """The queue and the two forms."""
    router = APIRouter(prefix=PATH, route_class=PageRoute)

    @router.get("/reviews")
    async def list_reviews(request: Request) -> Response:
        return await decisions.queue(request)

    @router.post("/reviews/accept")
    async def accept(request: Request) -> Response:
        status, notice = await decisions.decide(_ruling(await read_form(request), {}))
        return await decisions.queue(request, status, notice)

    @router.post("/reviews/correct")
    async def correct(request: Request) -> Response:
        form = await read_form(request)
        ruling = _ruling(form, _changed(form, [choice.field for choice in decisions.offered.choices()]))
        status, notice = await decisions.decide(ruling)
        found = await reader.indicator(ruling.item_id)
        return page(request, "indicator", status, notice=notice, failed=status != 200, **found)

    return router


def _ruling(form: Form, fields: dict[str, str]) -> Ruling:
    return Ruling(
        item_id=dict(form).get("id", ""),
        fields=fields,
        reviewer=value(form, "reviewer"),
        reason=value(form, "reason"),
        force=value(form, "force") == "yes",
    )


def _changed(form: Form, names: Sequence[str]) -> dict[str, str]:
    """The fields that say something else than the person saw."""
    sent = dict(form)
    return {name: sent[name].strip() for name in names if name in sent and sent[name].strip() != sent.get(WAS + name)}
