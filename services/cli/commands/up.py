"""`sluice up`: everything on this machine until Ctrl-C."""

import asyncio
import signal
from collections.abc import Sequence

import click
from rich.console import Console


@click.command(epilog="In another shell: sluice classify FILE, sluice batches, sluice lag, or POST to the API.")
@click.option(
    "--api-port", type=int, default=None, help="Port of the HTTP API; 0 takes any. [default: SLUICE_API_PORT]"
)
def up(api_port: int | None) -> None:
    """Run broker, database (those that are not configured), every stage and the HTTP API until Ctrl-C or SIGTERM."""
    asyncio.run(_up(api_port))


async def _up(api_port: int | None) -> None:
    from services.cli.session import classification
    from shared.embedded.process import free_port
    from shared.service.child import ChildProcess
    from shared.service.local import SLUICE, local_stack
    from shared.settings import Settings

    console, settings = Console(), Settings.load()

    def say(message: str) -> None:
        console.print(message, highlight=False, markup=False)

    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    port = (settings.api.port if api_port is None else api_port) or free_port()
    async with local_stack(settings, classification(), SLUICE, say, stages=True) as local:
        command = [SLUICE[0], "-m", "services.api", "--host", settings.api.host, "--port", str(port)]
        log = settings.embedded.directory / "logs" / "api.log"
        async with ChildProcess("api", command, port, log, local.settings, say):
            for line in _addresses(local.settings.kafka.bootstrap_servers, settings.api.host, port):
                say(line)
            if local.supervisor:
                for child in local.supervisor.children:
                    say(f"stages   {child.address}/metrics  {child.name}")
            say("running; Ctrl-C drains and stops everything")
            await stopped.wait()
            say("draining …")


def _addresses(broker: str | None, host: str, port: int) -> Sequence[str]:
    shown = f"[{host}]" if ":" in host else host
    return [f"console  http://{shown}:{port}/console", f"api      http://{shown}:{port}/docs", f"broker   {broker}"]
