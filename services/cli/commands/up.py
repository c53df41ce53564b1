"""`sluice up`: everything on this machine until Ctrl-C."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

import click
from rich.console import Console

from shared.errors import UsageError

if TYPE_CHECKING:
    from shared.runtime.declaration import Pipeline
    from shared.service.local import Local
    from shared.settings import Settings

USUAL = "classification"


@click.command(epilog="In another shell: sluice classify FILE, sluice batches, sluice lag, or POST to the API.")
@click.option(
    "--api-port", type=int, default=None, help="Port of the HTTP API; 0 takes any. [default: SLUICE_API_PORT]"
)
@click.option("--pipeline", "more", multiple=True, metavar="NAME", help="Run its stages, too: dedupe, correction.")
def up(api_port: int | None, more: tuple[str, ...]) -> None:
    """Run broker, database (those that are not configured), all stages and the HTTP API until Ctrl-C or SIGTERM.

    The stages are those of classification. `sluice dedupe` and `sluice correct` use these servers and start stages of
    their own for as long as they last. On configured servers they start none: have them run here, with --pipeline.
    """
    asyncio.run(_up(api_port, _chosen([USUAL, *more])))


def _chosen(names: Sequence[str]) -> Sequence["Pipeline"]:
    from shared.pipelines import pipelines

    known = pipelines()
    if unknown := [name for name in names if name not in known]:
        raise UsageError(f"there is no pipeline {unknown[0]!r}", remedy=f"pipelines: {', '.join(known)}")
    return [known[name] for name in dict.fromkeys(names)]


async def _up(api_port: int | None, chosen: Sequence["Pipeline"]) -> None:
    from shared.embedded.process import free_port
    from shared.service.child import ChildProcess
    from shared.service.local import SLUICE
    from shared.settings import Settings

    console, settings = Console(), Settings.load()

    def say(message: str) -> None:
        console.print(message, highlight=False, markup=False)

    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    port = (settings.api.port if api_port is None else api_port) or free_port()
    async with _running(settings, chosen, say) as running:
        local = running[0]
        command = [SLUICE[0], "-m", "services.api", "--host", settings.api.host, "--port", str(port)]
        log = settings.embedded.directory / "logs" / "api.log"
        async with ChildProcess("api", command, port, log, local.settings, say):
            for line in _addresses(local.settings.kafka.bootstrap_servers, settings.api.host, port):
                say(line)
            for supervisor in (one.supervisor for one in running if one.supervisor):
                for child in supervisor.children:
                    say(f"stages   {child.address}/metrics  {child.name}")
            say("running; Ctrl-C drains and stops everything")
            await stopped.wait()
            say("draining …")


@asynccontextmanager
async def _running(
    settings: "Settings", chosen: Sequence["Pipeline"], say: Callable[[str], None]
) -> AsyncIterator[list["Local"]]:
    """The servers, and the stages of each pipeline."""
    from shared.service.local import SLUICE, local_stack

    async with AsyncExitStack() as stack:
        opening = (local_stack(settings, pipeline, SLUICE, say, stages=True) for pipeline in chosen)
        yield [await stack.enter_async_context(one) for one in opening]


def _addresses(broker: str | None, host: str, port: int) -> Sequence[str]:
    shown = f"[{host}]" if ":" in host else host
    return [f"console  http://{shown}:{port}/console", f"api      http://{shown}:{port}/docs", f"broker   {broker}"]
