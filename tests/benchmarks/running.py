"""The whole pipeline as `sluice up` runs it, on servers of the chosen kind, and what each of its processes uses."""

import json
import tempfile
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

import psutil

from deployment.scaling import RECORDED
from services.cli.session import classification
from shared.embedded.stack import BROKER, DATABASE, embedded_stack
from shared.runtime.declaration import Pipeline
from shared.service.local import SLUICE, Local, Say, local_stack, prepare
from shared.settings import Settings
from tests.kafka.backend import own_servers

SERVERS = {"tansu": BROKER, "java": BROKER, "postgres": DATABASE}


@contextmanager
def state_directory() -> Iterator[str]:
    """A folder that the database's own user can reach."""
    with tempfile.TemporaryDirectory(prefix="sluice-bench-") as folder:
        Path(folder).chmod(0o755)
        yield folder


@asynccontextmanager
async def running_pipeline(
    settings: Settings, say: Say = lambda _: None, pipeline: Pipeline | None = None
) -> AsyncIterator[Local]:
    """Servers (SLUICE_TEST_BACKEND) with tables and topics, and every stage of a pipeline (classification)."""
    pipeline = pipeline or classification()
    async with (
        own_servers(settings.embedded.directory) as servers,
        embedded_stack(Settings.load(settings.as_environment() | servers), say) as stack,
    ):
        await prepare(stack.settings, pipeline, (BROKER, DATABASE))
        async with local_stack(stack.settings, pipeline, SLUICE, say, stages=True) as local:
            yield local


def cpu_seconds(local: Local) -> dict[str, float]:
    """CPU so far by role. Children that Postgres has reaped are in its parent's account."""
    return _sums(local, lambda process: sum(process.cpu_times()[:4]))


def memory_mb(local: Local) -> dict[str, float]:
    """Resident memory by role; what the processes of a database share counts in each of them."""
    return _sums(local, lambda process: process.memory_info().rss / 1e6)


def _sums(local: Local, use: Callable[[psutil.Process], float]) -> dict[str, float]:
    sums: defaultdict[str, float] = defaultdict(float)
    for name, process in processes(local):
        with suppress(psutil.NoSuchProcess):  # a database's processes come and go
            sums[name] += use(process)
    return dict(sums)


def processes(local: Local) -> Iterator[tuple[str, psutil.Process]]:
    """The stages' and the servers' processes, by role."""
    for child in local.supervisor.children if local.supervisor else ():
        if child.process:
            yield child.name, psutil.Process(child.process.pid)
    state = str(local.settings.embedded.directory)
    for process in psutil.process_iter(["name"]):
        if process.info["name"] in SERVERS and _belongs(process, state):
            yield SERVERS[process.info["name"]], process


def _belongs(process: psutil.Process, state: str) -> bool:
    """Whether a server is ours: its own command line, or its keeper's, names our state directory."""
    try:
        return any(state in " ".join(one.cmdline()) for one in (process, *process.parents()))
    except psutil.Error:
        return False


def record_service_times(cpu_ms: Mapping[str, float]) -> None:
    """Keep what a record costs these stages beside what is known of others."""
    known: dict[str, float] = json.loads(RECORDED.read_text())["cpu_ms_a_record"]
    RECORDED.write_text(json.dumps({"cpu_ms_a_record": known | dict(cpu_ms)}, indent=2, sort_keys=True) + "\n")
