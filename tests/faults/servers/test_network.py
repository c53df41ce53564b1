"""The network between the stages and their servers is cut, goes silent, or is long, narrow and loses packets."""

import pytest

from tests.faults.fragile import SERVERS, Fragile
from tests.faults.line import Weather
from tests.faults.scenario import disturbed
from tests.integration.undisturbed import Undisturbed

BAD = Weather(delay=0.1, jitter=0.1, lost=0.01, resent_after=1.0, bytes_per_second=2_000_000)
SLOWED_PIECES = 200


@pytest.mark.parametrize("server", SERVERS)
async def test_it_is_cut(ground: Fragile, before: Undisturbed, server: str) -> None:
    name = f"The {server} cannot be reached: connections cut and refused"
    promised = "stages say that it is away, and go on by themselves"
    async with disturbed(ground.field, before, name=name, promised=promised) as trouble:
        await trouble.until(0.2)
        trouble.began()
        async with ground.lines[server].cut():
            await ground.hindered(f"{server} is away")
        trouble.ended()


@pytest.mark.parametrize("server", SERVERS)
async def test_it_goes_silent(ground: Fragile, before: Undisturbed, server: str) -> None:
    name = f"Half-open connections to the {server}: all that is said vanishes, nobody is told"
    promised = "found out when the longest wait for an answer is over; then on new connections by themselves"
    async with disturbed(ground.field, before, name=name, promised=promised) as trouble:
        await trouble.until(0.2)
        trouble.began()
        async with ground.lines[server].silence():
            await ground.hindered(server)
        trouble.ended()


@pytest.mark.parametrize("server", SERVERS)
async def test_it_is_slow(ground: Fragile, before: Undisturbed, server: str) -> None:
    name = f"A bad line to the {server}: 100 to 200 ms each way, 1 piece in 100 a second later, 2 MB/s"
    line = ground.lines[server]
    async with disturbed(ground.field, before, name=name, promised="slower, and nothing else") as trouble:
        await trouble.until(0.1)
        trouble.began()
        before_it = line.pieces
        with line.spoilt(BAD):
            await trouble.until(0.5)
        trouble.ended()
        assert line.pieces > before_it + SLOWED_PIECES
