"""A line to a server that a test can spoil: what passes is late, or vanishes while both ends believe in it."""

import asyncio
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass

from tests.contract.proxy import Door, Way

PIECE = 65536
PIECES_UNDER_WAY = 256


@dataclass(frozen=True)
class Weather:
    """What becomes of each piece that passes. Nothing overtakes what was sent before it."""

    delay: float = 0.0
    """Seconds."""
    jitter: float = 0.0
    """Most seconds on top, evenly spread."""
    lost: float = 0.0
    """The share that has to be sent again, and is so much later."""
    resent_after: float = 1.0
    bytes_per_second: float = float("inf")


FAIR = Weather()


class Line(Door):
    """A door with weather behind it."""

    def __init__(self, host: str, port: int, seed: int = 1) -> None:
        super().__init__(host, port)
        self.weather = FAIR
        self.pieces = 0
        """How many have been taken in."""
        self._rng = random.Random(seed)
        self._silent = False
        self._age = 0

    @asynccontextmanager
    async def silence(self) -> AsyncIterator[None]:
        """Connections are accepted and all that is said vanishes. Those that were there in that time stay silent."""
        self._silent, self._age = True, self._age + 1
        try:
            yield
        finally:
            self._silent, self._age = False, self._age + 1

    @contextmanager
    def spoilt(self, weather: Weather) -> Iterator[None]:
        """This is the weather for as long as the context lasts."""
        self.weather = weather
        try:
            yield
        finally:
            self.weather = FAIR

    @asynccontextmanager
    async def cut(self) -> AsyncIterator[None]:
        """Connections are cut and refused for as long as the context lasts."""
        await self.shut()
        try:
            yield
        finally:
            await self.open()

    async def _carry(self, *ways: Way) -> None:
        born = self._age
        await asyncio.gather(*(self._flow(way, born) for way in ways))

    async def _flow(self, way: Way, born: int) -> None:
        pieces: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(PIECES_UNDER_WAY)
        await asyncio.gather(self._take(way[0], pieces), self._deliver(way[1], pieces, born))

    async def _take(self, reader: asyncio.StreamReader, pieces: asyncio.Queue[tuple[float, bytes]]) -> None:
        """Note when each piece will be there; an empty one is the end."""
        piece, due = b"?", 0.0
        while piece:
            piece = b""
            with suppress(OSError):
                piece = await reader.read(PIECE)
            self.pieces += 1
            now, narrow = asyncio.get_running_loop().time(), len(piece) / self.weather.bytes_per_second
            due = max(due, now + self._late()) + narrow
            await pieces.put((due, piece))

    def _late(self) -> float:
        weather = self.weather
        again = weather.resent_after if self._rng.random() < weather.lost else 0.0
        return weather.delay + self._rng.uniform(0, weather.jitter) + again

    async def _deliver(
        self, writer: asyncio.StreamWriter, pieces: asyncio.Queue[tuple[float, bytes]], born: int
    ) -> None:
        piece = b"?"
        while piece:
            due, piece = await pieces.get()
            await asyncio.sleep(due - asyncio.get_running_loop().time())
            if self._silent or born != self._age:
                continue  # not even the end of a connection is heard of
            with suppress(OSError):
                writer.write(piece)
                await writer.drain()
                if not piece:
                    writer.close()
