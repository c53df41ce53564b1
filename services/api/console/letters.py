"""Dead letters: which there are, one in full, and another chance for some, as `sluice dead-letters` has it."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from services.api.connections import Connections
from services.api.console.forms import Form, SearchText, read_form
from services.api.console.page_route import PageRoute
from services.api.console.rendering import page
from services.api.console.visitors import PATH
from shared.broker.originals import Originals
from shared.database import Database
from shared.database.views import LetterFilter, failures_by_stage, find_dead_letters
from shared.replaying import Replay, Replayer, Terms
from shared.replaying.letters import find_letter, known_letters, payload_text
from shared.settings import Settings

LETTERS_SHOWN = 100
REPLAYS_A_SECOND = 100.0
PAYLOAD_SHOWN = 20_000
NOT_REPLAYED = LetterFilter(unresolved=True)


class Letters:
    """The pages of dead letters, and replaying."""

    def __init__(self, settings: Settings, connections: Connections) -> None:
        self._settings = settings
        self._connections = connections

    @property
    def _database(self) -> Database:
        return self._connections.database

    async def listed(self, request: Request, which: LetterFilter, status: int = 200, notice: str = "") -> Response:
        """The list, and what came of the last request."""
        return page(
            request,
            "dead_letters",
            status,
            letters=await find_dead_letters(self._database, LETTERS_SHOWN, which),
            failures=await failures_by_stage(self._database),
            which=which,
            most=LETTERS_SHOWN,
            notice=notice,
        )

    async def shown(self, request: Request, letter_id: int) -> Response:
        """One in full."""
        found = await find_letter(self._database, letter_id)
        text = payload_text(found.payload)
        payload = (found.payload.hex(" ") if text is None else text)[:PAYLOAD_SHOWN]
        return page(request, "dead_letter", letter=found, payload=payload, as_bytes=text is None)

    async def replay(self, ids: Sequence[int]) -> Replay:
        """Publish them again. Raises UsageError for an unknown id."""
        chosen = await known_letters(self._database, ids)
        terms = Terms(self._settings.runtime.dead_letter_replays)
        async with Originals(self._settings.kafka) as originals:
            publisher = self._connections.publisher
            return await Replayer(self._database, terms, originals, publisher, per_second=REPLAYS_A_SECOND).replay(
                chosen
            )


def letter_routes(letters: Letters) -> APIRouter:
    """The list, each letter, and the form that replays."""
    router = APIRouter(prefix=PATH, route_class=PageRoute)

    @router.get("/dead-letters")
    async def list_letters(
        request: Request, stage: SearchText = "", code: SearchText = "", unresolved: bool = True
    ) -> Response:
        which = LetterFilter(stage=stage or None, code=code or None, unresolved=unresolved)
        return await letters.listed(request, which)

    @router.get("/dead-letters/{letter_id}")
    async def show_letter(request: Request, letter_id: Annotated[int, Path(ge=0, le=2**63 - 1)]) -> Response:
        return await letters.shown(request, letter_id)

    @router.post("/dead-letters/replay")
    async def replay(request: Request) -> Response:
        ids = _ids(await read_form(request))
        if not ids:
            return await letters.listed(request, NOT_REPLAYED, 400, "No dead letter is chosen.")
        return await letters.listed(request, NOT_REPLAYED, notice=_told(await letters.replay(ids)))

    return router


def _ids(form: Form) -> list[int]:
    texts = [text for field, text in form if field == "letter"]
    return [int(text) for text in texts if text.isascii() and text.isdigit() and len(text) <= 18]


def _told(done: Replay) -> str:
    reasons = "; ".join(f"{letter}: {reason}" for letter, reason in done.refused.items())
    refused = f", {len(done.refused):,} refused ({reasons})" if done.refused else ""
    return f"{len(done.replayed):,} sent on their way again{refused}."
