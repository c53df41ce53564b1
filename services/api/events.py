"""A batch's progress as server-sent events: an event for every change, the last one when it is done."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

from sse_starlette import ServerSentEvent

from services.api.contract import BatchState
from shared.errors import TransientError
from shared.telemetry.metrics import API_STREAMS

INTERVAL_SECONDS = 0.25
RECONNECT_MS = 2_000

ReadState = Callable[[], Awaitable[BatchState | None]]


def event_id(state: BatchState) -> str:
    """What a client that reconnects sends back: the counts it has seen, so that it is told only what is new."""
    return f"{state.total}-{state.completed}-{state.needs_human}-{state.failed}-{state.status}"


async def follow(read: ReadState, last_event_id: str | None) -> AsyncIterator[ServerSentEvent]:
    """`progress` whenever the counts have changed, then `completed`. Ends with the batch, or when the client leaves."""
    seen = last_event_id
    with API_STREAMS.track_inprogress():
        while True:
            state = await _read(read)
            if state and state.status == "completed":
                yield _event("completed", state)
                return
            if state and event_id(state) != seen:
                seen = event_id(state)
                yield _event("progress", state)
            await asyncio.sleep(INTERVAL_SECONDS)


async def _read(read: ReadState) -> BatchState | None:
    """The state; None while the database is away, which the client need not notice."""
    try:
        return await read()
    except TransientError:
        return None


def _event(name: str, state: BatchState) -> ServerSentEvent:
    return ServerSentEvent(state.model_dump_json(), event=name, id=event_id(state), retry=RECONNECT_MS)
