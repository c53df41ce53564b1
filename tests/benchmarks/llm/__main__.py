"""`python -m tests.benchmarks.llm`: every line of the gateway's target table, measured against a simulated vendor.

The vendor: mean 2 s log-normal (sigma 0.6), N calls a minute, bucket of 1 s, 1 % errors, in a process of its own. The
replicas: four processes, each with its own provider, pool and admission, on one Postgres, with 55/15/15/15 of the load.

Where time is scaled, latencies are divided and the limit is multiplied; seconds are printed as the vendor would count
them. A call through the vendor's SDK costs a core 2 ms, so the scale is as high as two cores allow, not always 1:20.
Probes, leases and the breaker have clocks of their own, so lines about them are played in real time. What is scaled has
one thing to suffer that the world it stands for has not: the vendor's bucket of a second shrinks to a fraction of one,
so a moment in which the machine serves somebody else may already cost a 429.
"""

import argparse
import asyncio
import json
import sys
import time
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from pathlib import Path

from rich.console import Console

from tests.benchmarks.llm import disturbances, overhead, sharing, throughput, whole
from tests.benchmarks.llm.ground import Ground, ground
from tests.benchmarks.llm.report import Line, table

WIDTH = 180
"""Of the table where nobody looks at it on a terminal."""

AtGateway = Callable[[Ground, float], Awaitable[list[Line]]]


def _unscaled(part: Callable[[Ground], Awaitable[list[Line]]]) -> AtGateway:
    return lambda where, _: part(where)


GATEWAY: dict[str, AtGateway] = {
    "calls": throughput.ten_thousand_calls,
    "too-high": throughput.limit_too_high,
    "items": throughput.many_items,
    "lowered": _unscaled(disturbances.lowered),
    "replicas": _unscaled(disturbances.killed_and_added),
    "equal": _unscaled(sharing.equal_requests),
    "budget": _unscaled(sharing.budget),
    "switch": _unscaled(disturbances.kill_switch),
    "down": _unscaled(disturbances.down_for_a_minute),
    "overhead": _unscaled(overhead.overhead),
    "memory": _unscaled(overhead.memory),
    "damaged": sharing.damaged_answers,
}
WHOLE: dict[str, Callable[[], Awaitable[list[Line]]]] = {
    "openai": whole.with_openai,
    "anthropic": whole.with_anthropic,
    "techniques": whole.techniques,
}


def main() -> None:
    """Run what is asked for and print it."""
    parser = argparse.ArgumentParser(prog="make bench-llm", description="Measure the LLM gateway.")
    parser.add_argument("--only", nargs="+", choices=[*GATEWAY, *WHOLE], help="just these parts")
    parser.add_argument("--scale", type=float, default=1.0, help="times the scale that each part has by itself")
    parser.add_argument("--json", type=Path, help="also write the lines to this file")
    arguments = parser.parse_args()
    console = Console() if sys.stdout.isatty() else Console(width=WIDTH)
    wanted = arguments.only or [*GATEWAY, *WHOLE]
    began = time.monotonic()
    lines = asyncio.run(_measured(wanted, arguments.scale, console))
    console.print(table("The LLM gateway beside its targets", lines))
    missed = sum(line.met is False for line in lines)
    console.print(f"{len(lines)} lines, {missed} missed, in {time.monotonic() - began:.0f} s")
    if arguments.json:
        arguments.json.write_text(json.dumps([asdict(line) for line in lines], indent=1), encoding="utf-8")


async def _measured(wanted: list[str], scale: float, console: Console) -> list[Line]:
    lines: list[Line] = []
    if any(name in GATEWAY for name in wanted):
        async with ground() as where:
            for name in filter(GATEWAY.__contains__, wanted):
                lines += _told(console, name, await _part(GATEWAY[name](where, scale), name))
    for name in filter(WHOLE.__contains__, wanted):
        lines += _told(console, name, await _part(WHOLE[name](), name))
    return lines


async def _part(work: Awaitable[list[Line]], name: str) -> list[Line]:
    """Its lines; a part that breaks is a line that was missed, and the others go on."""
    try:
        return await work
    except Exception as error:
        traceback.print_exc()
        return [Line(name, "", f"failed: {type(error).__name__}: {error}", met=False)]


def _told(console: Console, name: str, lines: list[Line]) -> list[Line]:
    """Say at once what is known: the whole takes a while."""
    for line in lines:
        text = f"{name}: {line.measure}: {line.measured} (target {line.target or 'none'}) {line.verdict}"
        console.print(text, highlight=False, markup=False)
    return lines


if __name__ == "__main__":
    main()
