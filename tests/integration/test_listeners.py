"""Nothing listens beyond this machine unless it is told to: as the kernel's table of sockets has it."""

import asyncio
import os
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_address
from pathlib import Path

import psutil
import pytest

from shared.embedded.process import tail
from tests.contract.waiting import eventually

PATIENCE = 120.0


@asynccontextmanager
async def running(log: Path, *words: str, until: str, **variables: str) -> AsyncIterator[psutil.Process]:
    """A command of ours without any setting, from when it says `until`; ended with SIGINT."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SLUICE_")} | variables
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "services.cli.main", *words),
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=log.parent,  # no .env of ours
        )

    async def says() -> bool:
        assert process.returncode is None, tail(log, 100)
        return until in tail(log, 100)

    try:
        await eventually(says, f"{words} says {until!r}", PATIENCE)
        yield psutil.Process(process.pid)
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGINT)
        assert await process.wait() == 0


def bound(process: psutil.Process) -> dict[int, tuple[str, str]]:
    """Port → (process, address) of every socket that waits for somebody, of a process and all below it."""
    found: dict[int, tuple[str, str]] = {}
    for one in (process, *process.children(recursive=True)):
        for connection in one.net_connections(kind="inet"):
            if connection.status in {psutil.CONN_LISTEN, psutil.CONN_NONE}:  # none: UDP
                found[connection.laddr.port] = (one.name(), connection.laddr.ip)
    return found


def beyond(sockets: dict[int, tuple[str, str]]) -> dict[int, tuple[str, str]]:
    return {port: place for port, place in sockets.items() if not ip_address(place[1]).is_loopback}


async def test_servers_stages_and_api_keep_to_themselves(state_directory: Path, tmp_path: Path) -> None:
    state, log = state_directory / "listeners", tmp_path / "up.log"
    state.mkdir(mode=0o755)
    async with running(log, "up", "--api-port", "0", until="running;", SLUICE_STATE_DIR=str(state)) as up:
        sockets, said = bound(up), tail(log, 100)
    assert beyond(sockets) == {}
    ports = {int(port) for port in re.findall(r"127\.0\.0\.1:(\d+)", said)}
    assert len(ports) >= 5, said  # broker, database, API and two processes of stages
    assert ports <= sockets.keys()
    assert {"tansu", "postgres"} <= {name for name, _ in sockets.values()}


async def test_the_simulated_vendor_keeps_to_itself(tmp_path: Path) -> None:
    log = tmp_path / "vendor.log"
    async with running(log, "simulate-vendor", "--port", "0", until="until Ctrl-C") as vendor:
        sockets = bound(vendor)
    (port,) = {int(port) for port in re.findall(r"vendor at http://127\.0\.0\.1:(\d+)", tail(log, 100))}
    assert beyond(sockets) == {}
    assert port in sockets


@pytest.mark.parametrize("address", ["0.0.0.0", "::"])
def test_an_address_beyond_is_known_as_such(address: str) -> None:
    assert beyond({1: ("any", address)})
