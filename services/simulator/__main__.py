"""`python -m services.simulator`: a simulator as a service, for benchmarks. `sluice simulate-vendor` is for people."""

import asyncio
import json
import signal

import click
import uvloop

from services.simulator.control import options_from
from services.simulator.options import SimulatorOptions
from services.simulator.serving import new_simulator, serving


@click.command()
@click.option("--port", type=int, default=0, help="Port on loopback; 0 takes any that is free.")
@click.option("--options", default="{}", help="Options as a JSON object.")
def main(port: int, options: str) -> None:
    """Serve until SIGTERM; the first line of the output is the address."""
    try:
        wanted = options_from(json.loads(options))
    except ValueError as error:
        raise click.BadParameter(str(error)) from None
    uvloop.run(_serve(wanted, port))


async def _serve(options: SimulatorOptions, port: int) -> None:
    stopped = asyncio.Event()
    async with serving(new_simulator(options), port) as url:
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stopped.set)
        click.echo(url)
        await stopped.wait()


if __name__ == "__main__":
    main()
