"""A simulator on a port of this machine."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn

from services.simulator.answering import Answers
from services.simulator.app import SimulatorApp
from services.simulator.options import SimulatorOptions
from services.simulator.simulator import Simulator

LOOPBACK = "127.0.0.1"
KEEP_ALIVE_SECONDS = 300
"""A vendor keeps idle connections for minutes; clients must not find theirs closed."""
BACKLOG = 4096


def new_simulator(options: SimulatorOptions, answers: Answers | None = None) -> Simulator:
    """A simulator in real time, by default with the answers of the pipelines installed."""
    return Simulator(options, answers or Answers.installed(options.labels), sleep=asyncio.sleep)


@asynccontextmanager
async def serving(simulator: Simulator, port: int = 0) -> AsyncIterator[str]:
    """The address of a simulator that serves for as long as the context lasts; port 0 takes any that is free."""
    listener = socket.create_server((LOOPBACK, port), backlog=BACKLOG)
    server = uvicorn.Server(_config(simulator))
    running = asyncio.create_task(server.serve([listener]))
    try:
        yield f"http://{LOOPBACK}:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        await running


def _config(simulator: Simulator) -> uvicorn.Config:
    return uvicorn.Config(
        SimulatorApp(simulator),
        lifespan="off",
        log_config=None,
        log_level="critical",  # a connection that is cut on purpose is an error to uvicorn
        access_log=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=0,  # calls that still wait for their latency are dropped
    )
