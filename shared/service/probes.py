"""Health over HTTP: live means the process can still make progress, ready means it takes work now."""

import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from faststream.asgi import AsgiResponse, get

from shared.runtime.worker import StageWorker, State

STUCK_AFTER_SECONDS = 600.0


def live_route(workers: Sequence[StageWorker]) -> Any:
    """200 while no batch has been in hand for longer than the group would tolerate. Does not depend on Kafka."""

    @get
    async def live(_: Any) -> AsgiResponse:
        stuck = [worker.stage.full_name for worker in workers if worker.busy_seconds() > STUCK_AFTER_SECONDS]
        return _answer(503 if stuck else 200, {"status": "stuck" if stuck else "live", "stuck": stuck})

    return live


def ready_route(workers: Sequence[StageWorker], database_ready: Callable[[], Awaitable[bool]]) -> Any:
    """200 when every stage has joined its group and neither halted nor drains, and the database answers if needed."""

    @get
    async def ready(_: Any) -> AsgiResponse:
        stages = {worker.stage.full_name: {"state": worker.state.value, "reason": worker.reason} for worker in workers}
        database = await database_ready()
        good = database and all(worker.state in {State.RUNNING, State.PAUSED} for worker in workers)
        return _answer(
            200 if good else 503, {"status": "ready" if good else "not ready", "database": database, "stages": stages}
        )

    return ready


def _answer(status: int, body: dict[str, Any]) -> AsgiResponse:
    return AsgiResponse(json.dumps(body).encode(), status, {"content-type": "application/json"})
