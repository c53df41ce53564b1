"""`python -m tests.benchmarks.correction`: every figure that correction has a target for, measured beside it.

The vendor is simulated, in a process of its own: mean 2 s log-normal, in a world that is a few times faster. Seconds
are the vendor's where a line is about calls, and real ones where it is about the whole pipeline. Records a second of
discovery are those of a second of CPU.
"""

import argparse
import asyncio
import sys
import time
import traceback
from collections.abc import Awaitable, Callable

from rich.console import Console

from tests.benchmarks.correction import asking, reading, whole
from tests.benchmarks.llm.report import Line, table

WIDTH = 170
PARTS: dict[str, Callable[[], Awaitable[list[Line]]]] = {
    "reading": reading.reading,
    "workers": asking.workers,
    "twenty": asking.twenty,
    "pre-pass": asking.pre_pass,
    "whole": whole.with_vendor,
    "memory": whole.memory,
}


def main() -> None:
    """Run what is asked for and print it."""
    parser = argparse.ArgumentParser(prog="make bench-correct", description="Measure the correction of transcripts.")
    parser.add_argument("--only", nargs="+", choices=[*PARTS], help="just these parts")
    arguments = parser.parse_args()
    console = Console() if sys.stdout.isatty() else Console(width=WIDTH)
    began = time.monotonic()
    lines: list[Line] = []
    for name in arguments.only or PARTS:
        found = asyncio.run(_part(name))
        for line in found:
            text = f"{name}: {line.measure}: {line.measured} (target {line.target or 'none'}) {line.verdict}"
            console.print(text, highlight=False, markup=False)
        lines += found
    console.print(table("Correction beside its targets", lines))
    missed = sum(line.met is False for line in lines)
    console.print(f"{len(lines)} lines, {missed} missed, in {time.monotonic() - began:.0f} s")


async def _part(name: str) -> list[Line]:
    """Its lines; a part that breaks is a line that was missed, and the others go on."""
    try:
        return await PARTS[name]()
    except Exception as error:
        traceback.print_exc()
        return [Line(name, "", f"failed: {type(error).__name__}: {error}", met=False)]


if __name__ == "__main__":
    main()
