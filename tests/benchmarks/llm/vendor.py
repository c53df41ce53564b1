"""`python -m tests.benchmarks.llm.vendor`: the simulated vendor with a model that knows every code."""

import asyncio
import json
import signal
import sys

import uvloop

from services.simulator.answering import Answers
from services.simulator.control import options_from
from services.simulator.serving import new_simulator, serving
from tests.benchmarks.llm.question import Codes


async def main() -> None:
    """Serve until SIGTERM; the first line of the output is the address. Arguments: --port PORT --options JSON."""
    port, options = int(sys.argv[2]), options_from(json.loads(sys.argv[4]))
    stopped = asyncio.Event()
    async with serving(new_simulator(options, Answers([Codes()])), port) as url:
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stopped.set)
        print(url, flush=True)
        await stopped.wait()


if __name__ == "__main__":
    uvloop.run(main())
