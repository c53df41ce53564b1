"""A Docker engine: the one that answers, or one of Debian's packages for as long as the tests run.

The one that is started here keeps to itself: a folder and a socket of its own, no bridge, no rules in the firewall. It
ends with this process.
"""

import os
import re
import signal
import subprocess
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from shared.embedded.process import spawn, stop, tail
from tests.compose import debian
from tests.contract.waiting import eventually
from tests.kafka.apache import UnavailableError

ROOT = Path(__file__).parents[2]
API_AT_LEAST = (1, 44)
"""Docker Engine 25: the first that knows `start_interval` of a health check."""
START_SECONDS = 120.0
STOP_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Docker:
    """The command `docker`, run where docker-compose.yml is."""

    variables: Mapping[str, str] = field(default_factory=dict)

    def __call__(self, *words: object) -> str:
        """What a command prints. Fails with what it says if it fails."""
        code, out, err = self.tried(*words)
        assert code == 0, f"docker {' '.join(map(str, words))}:\n{out[-4000:]}{err[-4000:]}"
        return out

    def tried(self, *words: object) -> tuple[int, str, str]:
        """Exit code, output and errors of a command."""
        command, env = ["docker", *map(str, words)], {**os.environ, **self.variables}
        try:
            done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
        except FileNotFoundError as error:
            return 127, "", str(error)
        return done.returncode, done.stdout, done.stderr


@asynccontextmanager
async def engine(folder: Path) -> AsyncIterator[Docker]:
    """An engine that answers. Raises UnavailableError if there is none and none can be started."""
    if Docker().tried("info")[0] == 0:
        yield _new_enough(Docker())
        return
    try:
        debian.require()
    except UnavailableError as error:
        raise UnavailableError(f"no Docker engine answers, and none can be started: {error}") from error
    async with _own_engine(folder) as docker:
        yield _new_enough(docker)


def _new_enough(docker: Docker) -> Docker:
    """Raises UnavailableError if it cannot read our file."""
    said = docker("version", "--format", "{{.Server.APIVersion}}").strip()
    if tuple(map(int, re.findall(r"\d+", said))) < API_AT_LEAST:
        raise UnavailableError(f"the engine speaks API {said}; docker-compose.yml needs Docker Engine 25 or newer")
    if docker.tried("compose", "version")[0]:
        raise UnavailableError("`docker compose` is not installed")
    return docker


@asynccontextmanager
async def _own_engine(folder: Path) -> AsyncIterator[Docker]:
    docker, log = Docker(debian.engine(folder)), folder / "dockerd.log"
    places = {"data-root": folder / "data", "exec-root": folder / "exec", "pidfile": folder / "dockerd.pid"}
    command = ["dockerd", "--host", docker.variables["DOCKER_HOST"], *(f"--{k}={v}" for k, v in places.items())]
    alone = ["--bridge=none", "--iptables=false", "--ip-forward=false"]
    process = await spawn([*command, *alone], log, env=dict(docker.variables), death_signal=signal.SIGTERM)

    async def answers() -> bool:
        assert process.returncode is None, tail(log)
        return docker.tried("info")[0] == 0

    try:
        await eventually(answers, "the Docker engine answers", START_SECONDS)
        yield docker
    finally:
        await stop(process, signal.SIGTERM, grace=STOP_SECONDS)
