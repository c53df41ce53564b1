"""What can be done: giving dead letters another chance, deciding what waits for a person."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response

from services.api.connections import Connections
from services.api.console.forms import Form, read_form, value
from services.api.console.page_route import PageRoute
from services.api.console.reading import Reader
from services.api.console.rendering import page
from services.api.console.visitors import PATH
from services.api.problems import Problem
from shared.broker.originals import Originals
from shared.database.views import LetterFilter, LetterRow, failures_by_stage, find_dead_letters
from shared.errors import UsageError
from shared.replaying import Replay, Replayer, Terms
from shared.replaying.letters import find_letter, known_letters, payload_text
from shared.reviewing import Reviews, Ruling
from shared.settings import Settings

LETTERS_SHOWN = 100
WAITING_SHOWN = 100
REPLAYS_A_SECOND = 100.0
PAYLOAD_SHOWN = 20_000
WAS = "was."
"""Before the name of a field: the value that the person saw."""


class Actions:
    """Dead letters and reviews, as the commands `sluice dead-letters` and `sluice review` have them."""

    def __init__(self, settings: Settings, connections: Connections, offered: Reviews | None) -> None:
        self._settings = settings
        self._connections = connections
        self._offered = offered

    @property
    def offered(self) -> Reviews:
        """Raises Problem if nobody decides about items of this pipeline."""
        if self._offered is None:
            raise Problem(404, "nothing of this pipeline waits for a person")
        return self._offered

    async def letters(self, which: LetterFilter) -> list[LetterRow]:
        """Dead letters, the newest first."""
        return await find_dead_letters(self._connections.database, LETTERS_SHOWN, which)

    async def letters_page(
        self, request: Request, which: LetterFilter, *, status: int = 200, notice: str = ""
    ) -> Response:
        """The list, and what came of the last request."""
        failures = await failures_by_stage(self._connections.database)
        return page(
            request,
            "dead_letters",
            status,
            letters=await self.letters(which),
            failures=failures,
            which=which,
            most=LETTERS_SHOWN,
            notice=notice,
        )

    async def letter_page(self, request: Request, letter_id: int) -> Response:
        """One in full."""
        found = await find_letter(self._connections.database, letter_id)
        text = payload_text(found.payload)
        shown = (found.payload.hex(" ") if text is None else text)[:PAYLOAD_SHOWN]
        return page(request, "dead_letter", letter=found, payload=shown, as_bytes=text is None)

    async def replay(self, ids: Sequence[int]) -> Replay:
        """Publish them again. Raises UsageError for an unknown id."""
        database = self._connections.database
        chosen = await known_letters(database, ids)
        async with Originals(self._settings.kafka) as originals:
            replayer = Replayer(
                database,
                Terms(self._settings.runtime.dead_letter_replays),
                originals,
                self._connections.publisher,
                per_second=REPLAYS_A_SECOND,
            )
            return await replayer.replay(chosen)

    async def waiting(self) -> list[dict[str, Any]]:
        """What waits for a person."""
        return await self.offered.waiting(self._connections.database, WAITING_SHOWN)

    async def decide(self, ruling: Ruling) -> str:
        """Decide, and say what came of it. Raises UsageError."""
        return await self.offered.decide(self._connections.database, ruling)


def action_routes(actions: Actions, reader: Reader) -> APIRouter:
    """The pages with forms, and what the forms do."""
    router = APIRouter(prefix=PATH, route_class=PageRoute)
    _add_letters(router, actions)
    _add_reviews(router, actions, reader)
    return router


def _add_letters(router: APIRouter, actions: Actions) -> None:
    Text = Annotated[str | None, Query(max_length=200)]  # noqa: N806 -- a type

    @router.get("/dead-letters")
    async def list_letters(
        request: Request, stage: Text = None, code: Text = None, unresolved: bool = True
    ) -> Response:
        return await actions.letters_page(
            request, LetterFilter(stage=stage or None, code=code or None, unresolved=unresolved)
        )

    @router.get("/dead-letters/{letter_id}")
    async def show_letter(request: Request, letter_id: Annotated[int, Path(ge=0, le=2**63 - 1)]) -> Response:
        return await actions.letter_page(request, letter_id)

    @router.post("/dead-letters/replay")
    async def replay(request: Request) -> Response:
        form = await read_form(request)
        ids = _numbers(form, "letter")
        if not ids:
            return await actions.letters_page(
                request, LetterFilter(unresolved=True), status=400, notice="No dead letter is chosen."
            )
        done = await actions.replay(ids)
        return await actions.letters_page(request, LetterFilter(unresolved=True), notice=_told(done))


def _add_reviews(router: APIRouter, actions: Actions, reader: Reader) -> None:
    @router.get("/reviews")
    async def list_reviews(request: Request) -> Response:
        return page(request, "reviews", waiting=await actions.waiting(), most=WAITING_SHOWN, notice="", failed=False)

    @router.post("/reviews/accept")
    async def accept(request: Request) -> Response:
        notice, failed = await _decided(actions, _ruling(await read_form(request), {}))
        waiting = await actions.waiting()
        return page(
            request,
            "reviews",
            422 if failed else 200,
            waiting=waiting,
            most=WAITING_SHOWN,
            notice=notice,
            failed=failed,
        )

    @router.post("/reviews/correct")
    async def correct(request: Request) -> Response:
        form = await read_form(request)
        ruling = _ruling(form, _changed(form, [choice.field for choice in actions.offered.choices()]))
        notice, failed = await _decided(actions, ruling)
        found = await reader.indicator(ruling.item_id)
        return page(request, "indicator", 422 if failed else 200, notice=notice, failed=failed, **found)


async def _decided(actions: Actions, ruling: Ruling) -> tuple[str, bool]:
    """What a decision came to, or why it was not made."""
    try:
        return await actions.decide(ruling), False
    except UsageError as error:
        return str(error), True


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


def _numbers(form: Form, name: str) -> list[int]:
    texts = [text for field, text in form if field == name]
    return [int(text) for text in texts if text.isascii() and text.isdigit() and len(text) <= 18]


def _told(done: Replay) -> str:
    reasons = "; ".join(f"{letter}: {reason}" for letter, reason in done.refused.items())
    refused = f", {len(done.refused):,} refused ({reasons})" if done.refused else ""
    return f"{len(done.replayed):,} sent on their way again{refused}."
