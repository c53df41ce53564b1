"""A door to a server that a test can shut: connections are cut and refused until it is opened again."""

import asyncio
from contextlib import suppress
from typing import Self

from shared.embedded.process import LOOPBACK, free_port

Way = tuple[asyncio.StreamReader, asyncio.StreamWriter]
"""From where, and where to."""


class Door:
    """Forwards a loopback port, a free one or `at`, to `host:port`. Open inside its context unless `shut` is given."""

    def __init__(self, host: str, port: int, *, shut: bool = False, at: int | None = None) -> None:
        self._target = host, port
        self._shut = shut
        self._server: asyncio.Server | None = None
        self._flows: set[asyncio.Task[None]] = set()
        self.port = at or free_port()

    async def __aenter__(self) -> Self:
        if not self._shut:
            await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.shut()

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._enter, LOOPBACK, self.port)

    async def shut(self) -> None:
        """Refuse newcomers and throw everybody out."""
        if self._server:
            self._server.close()
            self._server = None
        for flow in self._flows:
            flow.cancel()
        await asyncio.gather(*self._flows, return_exceptions=True)

    async def _enter(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        flow = asyncio.current_task()
        assert flow
        self._flows.add(flow)
        inner: asyncio.StreamWriter | None = None
        try:
            inside, inner = await asyncio.open_connection(*self._target)
            await self._carry((reader, inner), (inside, writer))
        except asyncio.CancelledError:
            pass  # the door is shut
        finally:
            self._flows.discard(flow)
            for end in (writer, inner):
                if end:
                    end.transport.abort()

    async def _carry(self, *ways: Way) -> None:
        """Forward both ways until both ends have closed."""
        await asyncio.gather(*(_flow(*way) for way in ways))


async def _flow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.close()
