"""The whole pipeline: 39,000 messages, a third of them repeated, and memory over 200,000."""

import math
import shutil
import time
from pathlib import Path

import psutil

from services.correction.masking import mask
from shared.llm.calls import Tokens
from shared.llm.pricing import Prices
from tests.benchmarks.llm.report import Line, percent
from tests.benchmarks.running import state_directory
from tests.integration.correcting import Correcting, correcting
from tests.transcripts import Typed, messages, write_folder

MESSAGES = 39_000
SMALL, LARGE = 10_000, 200_000
GROWTH_MB = 50
BATCH = 15
QUICK = {"SLUICE_OPENAI_RPM": "0", "SLUICE_OPENAI_TPM": "0"}


async def with_vendor() -> list[Line]:
    """From files to rows, twice."""
    typed = messages(MESSAGES, seed=39)
    with state_directory() as folder:
        write_folder(Path(folder) / "transcripts", typed)
        async with correcting(
            Path(folder) / "state", QUICK, latency_median=None, latency_mean=2.0, time_scale=20
        ) as it:
            return await _twice(it, Path(folder) / "transcripts", typed)


async def _twice(it: Correcting, place: Path, typed: list[Typed]) -> list[Line]:
    began = time.monotonic()
    run_id = await it.run(place, "openai")
    seconds = time.monotonic() - began
    facts, stats = await it.facts(run_id), await it.vendor.stats()
    began = time.monotonic()
    await it.run(place, "openai")
    again, calls = time.monotonic() - began, await it.calls() - stats["calls"]
    distinct = len({mask(message.text).text for message in typed})
    saved, least = 1 - stats["items"] / len(typed), math.ceil(distinct / BATCH)
    tokens = stats["tokens"]
    price = Prices.load(None).cost(
        "openai", "gpt-4o-mini", Tokens(tokens["input"], tokens["cached"], 0, tokens["output"])
    )
    off = abs(facts["cost_usd"] / price - 1)
    rows, stored = facts["rows"], await it.database.fetchval("SELECT count(*) FROM corrections")
    how = f"{rows:,} rows of {facts['lines']:,} lines, {rows / seconds:,.0f} rows/s"
    return [
        Line("39,000 messages, every stage", "", f"{seconds:.0f} s", None, f"{how}; vendor 20 times faster"),
        Line("items saved by repeats", "≥ 29 %", percent(saved), saved >= 0.29, f"{stats['items']:,} sent"),
        Line("calls", f"≤ {least} + 2 %", f"{stats['calls']:,}", stats["calls"] <= 1.02 * least, f"{distinct:,} texts"),
        Line("second run", "0 calls", f"{calls} calls, {again:.0f} s", calls == 0, how),
        Line("rows after two runs", f"{rows:,}", f"{stored:,}", stored == rows, "nothing twice"),
        Line("rows final", "100 %", percent(facts["completed"] / rows), facts["completed"] == rows, how),
        Line("cost", "within 1 %", f"${facts['cost_usd']:.3f}, {percent(off, 2)} off", off <= 0.01, "tokens x price"),
    ]


async def memory() -> list[Line]:
    """What the stage processes hold after 10,000 messages, and after 200,000."""
    with state_directory() as folder:
        places = {count: Path(folder) / str(count) for count in (SMALL, LARGE)}
        for count, place in places.items():
            write_folder(place, messages(count, seed=count), a_file=20_659, bare=True)
        async with correcting(Path(folder) / "state", QUICK) as it:
            held = {}
            for count, place in places.items():
                began = time.monotonic()
                await it.run(place)
                held[count] = _held(it)
                seconds = time.monotonic() - began
                shutil.rmtree(place)
    grown = max(after - before for before, after in zip(held[SMALL], held[LARGE], strict=True))
    shown = ", ".join(f"{size:.0f}" for size in held[LARGE])
    how = f"embedded corrector; {shown} MB a process afterwards; {LARGE / seconds:,.0f} messages/s"
    return [Line("memory, 10,000 to 200,000 messages", f"< {GROWTH_MB} MB", f"{grown:.1f} MB", grown < GROWTH_MB, how)]


def _held(it: Correcting) -> list[float]:
    """Resident memory of each stage process, in MB."""
    return [psutil.Process(child.process.pid).memory_info().rss / 1e6 for child in it.stages.children if child.process]
