"""`sluice simulate-vendor`: a vendor of language models on this machine, for trying out."""

import asyncio
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from services.simulator.faults import Faults
from services.simulator.options import SimulatorOptions
from services.simulator.serving import new_simulator, serving
from services.simulator.simulator import Simulator
from shared.errors import UsageError

EXAMPLE_KEY = "sk-simulated"
_SHOWN = 10


def _faults(_: click.Context, __: click.Parameter, given: Sequence[str]) -> Faults:
    try:
        return Faults().changed({name: float(rate) for name, _, rate in (text.partition("=") for text in given)})
    except ValueError as error:
        raise click.BadParameter(f"write NAME=RATE. {error}") from None


@click.command(epilog="Example: sluice simulate-vendor --rpm 600 --latency-median 0.5 --fault damaged=0.05")
@click.option("--port", type=click.IntRange(0, 65535), default=8400, show_default=True, help="Port; 0 takes any.")
@click.option("--rpm", type=click.FloatRange(min=0), default=3000, show_default=True, help="Requests a minute; 0: any.")
@click.option("--tpm", type=click.FloatRange(min=0), default=4e6, show_default=True, help="Tokens a minute; 0: any.")
@click.option(
    "--burst",
    "burst_seconds",
    type=click.FloatRange(min=0.001),
    default=1.0,
    show_default=True,
    help="Seconds for which an idle limit saves up.",
)
@click.option("--latency-mean", type=click.FloatRange(min=0), default=2.0, show_default=True, help="Seconds.")
@click.option("--latency-median", type=click.FloatRange(min=0), default=None, help="Seconds, instead of the mean.")
@click.option("--latency-sigma", type=click.FloatRange(min=0), default=0.6, show_default=True, help="Of the logarithm.")
@click.option(
    "--time-scale",
    type=click.FloatRange(min=0.001),
    default=1.0,
    show_default=True,
    help="How many times faster than real: latency is divided by it, limits are multiplied.",
)
@click.option(
    "--fault",
    "faults",
    multiple=True,
    callback=_faults,
    metavar="NAME=RATE",
    help=f"Share of calls that go wrong, repeatable. Names: {', '.join(Faults.names())}.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Of latencies and faults.")
@click.option(
    "--labels",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    default=None,
    help="Answer from this file of labelled indicators. Default: the labels that ship with Sluice.",
)
@click.option("--key", default="", help="API key to demand. Default: any will do.")
def simulate_vendor(port: int, **options: Any) -> None:
    """Run a simulated vendor on loopback until Ctrl-C: OpenAI's and Anthropic's formats, nothing is billed.

    It answers from labels and, where there is none, with the embedded model. Limits, latency and faults are as asked.
    """
    try:
        asyncio.run(_run(SimulatorOptions(**options), port))
    except OSError as error:
        raise UsageError(f"port {port} cannot be used: {error.strerror}", remedy="choose another --port") from None


async def _run(options: SimulatorOptions, port: int) -> None:
    simulator = new_simulator(options)
    stopped = asyncio.Event()
    async with serving(simulator, port) as url:
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stopped.set)
        click.echo(f"simulated vendor at {url}, until Ctrl-C. In another shell:\n")
        for name, value in environment(url, options.key or EXAMPLE_KEY).items():
            click.echo(f"export {name}={value}")
        click.echo("\nthen, for example: sluice classify FILE --provider openai")
        await stopped.wait()
    click.echo(summary(simulator))


def environment(url: str, key: str) -> dict[str, str]:
    """The variables that point Sluice's providers at a simulator."""
    return {
        "OPENAI_BASE_URL": f"{url}/v1",
        "OPENAI_API_KEY": key,
        "ANTHROPIC_BASE_URL": url,
        "ANTHROPIC_API_KEY": key,
        "GOOGLE_BASE_URL": f"{url}/v1",
        "GOOGLE_API_KEY": key,
        "SLUICE_LOCAL_URL": f"{url}/v1",
        "SLUICE_LOCAL_API_KEY": key,
    }


def summary(simulator: Simulator) -> str:
    """What was served, in words."""
    found = simulator.stats.as_dict()
    tokens = found["tokens"]
    lines = [
        f"\nserved {found['calls']:,} calls: {found['items']:,} items, {found['distinct_items']:,} distinct",
        f"  by status     {_counts(found['by_status'])}",
        f"  by question   {_counts(found['by_question'])}",
        f"  faults        {_counts(found['faults'])}",
        f"  tokens        {tokens['input']:,} in ({tokens['cached']:,} cached), {tokens['output']:,} out",
        f"  busiest       {found['peaks']['1']:,} calls in a second, {found['most_in_flight']:,} at once",
    ]
    return "\n".join(lines)


def _counts(counts: Mapping[str, int]) -> str:
    common = sorted(counts.items(), key=lambda pair: -pair[1])[:_SHOWN]
    return ", ".join(f"{name} {count:,}" for name, count in common) or "none"
